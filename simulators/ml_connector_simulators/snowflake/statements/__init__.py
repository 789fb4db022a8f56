"""Statement by statement: those Snowflake has and fakesnow lacks, and the rest as fakesnow runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ml_connector_simulators.snowflake.statements import databases, loading, merging, sessions, staged, stages, tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector_simulators.snowflake.cursor import Cursor
    from ml_connector_simulators.snowflake.session import Session

    Handler = Callable[[Session, Cursor, Any, Any], bool]  # False: leave it to fakesnow

_HANDLERS: dict[type[exp.Expr], tuple[Handler, ...]] = {
    exp.Transaction: (sessions.begin,),
    exp.Commit: (sessions.commit,),
    exp.Rollback: (sessions.rollback,),
    exp.Alias: (sessions.start_transaction,),
    exp.Use: (sessions.use,),
    exp.Alter: (sessions.alter_session, tables.swap, tables.rename, tables.retype, tables.add_columns),
    exp.Grant: (sessions.nothing,),
    exp.Command: (stages.remove, sessions.warehouse),
    exp.Create: (sessions.create_warehouse, databases.create),
    exp.Show: (sessions.show_warehouses, databases.show_schemas),
    exp.TruncateTable: (tables.truncate,),
    exp.Drop: (stages.drop, databases.drop),
    exp.Put: (stages.put,),
    exp.ListStage: (stages.listing,),
    exp.Copy: (loading.copy,),
    exp.Merge: (merging.merge,),
    exp.Update: (merging.update,),
}


def run(session: Session, cursor: Cursor, expression: exp.Expr, params: Any) -> None:
    """Run one parsed statement."""
    if not isinstance(expression, exp.Copy):
        staged.bind(session, cursor, expression)
    for handler in _HANDLERS.get(type(expression), ()):
        if handler(session, cursor, expression, params):
            return
    cursor.run(expression, params)
