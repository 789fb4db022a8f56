"""COPY INTO from a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ml_connector_simulators.snowflake.statements.stages import resolve

if TYPE_CHECKING:
    from ml_connector_simulators.snowflake.cursor import Cursor
    from ml_connector_simulators.snowflake.session import Session


def copy(session: Session, _: Cursor, expression: exp.Copy, __: Any) -> bool:
    """COPY from `@~`: the user's stage has a name inside; the rest is fakesnow's."""
    for source in expression.find_all(exp.Var):
        if source.name.strip("'").startswith("@~"):
            name, path = resolve(session, source.name)
            source.set("this", f"@{name}/{path}")
    return False
