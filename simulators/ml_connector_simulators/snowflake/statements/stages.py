"""Statements about stages: `@~`, REMOVE, LIST of a path, DROP STAGE, DROP FILE FORMAT."""

from __future__ import annotations

import hashlib
import re
import shutil
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakesnow.transforms import stage
from sqlglot import exp

from ml_connector_simulators.snowflake.errors import StatementError
from ml_connector_simulators.snowflake.statements.tables import full_name

if TYPE_CHECKING:
    from ml_connector_simulators.snowflake.cursor import Cursor
    from ml_connector_simulators.snowflake.session import Session

_METADATA = "_fs_global._fs_information_schema"
_REFERENCE = re.compile(
    r"@(?P<stage>~|%?(?:\"[^\"]+\"|[\w$%]+)(?:\.%?(?:\"[^\"]+\"|[\w$]+))*)/?(?P<path>.*)", re.DOTALL
)


def resolve(session: Session, text: str) -> tuple[str, str]:
    """The stage and the path that `@stage/path` means, quoted or not."""
    found = _REFERENCE.fullmatch(text.strip().strip("'").rstrip(";"))
    if found is None:
        raise StatementError("001003", "42000", f"SQL compilation error:\ninvalid stage reference {text}")
    name, path = found["stage"], found["path"]
    if name == "~":
        return session.engine.user_stage(session.login.user), path
    return name, path


def folder(session: Session, cursor: Cursor, text: str) -> tuple[Path, str, str]:
    """Where a stage's files are, the path asked for, and what LIST puts before a file's name."""
    name, path = resolve(session, text)
    connection = session.connection
    parts = stage.parts_from_var(name, connection.database, connection.schema)
    rows = cursor.duck(stage.stage_lookup_sql(*parts, connection.table_stages))
    if not rows:
        shown = ".".join(parts)
        raise StatementError(
            "002003", "02000", f"SQL compilation error:\nStage '{shown}' does not exist or not authorized."
        )
    prefix = "" if stage.is_table_stage(parts[2]) or text.strip("'").startswith("@~") else f"{parts[2].lower()}/"
    return Path(stage.internal_dir(rows[0][0])), path, prefix


def files(root: Path, path: str) -> list[Path]:
    """The files of a stage whose name begins with the path, as Snowflake matches them."""
    if not root.is_dir():
        return []
    return [each for each in sorted(root.rglob("*")) if each.is_file() and str(each.relative_to(root)).startswith(path)]


def put(session: Session, _: Cursor, expression: exp.Put, __: Any) -> bool:
    """PUT to a stage in quotes, or to `@~`, the user's own, which has a name inside; the rest is fakesnow's."""
    name, path = resolve(session, expression.args["target"].name)
    expression.set("target", exp.Var(this=f"@{name}/{path}"))
    return False


def listing(session: Session, cursor: Cursor, expression: exp.ListStage, _: Any) -> bool:
    """LIST @stage/path."""
    root, path, prefix = folder(session, cursor, expression.this.name)
    rows = [_listed(each, prefix + str(each.relative_to(root))) for each in files(root, path)]
    values = ", ".join(rows) or "(NULL, NULL, NULL, NULL)"
    kept = "" if rows else " WHERE false"
    cursor.answer(f"SELECT * FROM (VALUES {values}) AS t(name, size, md5, last_modified){kept}")  # noqa: S608
    return True


def _listed(file: Path, name: str) -> str:
    digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    shown = name.replace("'", "''")
    return f"('{shown}', {file.stat().st_size}, '{digest}', '{formatdate(file.stat().st_mtime, usegmt=True)}')"


def remove(session: Session, cursor: Cursor, expression: exp.Command, _: Any) -> bool:
    """REMOVE, also RM: the files whose name begins with the path."""
    if expression.this.upper() not in {"REMOVE", "RM"}:
        return False
    words = expression.text("expression").strip()
    reference = words if words.startswith("'") else words.split()[0]
    root, path, prefix = folder(session, cursor, reference)
    gone = files(root, path)
    names = [prefix + str(each.relative_to(root)) for each in gone]
    for each in gone:
        each.unlink()
    values = ", ".join("('{}', 'removed')".format(name.replace("'", "''")) for name in names) or "(NULL, NULL)"
    kept = "" if names else " WHERE false"
    cursor.answer(f"SELECT * FROM (VALUES {values}) AS t(name, result){kept}")  # noqa: S608
    return True


def drop(session: Session, cursor: Cursor, expression: exp.Drop, _: Any) -> bool:
    """DROP STAGE, with its files, and DROP FILE FORMAT."""
    kind = str(expression.args.get("kind") or "").upper()
    if kind not in {"STAGE", "FILE FORMAT"}:
        return False
    name = full_name(session, expression.find(exp.Table) or exp.Table())
    table = "_fs_stages" if kind == "STAGE" else "_fs_file_formats"
    where = "WHERE database_name = ? AND schema_name = ? AND name = ?"
    gone = cursor.duck(f"DELETE FROM {_METADATA}.{table} {where} RETURNING name", list(name))  # noqa: S608
    if not gone and not expression.args.get("exists"):
        shown = f"{kind.capitalize()} '{'.'.join(name)}'"
        raise StatementError("002003", "02000", f"SQL compilation error:\n{shown} does not exist or not authorized.")
    if kind == "STAGE":
        with suppress(FileNotFoundError):
            shutil.rmtree(stage.internal_dir(".".join(name)))
    shown = name[2].replace("'", "''")
    words = (
        f"{shown} successfully dropped." if gone else f"Drop statement executed successfully ({shown} already dropped)."
    )
    cursor.answer(f"SELECT '{words}' AS status")
    return True
