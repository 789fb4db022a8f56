"""Statements about databases and schemas: CREATE and DROP DATABASE, SHOW SCHEMAS LIKE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ml_connector_simulators.snowflake.errors import StatementError
from ml_connector_simulators.snowflake.statements.sessions import named

if TYPE_CHECKING:
    from ml_connector_simulators.snowflake.cursor import Cursor
    from ml_connector_simulators.snowflake.session import Session


def create(session: Session, cursor: Cursor, expression: exp.Create, params: Any) -> bool:
    """CREATE DATABASE: it comes with a schema PUBLIC, and is in use from then on."""
    table = expression.find(exp.Table)
    if str(expression.args.get("kind")).upper() != "DATABASE" or table is None:
        return False
    name, sql = named(table), "SELECT 1 FROM duckdb_databases() WHERE database_name ILIKE ?"
    if expression.args.get("exists") and cursor.duck(sql, [name]):
        cursor.answer(f"SELECT '{name} already exists, statement succeeded.' AS status")
        return True
    cursor.run(expression, params)
    session.engine.create_schema(name, "PUBLIC")
    public = exp.Table(this=exp.to_identifier("PUBLIC", quoted=True), db=exp.to_identifier(name, quoted=True))
    cursor.run(exp.Use(kind=exp.Var(this="SCHEMA"), this=public))
    cursor.answer(f"SELECT 'Database {name} successfully created.' AS status")
    return True


def drop(session: Session, cursor: Cursor, expression: exp.Drop, _: Any) -> bool:
    """DROP DATABASE, with its file."""
    table = expression.find(exp.Table)
    if str(expression.args.get("kind")).upper() != "DATABASE" or table is None:
        return False
    name = named(table)
    if not cursor.duck("SELECT 1 FROM duckdb_databases() WHERE database_name ILIKE ?", [name]):
        if not expression.args.get("exists"):
            words = f"SQL compilation error:\nDatabase '{name}' does not exist or not authorized."
            raise StatementError("002003", "02000", words)
    else:
        session.engine.drop_database(name, session)
    cursor.answer(f"SELECT '{name} successfully dropped.' AS status")
    return True


def show_schemas(_: Session, cursor: Cursor, expression: exp.Show, __: Any) -> bool:
    """SHOW SCHEMAS LIKE, of which fakesnow leaves the LIKE out."""
    like = expression.args.get("like")
    if expression.name.upper() != "SCHEMAS" or not isinstance(like, exp.Expr):
        return False
    rows = cursor.translated(expression).sql(dialect="duckdb")
    cursor.answer(f"SELECT * FROM ({rows}) WHERE name ILIKE {like.sql()}")  # noqa: S608
    return True
