"""Statements about the session: transactions, USE, ALTER SESSION, warehouses, grants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fakesnow.transforms.show import SQL_SHOW_WAREHOUSES
from sqlglot import exp

if TYPE_CHECKING:
    from ml_connector_simulators.snowflake.cursor import Cursor
    from ml_connector_simulators.snowflake.session import Session

DONE = "SELECT 'Statement executed successfully.' AS status"


def begin(session: Session, cursor: Cursor, _: exp.Transaction, __: Any) -> bool:
    """BEGIN."""
    session.transaction.begin()
    cursor.answer(DONE)
    return True


def start_transaction(session: Session, cursor: Cursor, expression: exp.Alias, params: Any) -> bool:
    """START TRANSACTION, which the parser takes for a column with an alias."""
    if expression.sql().upper() != "START AS TRANSACTION":
        return False
    return begin(session, cursor, exp.Transaction(), params)


def commit(session: Session, cursor: Cursor, _: exp.Commit, __: Any) -> bool:
    """COMMIT."""
    session.transaction.end(commit=True)
    cursor.answer(DONE)
    return True


def rollback(session: Session, cursor: Cursor, _: exp.Rollback, __: Any) -> bool:
    """ROLLBACK."""
    session.transaction.end(commit=False)
    cursor.answer(DONE)
    return True


def use(session: Session, cursor: Cursor, expression: exp.Use, _: Any) -> bool:
    """USE ROLE and USE WAREHOUSE; databases and schemas are fakesnow's."""
    kind = expression.args.get("kind")
    what = kind.name.upper() if isinstance(kind, exp.Var) else ""
    if what not in {"ROLE", "WAREHOUSE"}:
        return False
    name = named(expression.this)
    if what == "ROLE":
        session.role = name
    else:
        session.warehouse = session.engine.warehouses.use(name)
    cursor.answer(DONE)
    return True


def alter_session(session: Session, cursor: Cursor, expression: exp.Alter, _: Any) -> bool:
    """ALTER SESSION SET: the values are kept; AUTOCOMMIT has its effect."""
    if expression.args.get("kind") != "SESSION":
        return False
    for action in expression.args.get("actions") or []:
        for item in action.expressions:
            _set(session, item, unset=bool(action.args.get("unset")))
    cursor.answer(DONE)
    return True


def _set(session: Session, item: exp.SetItem, *, unset: bool) -> None:
    pair = item.this
    if unset or not isinstance(pair, exp.EQ):
        session.parameters.pop(pair.name.upper(), None)
        return
    name, value = pair.this.name.upper(), pair.expression
    session.parameters[name] = value.this if isinstance(value, exp.Literal | exp.Boolean) else value.sql()
    if name == "AUTOCOMMIT":
        session.transaction.end(commit=True)
        session.autocommit = str(session.parameters[name]).upper() in {"TRUE", "1"}


def nothing(_: Session, cursor: Cursor, __: exp.Expr, ___: Any) -> bool:
    """What changes nothing a test could see: GRANT."""
    cursor.answer(DONE)
    return True


def warehouse(_: Session, cursor: Cursor, expression: exp.Command, __: Any) -> bool:
    """ALTER WAREHOUSE: taken note of, with no effect."""
    if not re.match(
        r"ALTER\s+WAREHOUSE\b", f"{expression.this} {expression.text('expression').strip()}", re.IGNORECASE
    ):
        return False
    cursor.answer(DONE)
    return True


def create_warehouse(session: Session, cursor: Cursor, expression: exp.Create, _: Any) -> bool:
    """CREATE WAREHOUSE: it is there, running, and in use."""
    if str(expression.args.get("kind")).upper() != "WAREHOUSE":
        return False
    session.warehouse = named(expression.this)
    cursor.answer(DONE)
    return True


def show_warehouses(session: Session, cursor: Cursor, expression: exp.Show, _: Any) -> bool:
    """SHOW WAREHOUSES: those a test or a session has spoken of."""
    if expression.name.upper() != "WAREHOUSES":
        return False
    one = re.sub("--.*", "", SQL_SHOW_WAREHOUSES).strip().rstrip(";")
    rows = " UNION ALL ".join(
        one.replace("FAKESNOW_WAREHOUSE", name.replace("'", "''"))
        .replace("'STARTED' as state", f"'{each.state}' as state")
        .replace("'true' as auto_resume", f"'{str(each.auto_resume).lower()}' as auto_resume")
        for name, each in session.engine.warehouses.rows(session.warehouse)
    )
    like = expression.args.get("like")
    where = f"name ILIKE {like.sql()}" if isinstance(like, exp.Expr) else "TRUE"
    cursor.answer(f"SELECT * FROM ({rows or one}) WHERE {where}{'' if rows else ' AND FALSE'}")  # noqa: S608
    return True


def named(table: exp.Expr) -> str:
    """The name an identifier means: quoted as it is, else in capitals."""
    identifier = table.this if isinstance(table, exp.Table) else table
    if isinstance(identifier, exp.Identifier):
        return identifier.name if identifier.quoted else identifier.name.upper()
    return table.name.upper()
