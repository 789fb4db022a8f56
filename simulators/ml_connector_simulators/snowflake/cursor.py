"""One statement on its way through fakesnow into DuckDB, with Snowflake's functions and rules that fakesnow lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlglot
from fakesnow.cursor import FakeSnowflakeCursor
from sqlglot import exp

from ml_connector_simulators.snowflake.failures import refused

if TYPE_CHECKING:
    import pyarrow as pa

    from ml_connector_simulators.snowflake.session import Session


class Cursor(FakeSnowflakeCursor):
    """fakesnow's cursor, fed with parsed statements and with what the session knows."""

    def __init__(self, session: Session) -> None:
        super().__init__(conn=session.connection, duck_conn=session.connection._duck_conn)  # noqa: SLF001
        self.session = session

    def run(self, expression: exp.Expr, params: Any = None) -> None:
        """Run a statement as fakesnow does, its errors told in Snowflake's words."""
        with refused(expression):
            self.check_db_and_schema(expression)
            values = list(params) if isinstance(params, tuple) else params
            for part in self._transform_explode(expression):
                transformed = self._transform(part, values)
                self._execute(transformed, values if transformed.find(exp.Placeholder) else None)

    def check_db_and_schema(self, expression: exp.Expr) -> None:
        """Refuse names without a schema when none is in use; rows of files and functions have none."""
        named = expression.copy()
        for table in named.find_all(exp.Table):
            if not isinstance(table.this, exp.Identifier):
                table.set("db", exp.to_identifier("NONE"))
                table.set("catalog", exp.to_identifier("NONE"))
        super().check_db_and_schema(named)

    def translated(self, expression: exp.Expr, params: Any = None) -> exp.Expr:
        """The statement in DuckDB's words, not run."""
        return self._transform(expression, params)

    def answer(self, sql: str) -> None:
        """Make the rows of a DuckDB query the statement's result."""
        self._execute(sqlglot.parse_one(sql, read="duckdb"))

    def duck(self, sql: str, params: Any = None) -> list[tuple[Any, ...]]:
        """Rows of a query in DuckDB's own words, beside the statement's result."""
        with refused(None):
            return self._duck_conn.execute(sql, params).fetchall()

    def tally(self, sql: str) -> dict[str, int]:
        """How often each value comes in the first column of a query's result."""
        with refused(None):
            table: pa.Table = self._duck_conn.execute(sql).to_arrow_table()
        return {each["values"]: each["counts"] for each in table.column(0).value_counts().to_pylist()}

    def _transform(self, expression: exp.Expr, params: Any) -> exp.Expr:
        transformed = super()._transform(expression.transform(self._known, copy=False), params)
        for identifier in transformed.find_all(exp.Identifier):
            if identifier.name.upper() in self.session.engine.keywords:
                identifier.set("quoted", True)  # a word to DuckDB that is none to Snowflake
        return transformed

    def _known(self, node: exp.Expr) -> exp.Expr:
        """The functions that tell about the session, as the values they have now."""
        value = self.session.function(_function_name(node))
        if value is not None:
            return exp.Literal.string(value[0]) if value[0] is not None else exp.Null()
        if isinstance(node, exp.ColumnDef):
            _forget_keys(node)
        if isinstance(node, exp.Schema):
            node.set("expressions", [each for each in node.expressions if not isinstance(each, exp.PrimaryKey)])
        return node


def _function_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return node.name.upper()
    return node.sql_name() if isinstance(node, exp.Func) and not isinstance(node, exp.Cast) else ""


def _forget_keys(column: exp.ColumnDef) -> None:
    """Snowflake writes a primary key down and does not enforce it; a NOT NULL it does."""
    for constraint in column.args.get("constraints") or []:
        if isinstance(constraint.args.get("kind"), exp.PrimaryKeyColumnConstraint):
            constraint.set("kind", exp.NotNullColumnConstraint())
