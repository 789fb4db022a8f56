"""VARCHAR(n): Snowflake refuses what is longer, DuckDB does not look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from ml_connector_simulators.snowflake.errors import StatementError
from ml_connector_simulators.snowflake.statements.tables import LENGTHS, LONGEST, full_name, quoted

if TYPE_CHECKING:
    from ml_connector_simulators.snowflake.cursor import Cursor
    from ml_connector_simulators.snowflake.session import Session

_SHOWN = 50  # characters of a value that an error tells


def check(session: Session, cursor: Cursor, expression: exp.Expr) -> None:
    """Refuse the rows a statement has just written if a text is longer than its column."""
    target = expression.this.this if isinstance(expression.this, exp.Schema) else expression.this
    if isinstance(expression, exp.Delete | exp.TruncateTable) or not isinstance(target, exp.Table):
        return
    name = full_name(session, target)
    limits = cursor.duck(
        f"SELECT ext_column_name, ext_character_maximum_length FROM {LENGTHS} WHERE ext_character_maximum_length < ?"  # noqa: S608
        " AND ext_table_catalog = ? AND ext_table_schema = ? AND ext_table_name = ?",
        [LONGEST, *name],
    )
    for column, limit in limits:
        field = '"' + column.replace('"', '""') + '"'
        sql = f"SELECT {field} FROM {quoted(name)} WHERE length({field}) > {limit} LIMIT 1"  # noqa: S608
        for (value,) in cursor.duck(sql):
            raise StatementError("100078", "22000", f"String '{value[:_SHOWN]}' is too long and would be truncated")
