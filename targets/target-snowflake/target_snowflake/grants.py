"""Which statement of an administrator cures a missing privilege or a missing object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from target_snowflake.faults import Missing, NotAllowed

if TYPE_CHECKING:
    from target_snowflake.faults import Place, Told

INSUFFICIENT = 3001
NO_OBJECT = frozenset({2003, 2043, 2141, 90105, 90106})

_OBJECT = re.compile(r"insufficient privileges to operate on ([\w ]+?) '?([^']+?)'?(?:\s|$)", re.IGNORECASE)
_ABSENT = re.compile(r"(\w+) (?:'([^']+)'|with name (\S+)) does not exist", re.IGNORECASE)
_CREATES = re.compile(
    r"\s*create\s+(?:or\s+replace\s+)?(?:transient\s+|temporary\s+|temp\s+)*"
    r"(table|stage|schema|view|file\s+format|database)\b",
    re.IGNORECASE,
)
_OWNER = re.compile(r"\s*(?:alter|drop|create\s+or\s+replace)\b", re.IGNORECASE)
_TABLE_WORK = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE"


def missing_privilege(told: Told, sql: str, place: Place) -> NotAllowed | None:
    """Return the error that names the GRANT, when Snowflake says that privileges are missing."""
    if told.code != INSUFFICIENT and "insufficient privileges" not in told.text.lower():
        return None
    found = _OBJECT.search(told.text)
    kind, name = (found[1].upper(), found[2]) if found else ("SCHEMA", "")
    grant = f"GRANT {_privilege(kind, sql)} ON {kind} {_full(kind, name, place)} TO ROLE {place.words()['role']};"
    return NotAllowed(f"{told}. The role may not do this. Let an administrator type: {grant}", grant)


def _privilege(kind: str, sql: str) -> str:
    made = _CREATES.match(sql)
    match kind:
        case "SCHEMA" | "DATABASE" | "ACCOUNT" if made:
            return f"CREATE {' '.join(made[1].upper().split())}"
        case "TABLE" | "VIEW":
            return "OWNERSHIP" if _OWNER.match(sql) else _TABLE_WORK
        case "STAGE":
            return "OWNERSHIP" if _OWNER.match(sql) else "READ, WRITE"
        case _:
            return "USAGE"


def _full(kind: str, name: str, place: Place) -> str:
    """Return an object's name with the database and schema it is in."""
    words = place.words()
    bare = name.rsplit(".", 1)[-1]
    match kind:
        case "SCHEMA":
            return f"{words['database']}.{bare}" if bare else words["schema"]
        case "TABLE" | "STAGE" | "VIEW":
            return f"{words['schema']}.{bare}"
        case _:
            return name


def missing_object(told: Told, place: Place) -> Missing | None:
    """Return the error that says what to create or grant, when Snowflake does not find an object."""
    if told.code not in NO_OBJECT and "does not exist or not authorized" not in told.text.lower():
        return None
    found = _ABSENT.search(told.text)
    kind, name = (found[1].lower(), found[2] or found[3]) if found else ("object", "")
    return Missing(f"{told}. {_cure(kind, name, place)}", kind, name)


def _cure(kind: str, name: str, place: Place) -> str:
    role = place.words()["role"]
    match kind:
        case "database":
            return (
                f"Check database, or let an administrator type: CREATE DATABASE {name}; GRANT USAGE ON DATABASE {name} "
                f"TO ROLE {role};"
            )
        case "schema":
            return (
                f"Check schema, or let an administrator type: CREATE SCHEMA {name}; GRANT USAGE ON SCHEMA {name} TO "
                f"ROLE {role};"
            )
        case "warehouse":
            return f"Check warehouse, or let an administrator type: GRANT USAGE ON WAREHOUSE {name} TO ROLE {role};"
        case _:
            return f"It does not exist, or role {role} may not see it."
