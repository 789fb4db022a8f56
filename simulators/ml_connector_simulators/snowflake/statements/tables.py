"""Statements about tables: SWAP WITH, RENAME TO a full name, TRUNCATE IF EXISTS, type changes Snowflake refuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ml_connector_simulators.snowflake.errors import StatementError
from ml_connector_simulators.snowflake.statements.sessions import DONE, named

if TYPE_CHECKING:
    from ml_connector_simulators.snowflake.cursor import Cursor
    from ml_connector_simulators.snowflake.session import Session

LENGTHS = "_fs_global._fs_information_schema._fs_columns_ext"
_SWAPPING = "_SIM_SWAPPING"
LONGEST = 16_777_216

Name = tuple[str, str, str]


def full_name(session: Session, table: exp.Table) -> Name:
    """Database, schema and table, with the session's own where they are left out."""
    database = table.catalog or session.connection.database or ""
    schema = table.db or session.connection.schema or ""
    parts = [table.args.get("catalog"), table.args.get("db")]
    found = [
        named(part) if part is not None else default for part, default in zip(parts, (database, schema), strict=True)
    ]
    return found[0], found[1], named(table)


def quoted(name: Name) -> str:
    """The full name as DuckDB takes it."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name)


def exists(cursor: Cursor, name: Name) -> bool:
    """Whether there is such a table."""
    sql = "SELECT 1 FROM duckdb_tables() WHERE database_name ILIKE ? AND schema_name ILIKE ? AND table_name ILIKE ?"
    return bool(cursor.duck(sql, list(name)))


def missing(name: Name) -> StatementError:
    """The error for a table that is not there."""
    words = f"SQL compilation error:\nTable '{'.'.join(name)}' does not exist or not authorized."
    return StatementError("002003", "42S02", words)


def swap(session: Session, cursor: Cursor, expression: exp.Alter, _: Any) -> bool:
    """ALTER TABLE A SWAP WITH B: both names change in one transaction."""
    swapped = next((each for each in expression.args.get("actions") or [] if isinstance(each, exp.SwapTable)), None)
    if swapped is None:
        return False
    one, other = full_name(session, expression.this), full_name(session, swapped.this)
    for name in (one, other):
        if not exists(cursor, name):
            raise missing(name)
    if one[:2] != other[:2]:
        raise StatementError("000603", "XX000", "the fake Snowflake swaps tables of one schema only")
    cursor.duck("BEGIN")
    between = (*one[:2], _SWAPPING)
    for source, target in ((one, between), (other, one), (between, other)):
        cursor.duck(f'ALTER TABLE {quoted(source)} RENAME TO "{target[2]}"')
    cursor.duck("COMMIT")
    for source, target in ((one, between), (other, one), (between, other)):
        _move_lengths(cursor, source, target)
    cursor.answer(DONE)
    return True


def rename(session: Session, cursor: Cursor, expression: exp.Alter, _: Any) -> bool:
    """ALTER TABLE A RENAME TO B, where B may be a full name in the same schema."""
    renamed = next((each for each in expression.args.get("actions") or [] if isinstance(each, exp.AlterRename)), None)
    if renamed is None:
        return False
    source, target = full_name(session, expression.this), full_name(session, renamed.this)
    if not exists(cursor, source):
        raise missing(source)
    if source[:2] != target[:2]:
        raise StatementError("000603", "XX000", "the fake Snowflake renames tables within their schema only")
    cursor.duck(f'ALTER TABLE {quoted(source)} RENAME TO "{target[2]}"')
    _move_lengths(cursor, source, target)
    cursor.answer(DONE)
    return True


def _move_lengths(cursor: Cursor, source: Name, target: Name) -> None:
    """The lengths of VARCHAR columns go with the table they belong to."""
    where = "ext_table_catalog = ? AND ext_table_schema = ? AND ext_table_name = ?"
    cursor.duck(f"DELETE FROM {LENGTHS} WHERE {where}", list(target))  # noqa: S608
    cursor.duck(f"UPDATE {LENGTHS} SET ext_table_name = ? WHERE {where}", [target[2], *source])  # noqa: S608


def truncate(session: Session, cursor: Cursor, expression: exp.TruncateTable, _: Any) -> bool:
    """TRUNCATE [TABLE] [IF EXISTS]: a DELETE of all, as it can be rolled back."""
    for table in expression.expressions:
        name = full_name(session, table)
        if exists(cursor, name):
            cursor.duck(f"DELETE FROM {quoted(name)}")  # noqa: S608
        elif not expression.args.get("exists"):
            raise missing(name)
    cursor.answer(DONE)
    return True


def add_columns(session: Session, cursor: Cursor, expression: exp.Alter, params: Any) -> bool:
    """ALTER TABLE ADD COLUMN: all of the columns or none."""
    actions = expression.args.get("actions") or []
    if not actions or not all(isinstance(each, exp.ColumnDef) for each in actions):
        return False
    name = full_name(session, expression.this)
    there = {row[0].upper() for row in cursor.duck(*_columns(name))}
    for action in actions:
        if named(action.this).upper() in there and not action.args.get("exists"):
            raise StatementError(
                "001430", "42601", f"SQL compilation error:\ncolumn '{named(action.this)}' already exists"
            )
    wanted = [each for each in actions if named(each.this).upper() not in there]
    for action in wanted:
        cursor.run(exp.Alter(this=expression.this.copy(), kind="TABLE", actions=[action]), params)
    cursor.answer(DONE)
    return True


def retype(session: Session, cursor: Cursor, expression: exp.Alter, _: Any) -> bool:
    """SET DATA TYPE: only a longer VARCHAR or a NUMBER with more digits of the same scale (MeltanoLabs#276)."""
    for action in expression.args.get("actions") or []:
        wanted = action.args.get("dtype") if isinstance(action, exp.AlterColumn) else None
        if wanted is not None:
            _check_type(cursor, full_name(session, expression.this), named(action.this), wanted)
    return False


def _check_type(cursor: Cursor, table: Name, column: str, wanted: exp.DataType) -> None:
    known = {row[0].upper(): (row[1], row[2]) for row in cursor.duck(*_columns(table))}
    if column.upper() not in known:
        raise StatementError("000904", "42000", f"SQL compilation error:\ninvalid identifier '{column}'")
    present, length = known[column.upper()]
    sizes = [int(each.name) for each in wanted.expressions]
    if present == "VARCHAR" and wanted.is_type("varchar", "text"):
        fits = (sizes or [LONGEST])[0] >= (length or LONGEST)
    elif present.startswith("DECIMAL") and wanted.is_type("decimal"):
        digits, scale = map(int, re.findall(r"\d+", present))
        fits = (sizes or [38])[0] >= digits and (sizes + [38, 0][len(sizes) :])[1] == scale
    else:
        fits = cursor.translated(wanted.copy()).sql("duckdb") == present
    if not fits:
        text = wanted.sql(dialect="snowflake")
        raise StatementError(
            "002108", "22000", f"SQL compilation error: cannot change column {column} from type {present} to {text}"
        )


def _columns(name: Name) -> tuple[str, list[str]]:
    sql = f"""
        SELECT column_name, data_type, ext_character_maximum_length FROM duckdb_columns() LEFT JOIN {LENGTHS}
        ON ext_table_catalog = database_name AND ext_table_schema = schema_name AND ext_table_name = table_name
        AND ext_column_name = column_name
        WHERE database_name ILIKE ? AND schema_name ILIKE ? AND table_name ILIKE ? ORDER BY column_index
    """  # noqa: S608
    return sql, list(name)
