"""The answers to statements: rows, counts, and where a PUT shall bring its files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fakesnow.converter import from_binding
from fakesnow.statement_type import DML_TYPE_IDS
from fakesnow.transforms import stage

from ml_connector_simulators.snowflake import arrow
from ml_connector_simulators.snowflake.errors import StatementError

if TYPE_CHECKING:
    from ml_connector_simulators.snowflake.session import Outcome, Session


def run(session: Session, said: dict[str, Any], base_url: str) -> tuple[dict[str, Any], int | None]:
    """Run what a client asks for; its answer, and how many rows it is about."""
    sql = said["sqlText"]
    if said.get("describeOnly"):
        return _answer(session, session.describe(sql)), None
    bindings = said.get("bindings") or {}
    if any(isinstance(each["value"], list) for each in bindings.values()):
        return _batch(session, sql, bindings)
    if bindings and not all(name.isdigit() for name in bindings):
        params: Any = {name: from_binding(each) for name, each in bindings.items()}
    else:
        params = [_bound(bindings[str(place)]) for place in range(1, len(bindings) + 1)] or None
    outcome = session.run(sql, params)
    if outcome.upload is not None:
        return _upload(outcome, base_url), None
    return _answer(session, outcome), outcome.rows


def again(session: Session, query_id: str) -> dict[str, Any]:
    """The answer of a statement that ran before."""
    if query_id not in session.outcomes:
        raise StatementError("000709", "02000", f"Statement {query_id} not found")
    return _answer(session, session.outcomes[query_id])


def _bound(binding: dict[str, Any]) -> Any:
    return None if binding["value"] is None else from_binding(binding)


def _batch(session: Session, sql: str, bindings: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    """An array binding: one statement to Snowflake, a row at a time here."""
    columns = [
        [_bound(binding | {"value": value}) for value in binding["value"]]
        for binding in (bindings[str(place)] for place in range(1, len(bindings) + 1))
    ]
    outcome, rows = None, 0
    for row in zip(*columns, strict=True):
        outcome = session.run(sql, list(row))
        rows += outcome.rows or 0
    if outcome is None:
        raise StatementError("100132", "22000", "an array binding without rows")
    return _answer(session, outcome) | {"queryResultFormat": "json", "rowset": [[str(rows)]], "total": 1}, rows


def _answer(session: Session, outcome: Outcome) -> dict[str, Any]:
    table = outcome.table
    total = table.num_rows if table is not None else 0
    data = {
        "parameters": parameters(session),
        "rowtype": outcome.rowtype,
        "total": total,
        "returned": total,
        "queryId": outcome.query_id,
        "statementTypeId": outcome.type_id,
        "version": 1,
        "sqlState": "00000",
        "finalDatabaseName": session.connection.database,
        "finalSchemaName": session.connection.schema,
        "finalRoleName": session.role,
        "finalWarehouseName": session.warehouse,
    }
    if outcome.type_id in DML_TYPE_IDS and table is not None:
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        return data | {
            "queryResultFormat": "json",
            "rowset": [[None if value is None else str(value) for value in row] for row in rows],
            "stats": _stats(outcome),
        }
    encoded = arrow.encode(table, outcome.rowtype) if table is not None else ""
    return data | {"queryResultFormat": "arrow", "rowsetBase64": encoded}


def _stats(outcome: Outcome) -> dict[str, int]:
    words = {"number of rows inserted": "numRowsInserted", "number of rows updated": "numRowsUpdated"}
    words["number of rows deleted"] = "numRowsDeleted"
    if outcome.table is None:
        return {}
    counts = outcome.table.to_pylist()[0]
    return {words[name]: int(value) for name, value in counts.items() if name in words}


def _upload(outcome: Outcome, base_url: str) -> dict[str, Any]:
    """Where the client shall bring the file: to this server, by a URL of Google's kind, over plain HTTP."""
    command = outcome.upload
    data: dict[str, Any] = command.args["put_stage_data"] if command is not None else {}
    file = os.path.join(data["stageInfo"]["location"], os.path.basename(data["src_locations"][0]))  # noqa: PTH118, PTH119
    path = quote(os.path.relpath(file, stage.LOCAL_BUCKET_PATH))
    info = {
        "locationType": "GCS",
        "location": f"{command.args['put_stage_name'] if command is not None else ''}/",
        "path": "",
        "region": "local",
        "storageAccount": "",
        "endPoint": "",
        "isClientSideEncrypted": False,
        "creds": {},
        "presignedUrl": f"{base_url}fs_bucket/{path}",
    }
    return data | {"stageInfo": info, "overwrite": True, "encryptionMaterial": None, "queryId": outcome.query_id}


def parameters(session: Session) -> list[dict[str, Any]]:
    """The session's parameters a client acts upon."""
    known: dict[str, Any] = {
        "AUTOCOMMIT": session.autocommit,
        "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY": 3600,
        "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD": 0,  # bindings stay inline: no PUT behind the client's back
        "TIMEZONE": session.parameters.get("TIMEZONE", "Etc/UTC"),
        "QUERY_TAG": session.parameters.get("QUERY_TAG", ""),
    }
    return [{"name": name, "value": value} for name, value in known.items()]


def session_info(session: Session) -> dict[str, Any]:
    """What is in use after the login."""
    return {
        "databaseName": session.connection.database,
        "schemaName": session.connection.schema,
        "warehouseName": session.warehouse,
        "roleName": session.role,
    }
