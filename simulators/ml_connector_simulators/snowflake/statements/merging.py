"""MERGE, as DuckDB's own, with Snowflake's check that no target row is changed twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ml_connector_simulators.snowflake.errors import StatementError
from ml_connector_simulators.snowflake.failures import refused

if TYPE_CHECKING:
    from ml_connector_simulators.snowflake.cursor import Cursor
    from ml_connector_simulators.snowflake.session import Session

_SOURCE = "_SIM_MERGE_SOURCE"
_DONE = {"INSERT": "inserted", "UPDATE": "updated", "DELETE": "deleted"}


def merge(session: Session, cursor: Cursor, expression: exp.Merge, params: Any) -> bool:
    """Run a MERGE; the counts are those of its clauses, in Snowflake's order."""
    for when in expression.args["whens"].expressions:
        if isinstance(when.args["then"], exp.Update):
            plain(when.args["then"])
    with refused(expression):
        cursor.check_db_and_schema(expression)
        translated = cursor.translated(expression, params)
    _read_files_once(cursor, translated.args["using"])
    if (
        isinstance(translated, exp.Merge)
        and session.parameters.get("ERROR_ON_NONDETERMINISTIC_MERGE", True) is not False
    ):
        _check_duplicates(cursor, translated)
    counts = cursor.tally(f"{translated.sql(dialect='duckdb')} RETURNING merge_action")
    wanted = {_action(when) for when in translated.args["whens"].expressions}
    columns = [f'{counts.get(each, 0)} AS "number of rows {_DONE[each]}"' for each in _DONE if each in wanted]
    cursor.answer(f"SELECT {', '.join(columns)}")
    return True


def _read_files_once(cursor: Cursor, source: exp.Expr) -> None:
    """Keep the rows of staged files in a table of the session: DuckDB would parse their JSON again for every pair."""
    if isinstance(source, exp.Subquery) and any(
        not isinstance(each.this, exp.Identifier) for each in source.find_all(exp.Table)
    ):
        cursor.duck(f"CREATE OR REPLACE TEMPORARY TABLE {_SOURCE} AS {source.this.sql(dialect='duckdb')}")
        source.set("this", exp.select("*").from_(f"temp.main.{_SOURCE}"))


def plain(update: exp.Update) -> None:
    """`SET t.a = 1` as `SET a = 1`: Snowflake takes both, DuckDB the second."""
    for pair in update.expressions:
        if isinstance(pair.this, exp.Column):
            pair.this.set("table", None)


def update(_: Session, __: Cursor, expression: exp.Update, ___: Any) -> bool:
    """UPDATE, its columns named without their table."""
    plain(expression)
    return False


def _action(when: exp.When) -> str:
    then = when.args["then"]
    if isinstance(then, exp.Insert):
        return "INSERT"
    return "UPDATE" if isinstance(then, exp.Update) else "DELETE"


def _check_duplicates(cursor: Cursor, translated: exp.Merge) -> None:
    """Several source rows for one target row are an error unless all of them delete it."""
    matched = [each for each in translated.args["whens"].expressions if each.args.get("matched")]
    if not any(_action(each) == "UPDATE" for each in matched):
        return
    target = translated.this
    conditions = [
        each.args["condition"].sql(dialect="duckdb") if each.args.get("condition") else "TRUE" for each in matched
    ]
    row = f'"{target.alias_or_name}".rowid'
    rows = cursor.duck(
        f"SELECT {row} FROM {target.sql(dialect='duckdb')} JOIN {translated.args['using'].sql(dialect='duckdb')}"  # noqa: S608
        f" ON {translated.args['on'].sql(dialect='duckdb')} WHERE {' OR '.join(conditions)}"
        f" GROUP BY 1 HAVING count(*) > 1 LIMIT 1"
    )
    if rows:
        raise StatementError("100090", "42P18", f"Duplicate row detected during DML action\nRow Values: [{rows[0][0]}]")
