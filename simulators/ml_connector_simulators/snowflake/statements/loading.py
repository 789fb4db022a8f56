"""COPY INTO a table from Parquet and JSON files of a stage; CSV is fakesnow's."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fakesnow.transforms.options import parse_options
from sqlglot import exp

from ml_connector_simulators.snowflake.errors import StatementError
from ml_connector_simulators.snowflake.statements import staged
from ml_connector_simulators.snowflake.statements.stages import files, folder, resolve
from ml_connector_simulators.snowflake.statements.tables import Name, exists, full_name, missing, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from ml_connector_simulators.snowflake.cursor import Cursor
    from ml_connector_simulators.snowflake.session import Session

_OPTIONS = {"FILE_FORMAT", "MATCH_BY_COLUMN_NAME", "PURGE", "FORCE", "ON_ERROR", "FILES", "PATTERN", "SIZE_LIMIT"}
_OPTIONS |= {"RETURN_FAILED_ONLY", "ENFORCE_LENGTH", "TRUNCATECOLUMNS", "LOAD_UNCERTAIN_FILES"}
_PARQUET = {"TYPE", "COMPRESSION", "USE_LOGICAL_TYPE", "USE_VECTORIZED_SCANNER", "BINARY_AS_TEXT", "TRIM_SPACE"}
_PARQUET |= {"REPLACE_INVALID_CHARACTERS", "NULL_IF", "SNAPPY_COMPRESSION"}
_ANSWER = (
    "file, status, rows_parsed, rows_loaded, error_limit, errors_seen, first_error, first_error_line,"
    " first_error_character, first_error_column_name"
)


@dataclass(slots=True)
class Copy:
    """One COPY statement, taken apart."""

    table: Name
    columns: list[str]
    source: str
    select: exp.Select | None
    options: dict[str, Any]
    format: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """PARQUET, JSON or CSV."""
        return str(self.format.get("TYPE", "CSV")).upper()


def copy(session: Session, cursor: Cursor, expression: exp.Copy, _: Any) -> bool:
    """COPY INTO."""
    _name_user_stage(session, expression)
    plan = _read(session, cursor, expression)
    if plan is None or plan.kind == "CSV":
        return False
    if not exists(cursor, plan.table):
        raise missing(plan.table)
    root, path, prefix = folder(session, cursor, plan.source)
    found = [each for each in files(root, path) if _wanted(plan, str(each.relative_to(root)), path)]
    if not found:
        cursor.answer("SELECT 'Copy executed with 0 files processed.' AS status")
        return True
    rows = [_load(cursor, plan, each, prefix + str(each.relative_to(root))) for each in found]
    if plan.options.get("PURGE") is True:
        session.transaction.purge(found)
    values = ", ".join(rows)
    cursor.answer(f"SELECT * FROM (VALUES {values}) AS t({_ANSWER})")  # noqa: S608
    return True


def _name_user_stage(session: Session, expression: exp.Copy) -> None:
    for source in expression.find_all(exp.Var, exp.Literal):
        if source.name.strip("'").startswith("@~"):
            name, path = resolve(session, source.name)
            source.replace(exp.Var(this=f"@{name}/{path}"))


def _read(session: Session, cursor: Cursor, expression: exp.Copy) -> Copy | None:
    target = expression.this
    table = target.this if isinstance(target, exp.Schema) else target
    columns = [each.name for each in target.expressions] if isinstance(target, exp.Schema) else []
    inner = expression.args["files"][0]
    select = inner.this if isinstance(inner, exp.Subquery) else None
    table_read = staged.reference(select) if isinstance(select, exp.Select) else inner
    reference = table_read.this.name if table_read is not None else ""
    if not reference.strip("'").startswith("@"):
        return None
    plan = Copy(full_name(session, table), columns, reference, select, {})
    for each in expression.args.get("params") or []:
        _take(session, cursor, plan, each)
    return plan


def _take(session: Session, cursor: Cursor, plan: Copy, param: exp.CopyParameter) -> None:
    name = param.this.name.upper()
    if name not in _OPTIONS:
        raise StatementError("001003", "42000", f"SQL compilation error:\ninvalid parameter '{name}'")
    if name == "FILE_FORMAT":
        plan.format = staged.file_format(session, cursor, parse_options(param.expressions))
        unknown = set(plan.format) - _PARQUET if plan.kind == "PARQUET" else set()
        if unknown:
            raise StatementError("001003", "42000", f"SQL compilation error:\ninvalid parameter '{min(unknown)}'")
    elif name == "FILES":
        plan.options[name] = [each.name for each in param.find_all(exp.Literal)]
    else:
        value = param.expression
        plan.options[name] = value.this if isinstance(value, exp.Boolean | exp.Literal) else value.name.upper()
    if name == "ON_ERROR" and str(plan.options[name]).upper() != "ABORT_STATEMENT":
        raise NotImplementedError(f"ON_ERROR = {plan.options[name]}")


def _wanted(plan: Copy, name: str, path: str) -> bool:
    only, pattern = plan.options.get("FILES"), plan.options.get("PATTERN")
    if only is not None and name.removeprefix(path) not in only:
        return False
    return pattern is None or re.fullmatch(str(pattern), name) is not None


def _load(cursor: Cursor, plan: Copy, file: Path, shown: str) -> str:
    """Load one file, unless the table has had it; the row of the answer about it."""
    history = f'"{plan.table[0]}"._fs_information_schema._fs_load_history'
    where = "FILE_NAME = ? AND TABLE_NAME = ? AND SCHEMA_NAME = ?"
    had = cursor.duck(
        f"SELECT 1 FROM {history} WHERE {where}",  # noqa: S608
        [str(file), plan.table[2], plan.table[1]],
    )
    told = "'" + shown.replace("'", "''") + "'"
    if had and plan.options.get("FORCE") is not True:
        return f"({told}, 'LOAD_SKIPPED', 0, 0, NULL, 1, 'File was loaded before.', NULL, NULL, NULL)"
    try:
        ((count,),) = cursor.duck(_insert(cursor, plan, file))
    except StatementError as error:
        raise StatementError(error.code, error.sqlstate, f"{error.message}\n  File '{shown}'") from error
    cursor.duck(
        f"INSERT INTO {history} (SCHEMA_NAME, FILE_NAME, TABLE_NAME, LAST_LOAD_TIME, STATUS, ROW_COUNT, ROW_PARSED)"  # noqa: S608
        " VALUES (?, ?, ?, ?, 'LOADED', ?, ?)",
        [plan.table[1], str(file), plan.table[2], datetime.now(UTC), count, count],
    )
    return f"({told}, 'LOADED', {count}, {count}, 1, 0, NULL, NULL, NULL, NULL)"


def _insert(cursor: Cursor, plan: Copy, file: Path) -> str:
    target = quoted(plan.table)
    if plan.select is not None:
        names = f" ({', '.join(map(_name, plan.columns))})" if plan.columns else ""
        query = plan.select.copy()
        if (place := staged.reference(query)) is not None:
            staged.read(query, place, plan.kind, [file])
        return f"INSERT INTO {target}{names} {cursor.translated(query).sql(dialect='duckdb')}"
    columns = dict(cursor.duck(f"SELECT column_name, column_type FROM (DESCRIBE {target})"))  # noqa: S608
    mode = str(plan.options.get("MATCH_BY_COLUMN_NAME", "NONE"))
    if mode == "NONE":
        if list(columns.values()) != ["JSON"]:
            raise StatementError(
                "002019",
                "0A000",
                f"SQL compilation error:\n{plan.kind} file format can produce one and only one column of type variant, "
                "object, or array. Load data into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy "
                "with transformation.",
            )
        return f'INSERT INTO {target} SELECT "$1" FROM ({staged.rows(plan.kind, [file])})'  # noqa: S608
    return _by_name(cursor, target, columns, plan.kind, file, exact=mode == "CASE_SENSITIVE")


def _by_name(cursor: Cursor, target: str, columns: dict[str, str], kind: str, file: Path, *, exact: bool) -> str:
    """Each column of the table gets the file's column of its name; a text in a VARIANT stays a text."""
    if kind != "PARQUET":
        raise NotImplementedError(f"MATCH_BY_COLUMN_NAME with {kind}")
    source = f"read_parquet({staged.literal(file)})"
    there = [row[0] for row in cursor.duck(f"SELECT column_name FROM (DESCRIBE SELECT * FROM {source})")]  # noqa: S608
    found = {name if exact else name.upper(): name for name in there}
    pairs = {
        name: found[name if exact else name.upper()] for name in columns if (name if exact else name.upper()) in found
    }
    if not pairs:
        raise StatementError(
            "000904", "42000", "SQL compilation error:\nno column of the file has the name of a column"
        )
    values = [f"to_json({_name(of)})" if columns[name] == "JSON" else _name(of) for name, of in pairs.items()]
    return f"INSERT INTO {target} ({', '.join(map(_name, pairs))}) SELECT {', '.join(values)} FROM {source}"  # noqa: S608


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
