"""What connector 5.x is asked to do, in an environment of its own: it prints what it got as JSON."""

import json
import sys
import urllib.request
from typing import Any

import snowflake.connector
from snowflake.connector.errors import Error


def main(port: int, file: str) -> dict[str, Any]:
    where = {"host": "127.0.0.1", "port": port, "protocol": "http", "account": "sim", "user": "u", "password": "p"}
    connection = snowflake.connector.connect(**where, database="DB1", schema="S1", network_timeout=20, login_timeout=20)
    cursor = connection.cursor()

    def ask(sql: str) -> list[Any]:
        return list(cursor.execute(sql).fetchall())

    told: dict[str, Any] = {"version": snowflake.connector.__version__}
    ask("CREATE STAGE LANDING")
    ask(f"PUT 'file://{file}' '@LANDING/a/' AUTO_COMPRESS=FALSE")
    ask("CREATE TABLE T (ID NUMBER(38,0), AT TIMESTAMP_TZ)")
    by_name = (
        "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE PURGE = TRUE"
    )
    told["loaded"] = int(ask(f"COPY INTO T FROM @LANDING/a/ {by_name}")[0][3])
    told["rows"] = [
        [str(number), at.isoformat() if at else "None"] for number, at in ask("SELECT * FROM T ORDER BY ID")
    ]
    told["big"] = str(ask("SELECT 12345678901234567890123456789012345678::NUMBER(38,0)")[0][0])
    ask("BEGIN")
    ask("DELETE FROM T WHERE ID = 1")
    told["deleted"] = cursor.rowcount
    ask(
        "MERGE INTO T USING (SELECT 8 AS ID UNION ALL SELECT 9) s ON T.ID = s.ID"
        " WHEN NOT MATCHED THEN INSERT (ID) VALUES (s.ID)"
    )
    told["merged"] = cursor.rowcount
    ask("COMMIT")
    told["left"] = int(ask("SELECT COUNT(*) FROM T")[0][0])
    try:
        ask("SELECT NOPE FROM T")
    except Error as error:
        told["refused"] = [error.errno, error.sqlstate]
    expire = urllib.request.Request(
        f"http://127.0.0.1:{port}/_sim/edit", json.dumps({"edit": "expire_sessions"}).encode()
    )
    urllib.request.urlopen(expire, timeout=10).close()
    told["renewed"] = int(ask("SELECT COUNT(*) FROM T")[0][0])
    connection.close()
    return told


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2])))
