"""Queries on staged files: `SELECT $1:name::TYPE FROM @stage/path (FILE_FORMAT => name)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlglot
from fakesnow.transforms.file_format import lookup_file_format
from sqlglot import exp

from ml_connector_simulators.snowflake.errors import StatementError
from ml_connector_simulators.snowflake.failures import refused
from ml_connector_simulators.snowflake.statements.stages import files, folder

if TYPE_CHECKING:
    from pathlib import Path

    from ml_connector_simulators.snowflake.cursor import Cursor
    from ml_connector_simulators.snowflake.session import Session

_PLACE = "$SEQ"  # the row's place in its files, which SEQ8() counts


def literal(file: Path) -> str:
    """A file's path in SQL."""
    return "'" + str(file).replace("'", "''") + "'"


def rows(kind: str, found: list[Path]) -> str:
    """The rows of files as one VARIANT column called `$1`, in their order."""
    paths = "[" + ", ".join(map(literal, found)) + "]"
    counted = f'row_number() OVER () AS "{_PLACE}"'
    if kind == "PARQUET":
        return f'SELECT to_json(r) AS "$1", {counted} FROM read_parquet({paths}) AS r'  # noqa: S608
    if kind == "JSON":
        return f"SELECT json AS \"$1\", {counted} FROM read_json_objects({paths}, format = 'auto')"  # noqa: S608
    raise NotImplementedError(f"a query on staged {kind} files")


def reference(query: exp.Expr) -> exp.Table | None:
    """The first `@stage/path` a statement reads."""
    for table in query.find_all(exp.Table):
        if isinstance(table.this, exp.Var | exp.Literal) and table.this.name.strip("'").startswith("@"):
            return table
    return None


def bind(session: Session, cursor: Cursor, expression: exp.Expr) -> None:
    """Put the rows of staged files where a statement reads them."""
    while (table := reference(expression)) is not None:
        root, path, _ = folder(session, cursor, table.this.name)
        given = table.args.get("format")
        options = file_format(session, cursor, {"FORMAT_NAME": _format_name(given)} if given is not None else {})
        found = files(root, path)
        if not found:
            raise StatementError("002003", "02000", f"SQL compilation error:\nno file is at {table.this.name}")
        read(expression, table, str(options.get("TYPE", "CSV")).upper(), found)


def read(query: exp.Expr, table: exp.Table, kind: str, found: list[Path]) -> None:
    """Put the rows of these files in the place of one `@stage/path`; `$1` is their column."""
    source = sqlglot.parse_one(rows(kind, found), read="duckdb")
    alias = exp.TableAlias(this=exp.to_identifier(table.alias or "STAGED", quoted=True))
    table.replace(exp.Subquery(this=source, alias=alias))
    for node in list(query.find_all(exp.Parameter, exp.Seq8)):
        name = _PLACE if isinstance(node, exp.Seq8) else f"${node.name}"
        node.replace(exp.column(exp.to_identifier(name, quoted=True)))


def file_format(session: Session, cursor: Cursor, options: dict[str, Any]) -> dict[str, Any]:
    """The options of a file format: a named one's, and what is said besides."""
    name = options.pop("FORMAT_NAME", None)
    if name is None:
        return options
    connection = session.connection
    with refused(None):
        known = lookup_file_format(cursor._duck_conn, str(name), connection.database, connection.schema)  # noqa: SLF001
    return {**known, **options}


def _format_name(given: exp.Expr) -> str:
    return given.name if isinstance(given, exp.Literal) else given.sql(dialect="snowflake")
