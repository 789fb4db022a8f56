"""What a database's error means for the person who must do something about it; never a record's content (L10)."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from ml_connector.errors import AuthError, ConfigError, ConnectorError, EnvironmentFault

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.exc import DBAPIError

Meaning = tuple[type[ConnectorError], str, str]
"""The consequence, what is wrong, and what to do."""

_AGAIN = "then run again: nothing is lost or sent twice."
_FULL = EnvironmentFault, "its disk is full", f"Make room on the disk, {_AGAIN}"
_BUSY = EnvironmentFault, "another process has kept it busy for too long", f"Wait until that one ends, {_AGAIN}"
_DAMAGED = ConfigError, "it is damaged", "Put its newest backup in its place, then run again."
_LOST = EnvironmentFault, "the database server ended the connection", f"See that the server is up, {_AGAIN}"

_SQLITE: dict[int, Meaning] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: (EnvironmentFault, "its disk takes or gives no data", f"Look at the disk, {_AGAIN}"),
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: (ConfigError, "it is read-only", f"Let this user write the file and its folder, {_AGAIN}"),
    sqlite3.SQLITE_CANTOPEN: (ConfigError, "the file cannot be opened", "Check `store_url` and who owns the folder."),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
_POSTGRESQL: dict[str, Meaning] = {
    "08": _LOST,
    "57P": _LOST,
    "25P03": (EnvironmentFault, "this process was halted in the middle of a transaction", f"Let it work, {_AGAIN}"),
    "25006": (EnvironmentFault, "it is read-only, as a standby is", f"Point `store_url` at the primary, {_AGAIN}"),
    "28": (AuthError, "the server does not accept the user or the password", "Check `store_url`."),
    "3D000": (ConfigError, "there is no such database", "Create it, or correct `store_url`."),
    "40": _BUSY,
    "42501": (ConfigError, "its user lacks a permission", "Grant what docs/store.md lists, then run again."),
    "53100": _FULL,
    "53": (EnvironmentFault, "the server is out of memory or connections", f"Give it more or wait, {_AGAIN}"),
    "55P03": _BUSY,
    "57014": (EnvironmentFault, "the server cancelled a statement (a time-out?)", f"Raise the limit, {_AGAIN}"),
    "58": (EnvironmentFault, "the server had trouble with its disk", f"Look at the server, {_AGAIN}"),
}


def fault_of(error: DBAPIError, url: URL, verb: str) -> ConnectorError:
    """Return what a database's error means while a store was to be `verb` (read, written …)."""
    kind, words, advice = _meaning(error)
    shown = url.render_as_string(hide_password=True)
    return kind(f"the store {shown} cannot be {verb}: {words}. {advice}")


def _meaning(error: DBAPIError) -> Meaning:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        known = _SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
        return known or (ConnectorError, str(cause), "Please report this as a fault.")  # SQLite quotes no values
    state: str | None = getattr(cause, "sqlstate", None)
    if state is None:
        return _LOST if error.connection_invalidated else _not_connected(str(cause))
    for prefix in (state, state[:3], state[:2]):
        if prefix in _POSTGRESQL:
            return _POSTGRESQL[prefix]
    # The server's message may quote a value, so only the names of what it concerns are told.
    diag = getattr(cause, "diag", None)
    names = [name for name in (getattr(diag, "table_name", None), getattr(diag, "constraint_name", None)) if name]
    words = " ".join([type(cause).__name__, state, *names])
    return ConnectorError, f"the server answered {words}", "Please report this as a fault."


def _not_connected(words: str) -> Meaning:
    """Return what it means that no connection came about; the driver gives only words then, and none of a record."""
    if "password authentication failed" in words or "no password supplied" in words:
        return _POSTGRESQL["28"]
    if words.rstrip().endswith("does not exist") and "database" in words:
        return _POSTGRESQL["3D000"]
    told = "; ".join(line.strip() for line in words.splitlines() if line.strip()) or "the server cannot be reached"
    return EnvironmentFault, told, "See that the server is up and `store_url` is right, then run again."
