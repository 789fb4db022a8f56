"""Transactions, MERGE, tables and types: what Snowflake does where DuckDB or fakesnow would not."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from ml_connector_simulators.snowflake import SnowflakeServer

from tests.snowflake_sim.client import Client

BIG = 10**37 + 1


def test_a_transaction_is_all_or_nothing_and_counts_its_rows(
    client: Client, open_client: Callable[..., Client]
) -> None:
    other = open_client()
    client.ask("CREATE TABLE T (ID NUMBER(38,0), NAME VARCHAR)")
    client.ask("CREATE TABLE S (ID NUMBER(38,0), NAME VARCHAR)")
    assert client.count(f"INSERT INTO S VALUES (1, 'a'), (2, 'b'), ({BIG}, 'c')") == 3
    client.ask("BEGIN")
    assert client.count("INSERT INTO T SELECT * FROM S") == 3
    assert other.one("SELECT COUNT(*) FROM T") == 0
    client.ask("ROLLBACK")
    assert client.one("SELECT COUNT(*) FROM T") == 0
    client.ask("BEGIN TRANSACTION")
    client.ask("BEGIN")
    client.count("INSERT INTO T SELECT * FROM S")
    assert client.count("DELETE FROM T USING S WHERE T.ID = S.ID AND S.NAME <> 'c'") == 2
    assert client.count("UPDATE T SET NAME = 'd'") == 1
    client.ask("COMMIT")
    assert other.ask("SELECT * FROM T") == [(BIG, "d")]
    client.ask("COMMIT")
    client.ask("ROLLBACK")


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("INSERT INTO T (NAME) VALUES ('no id')", 100072),
        ("INSERT INTO T SELECT 'x', 'y'", 100038),
        ("INSERT INTO NOPE VALUES (1)", 2003),
        ("SELECT NOPE FROM T", 904),
        ("SELECT CAST(NAME AS NUMBER) FROM T", 100038),
        ("SELEC 1", 1003),
    ],
)
def test_a_failed_statement_undoes_itself_alone(client: Client, bad: str, code: int) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0) NOT NULL, NAME VARCHAR)")
    client.ask("BEGIN")
    client.ask("INSERT INTO T VALUES (1, 'a')")
    client.refused(bad, code)
    client.ask("INSERT INTO T VALUES (2, 'b')")
    client.ask("COMMIT")
    assert client.ask("SELECT ID FROM T ORDER BY ID") == [(1,), (2,)]


def test_ddl_commits_what_is_open(client: Client) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0))")
    client.ask("BEGIN")
    client.ask("INSERT INTO T VALUES (1)")
    client.ask("CREATE TRANSIENT TABLE OTHER (ID NUMBER)")
    client.ask("ROLLBACK")
    assert client.one("SELECT COUNT(*) FROM T") == 1


def test_autocommit_can_be_turned_off(client: Client, open_client: Callable[..., Client]) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0))")
    manual = open_client(autocommit=False)
    manual.ask("INSERT INTO T VALUES (1)")
    manual.connection.rollback()
    manual.ask("INSERT INTO T VALUES (2)")
    manual.connection.commit()
    assert client.ask("SELECT ID FROM T") == [(2,)]
    client.ask("ALTER SESSION SET AUTOCOMMIT = FALSE")
    client.ask("INSERT INTO T VALUES (3)")
    client.ask("ROLLBACK")
    assert client.one("SELECT COUNT(*) FROM T") == 1


def test_merge_counts_and_refuses_to_change_a_row_twice(client: Client) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0), V VARIANT, GONE BOOLEAN)")
    client.ask("INSERT INTO T SELECT 1, PARSE_JSON('{}'), FALSE UNION ALL SELECT 2, NULL, FALSE")
    client.ask("BEGIN")
    merge = (
        'MERGE INTO "T" AS d USING (SELECT column1 AS ID, column2 AS V, column3 AS GONE FROM VALUES {}) s'
        " ON d.ID = s.ID WHEN MATCHED AND s.GONE THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET d.V = PARSE_JSON(s.V), GONE = FALSE"
        " WHEN NOT MATCHED THEN INSERT (ID, V) VALUES (s.ID, PARSE_JSON(s.V))"
    )
    rows = """(1, '{"a": 1}', FALSE), (2, '{}', TRUE), (3, '[1]', FALSE)"""
    assert client.ask(merge.format(rows)) == [(1, 1, 1)]
    assert client.count(merge.format("(1, '{}', FALSE)")) == 1
    client.refused(merge.format("(1, '{}', FALSE), (1, '{}', FALSE)"), 100090, "Duplicate row detected")
    client.ask("COMMIT")
    assert client.ask("SELECT ID FROM T ORDER BY ID") == [(1,), (3,)]
    assert client.ask(merge.format("(9, '1', FALSE), (9, '2', FALSE)")) == [(2, 0, 0)]


def test_tables_swap_with_their_text_lengths(client: Client) -> None:
    client.ask("CREATE TABLE LIVE (NAME VARCHAR(3))")
    client.ask("CREATE TABLE NEXT (NAME VARCHAR(10), N NUMBER(38,0))")
    client.ask("INSERT INTO NEXT VALUES ('longer', 1)")
    client.ask('ALTER TABLE "LIVE" SWAP WITH "NEXT"')
    assert client.ask("SELECT * FROM LIVE") == [("longer", 1)]
    assert [row[1] for row in client.ask("DESCRIBE TABLE LIVE")] == ["VARCHAR(10)", "NUMBER(38,0)"]
    client.refused("INSERT INTO NEXT VALUES ('long')", 100078)
    client.refused("ALTER TABLE LIVE SWAP WITH NOPE", 2003, "NOPE")
    client.ask("ALTER TABLE NEXT RENAME TO OLD")
    client.refused("INSERT INTO OLD VALUES ('long')", 100078)


def test_types_are_described_as_snowflake_does(client: Client, database: str) -> None:
    client.ask(
        "CREATE TABLE T (ID NUMBER(38,0) NOT NULL PRIMARY KEY, N NUMBER(38,9), S NUMBER(5), I INT, F FLOAT, T VARCHAR,"
        " V VARIANT, AT TIMESTAMP_TZ, D DATE, C TIME, B BOOLEAN, X BINARY)"
    )
    described = {row[0]: row[1] for row in client.ask("DESCRIBE TABLE T")}
    assert described == {
        "ID": "NUMBER(38,0)",
        "N": "NUMBER(38,9)",
        "S": "NUMBER(5,0)",
        "I": "NUMBER(38,0)",
        "F": "FLOAT",
        "T": "VARCHAR(16777216)",
        "V": "VARIANT",
        "AT": "TIMESTAMP_TZ(9)",
        "D": "DATE",
        "C": "TIME(9)",
        "B": "BOOLEAN",
        "X": "BINARY(8388608)",
    }
    columns = client.ask(
        f'SELECT COLUMN_NAME, DATA_TYPE, NUMERIC_PRECISION, NUMERIC_SCALE FROM "{database}".INFORMATION_SCHEMA.COLUMNS'
        " WHERE TABLE_SCHEMA = 'S1' AND TABLE_NAME = 'T' ORDER BY ORDINAL_POSITION"
    )
    assert columns[:2] == [("ID", "NUMBER", 38, 0), ("N", "NUMBER", 38, 9)]
    assert [row[1] for row in columns[4:8]] == ["FLOAT", "TEXT", "VARIANT", "TIMESTAMP_TZ"]
    client.ask("INSERT INTO T (ID) VALUES (1), (1)")  # a primary key is not enforced
    client.refused("INSERT INTO T (N) VALUES (1)", 100072)


def test_a_column_is_added_once_and_retyped_only_as_snowflake_allows(client: Client) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(10,0), NAME VARCHAR(5))")
    client.ask(
        'ALTER TABLE "T" ADD COLUMN IF NOT EXISTS "ID" NUMBER(38,0), IF NOT EXISTS "AT" TIMESTAMP_TZ, N NUMBER(38,9)'
    )
    client.refused("ALTER TABLE T ADD COLUMN M VARCHAR, NAME VARCHAR", 1430, "'NAME' already exists")
    client.ask("ALTER TABLE T ALTER COLUMN NAME SET DATA TYPE VARCHAR(20)")
    client.ask("ALTER TABLE T ALTER COLUMN ID SET DATA TYPE NUMBER(38,0)")
    for wrong in ("NAME SET DATA TYPE VARCHAR(5)", "ID SET DATA TYPE VARCHAR", "N SET DATA TYPE NUMBER(38,2)"):
        client.refused(f"ALTER TABLE T ALTER COLUMN {wrong}", 2108, "cannot change column")
    assert [row[:2] for row in client.ask("DESCRIBE TABLE T")] == [
        ("ID", "NUMBER(38,0)"),
        ("NAME", "VARCHAR(20)"),
        ("AT", "TIMESTAMP_TZ(9)"),
        ("N", "NUMBER(38,9)"),
    ]


def test_the_session_tells_what_is_in_use(open_client: Callable[..., Client], database: str) -> None:
    client = open_client(warehouse="LOAD_WH", role="LOADER", session_parameters={"QUERY_TAG": "run 1"})
    assert client.ask("SELECT CURRENT_WAREHOUSE(), CURRENT_ROLE(), CURRENT_DATABASE(), CURRENT_SCHEMA()") == [
        ("LOAD_WH", "LOADER", database, "S1")
    ]
    with client.connection.cursor() as cursor:
        query_id = cursor.execute("SELECT 1").sfqid
    assert client.one("SELECT LAST_QUERY_ID()") == query_id
    client.ask("CREATE WAREHOUSE IF NOT EXISTS NEW_WH WITH WAREHOUSE_SIZE = 'XSMALL'")
    client.ask("ALTER WAREHOUSE NEW_WH SUSPEND")
    assert client.one("SELECT CURRENT_WAREHOUSE()") == "NEW_WH"
    client.ask("USE ROLE OTHER")
    client.ask('USE WAREHOUSE "Quoted"')
    assert client.ask("SELECT CURRENT_ROLE(), CURRENT_WAREHOUSE()") == [("OTHER", "Quoted")]
    client.refused("USE SCHEMA NOPE", 2043)
    client.refused('USE DATABASE "NOPE"', 2043)
    assert open_client(schema="NOPE").one("SELECT CURRENT_SCHEMA()") is None
    open_client(schema="NOPE").refused("CREATE TABLE T (A INT)", 90106, "does not have a current schema")


def test_a_database_comes_with_public_and_goes_with_its_file(client: Client, database: str) -> None:
    client.ask(f"CREATE DATABASE {database}_2")
    assert client.ask("SELECT CURRENT_DATABASE(), CURRENT_SCHEMA()") == [(f"{database}_2", "PUBLIC")]
    client.ask("CREATE TABLE T (ID NUMBER)")
    client.ask(f"CREATE DATABASE IF NOT EXISTS {database}")
    assert [row[1] for row in client.ask(f"SHOW SCHEMAS LIKE 'S1' IN DATABASE {database}")] == ["S1"]
    client.ask(f"DROP DATABASE {database}_2")
    client.refused("CREATE TABLE T (ID NUMBER)", 90105, "does not have a current database")
    client.refused(f"DROP DATABASE {database}_2", 2003)
    client.ask(f"DROP DATABASE IF EXISTS {database}_2")
    client.ask(f"USE SCHEMA {database}.S1")
    client.ask("CREATE TABLE T (ID NUMBER)")


def test_a_warehouse_can_be_missing_or_asleep(sim: SnowflakeServer, open_client: Callable[..., Client]) -> None:
    sim.edit("set_warehouse", name="NIGHT", state="SUSPENDED", auto_resume=False)
    sim.edit("set_warehouse", name="DAY", state="SUSPENDED", auto_resume=True)
    sim.edit("set_warehouse", name="GONE", dropped=True)
    night, day, gone = (open_client(warehouse=name) for name in ("NIGHT", "DAY", "GONE"))
    night.ask("CREATE TABLE T (ID NUMBER(38,0))")  # DDL needs none
    night.refused("INSERT INTO T VALUES (1)", 608, "Warehouse 'NIGHT' is suspended")
    gone.refused("SELECT * FROM T", 606, "No active warehouse")
    gone.refused("USE WAREHOUSE GONE", 2043)
    assert [(row[0], row[1], row[12]) for row in day.ask("SHOW WAREHOUSES LIKE 'DAY'")] == [
        ("DAY", "SUSPENDED", "true")
    ]
    day.ask("SELECT * FROM T")
    assert [(row[0], row[1]) for row in day.ask("SHOW WAREHOUSES LIKE 'DAY'")] == [("DAY", "STARTED")]
    assert day.ask("SHOW WAREHOUSES LIKE 'GONE'") == []


def test_statements_queue_for_the_rows_of_an_open_transaction(
    client: Client, open_client: Callable[..., Client]
) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0), N NUMBER(38,0))")
    client.ask("INSERT INTO T VALUES (1, 0)")
    clients = [open_client(network_timeout=60) for _ in range(3)]

    def count_up(each: Client) -> None:
        for _ in range(5):
            each.ask("UPDATE T SET N = N + 1 WHERE ID = 1")

    threads = [threading.Thread(target=count_up, args=(each,)) for each in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.one("SELECT N FROM T") == 15


def test_a_transaction_its_client_has_left_gives_way(client: Client, open_client: Callable[..., Client]) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0))")
    client.ask("INSERT INTO T VALUES (1)")
    killed = open_client()
    killed.ask("BEGIN")
    killed.ask("DELETE FROM T")
    assert open_client(network_timeout=60).count("DELETE FROM T") == 1


def test_the_log_tells_what_came_of_each_statement(sim: SnowflakeServer, client: Client) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0))")
    client.ask("INSERT INTO T VALUES (1), (2)")
    client.refused("SELECT * FROM NOPE", 2003)
    told = [(each["sql"].split()[0], each["outcome"], each["rows"], each["answered"]) for each in sim.statements()]
    assert told == [("CREATE", "done", 1, True), ("INSERT", "done", 2, True), ("SELECT", "002003", None, True)]
    assert len({each["session"] for each in sim.statements()}) == 1
    sim.forget()
    assert sim.statements() == []


def test_a_statement_is_described_without_being_run(client: Client) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0), AT TIMESTAMP_TZ)")
    with client.connection.cursor() as cursor:
        assert [each.name for each in cursor.describe("SELECT ID, AT AS WHEN_IT_WAS FROM T")] == ["ID", "WHEN_IT_WAS"]
        assert cursor.describe("INSERT INTO T (ID) VALUES (1)") == []
    assert client.one("SELECT COUNT(*) FROM T") == 0


def test_rows_are_bound_and_answers_asked_for_again(client: Client, open_client: Callable[..., Client]) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0), NAME VARCHAR)")
    with client.connection.cursor() as cursor:
        cursor.executemany("INSERT INTO T VALUES (%s, %s)", [(1, "it's $dear"), (2, None)])
        assert cursor.rowcount == 2
        query_id = cursor.execute_async("SELECT ID FROM T ORDER BY ID")["queryId"]
        cursor.get_results_from_sfqid(query_id)
        assert cursor.fetchall() == [(1,), (2,)]
    qmark = open_client(paramstyle="qmark")
    qmark.ask("INSERT INTO T VALUES (?, ?)", 3, "three")
    assert qmark.ask("SELECT NAME FROM T WHERE ID = ?", 3) == [("three",)]


def test_what_is_not_covered_is_refused_at_once(client: Client) -> None:
    client.refused("CREATE TASK T1 SCHEDULE = '1 MINUTE' AS SELECT 1", 1003)
    client.refused("SELECT NO_SUCH_FUNCTION(1)", 2140)
    client.refused("SHOW GRANTS TO ROLE LOADER", 1003)
    client.refused("SELECT 1; SELECT 2", 8, "Actual statement count 2")
