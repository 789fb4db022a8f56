"""The errors that only Snowflake's connector has, and the parts its error table is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ml_connector.errors import ConfigError, ConnectorError, Forbidden, Retryable

if TYPE_CHECKING:
    from collections.abc import Callable

    from snowflake.connector.errors import Error

_VALUE = re.compile(
    r"value '(.*?)' is not recognized|^(?:Timestamp|Date|Time|Boolean value|String) '(.*?)' ", re.DOTALL
)
_FILE = re.compile(r"File '(.+?)', line (\d+)")
_ROW = re.compile(r"Row (\d+), column (\S+)")
_COLUMN = re.compile(r'\["([^"]+)":\d+\]|"?([A-Za-z0-9_$]+)"?$')
_NUMBERED = re.compile(r"^(\d{6,})(?: \(\w+\))?: ")
_UNKNOWN = "<{}>"
_CONNECTORS = 50_000  # the connector's own numbers begin 40,000 below HTTP

HTTP = 290_000
"""What the connector adds to an HTTP status."""
_QUOTING = (range(900, 4_000), range(100_000, 100_200))  # texts that repeat names and values, which may be any words


class ConnectionLost(Retryable):
    """The session or the way to it is gone: what was under way is to be done again on a new one."""


class CommitInDoubt(ConnectionLost):
    """The answer to COMMIT was lost: `_ML_LOADS` tells whether the batch is in."""


class Missing(ConfigError):
    """An object does not exist, or the role may not see it: Snowflake does not tell which."""

    def __init__(self, message: str, kind: str, name: str) -> None:
        super().__init__(message)
        self.kind = kind  # 'database', 'schema', 'warehouse', 'table', 'stage', 'object'
        self.name = name


class NotAllowed(Forbidden):
    """The role lacks one privilege; `grant` is the statement that gives it."""

    def __init__(self, message: str, grant: str) -> None:
        super().__init__(message)
        self.grant = grant


@dataclass(frozen=True, slots=True)
class Refusal:
    """Where in a batch a value stands that Snowflake does not take; parts it does not tell are empty."""

    code: int = 0
    value: str = ""
    column: str = ""
    file: str = ""
    line: int | None = None
    row: int | None = None


class BatchRefused(ConnectorError):
    """The data of a statement cannot be stored as they are; nothing of the statement took effect."""

    code: ClassVar[str] = "batch_refused"

    def __init__(self, message: str, refusal: Refusal) -> None:
        super().__init__(message)
        self.refusal = refusal

    @classmethod
    def of(cls, told: Told) -> BatchRefused:
        """Return the error for what Snowflake told of a value."""
        value, file, row = (pattern.search(told.text) for pattern in (_VALUE, _FILE, _ROW))
        column = _COLUMN.search(row[2]) if row else None
        refusal = Refusal(
            code=told.code,
            value=next(filter(None, value.groups()), "") if value else "",
            column=next(filter(None, column.groups()), "") if column else "",
            file=file[1] if file else "",
            line=int(file[2]) if file else None,
            row=int(row[1]) if row else None,
        )
        return cls(f"{told}. The data do not fit the table; nothing of this statement was stored.", refusal)


@dataclass(frozen=True, slots=True)
class Place:
    """Who is signed in where, for what an error says to do."""

    account: str = ""
    user: str = ""
    role: str = ""
    warehouse: str = ""
    database: str = ""
    schema: str = ""
    method: str = ""

    def words(self) -> dict[str, str]:
        """Return each part, or a placeholder that people fill in."""
        parts = {name: getattr(self, name) for name in self.__slots__}
        words = {name: value or _UNKNOWN.format(name) for name, value in parts.items()}
        return {**words, "schema": f"{words['database']}.{words['schema']}"}


@dataclass(frozen=True, slots=True)
class Told:
    """What the connector told of a fault: number, SQLSTATE and clean text."""

    code: int
    sqlstate: str
    text: str
    query_id: str = ""

    @classmethod
    def of(cls, error: Error, clean: Callable[[str], str]) -> Told:
        """Return what an error of the connector tells, whichever version it is of."""
        raw = str(error.raw_msg or error.msg or "")
        code = int(error.errno) if error.errno is not None else -1
        code -= HTTP if code > 2 * HTTP - _CONNECTORS else 0  # 4.8.1 adds it twice: 580503, 540001
        if numbered := _NUMBERED.match(raw):
            code = code if code > 0 else int(numbered[1])
            raw = raw[numbered.end() :]
        known = error.sqlstate if error.sqlstate and error.sqlstate != "n/a" else ""
        return cls(code, known, clean(raw).rstrip("."), error.sfqid or "")

    def __str__(self) -> str:
        number = f" [{self.code:06d}]" if self.code > 0 else ""
        query = f" (query {self.query_id})" if self.query_id else ""
        return f"Snowflake: {self.text or 'no text'}{number}{query}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: an error with one of these numbers, or with one of these words in its text."""

    raises: type[ConnectorError]
    codes: tuple[int, ...]
    words: tuple[str, ...]
    advice: str
    signing_in: bool = False  # it is about sign-in only

    def covers(self, told: Told, *, connecting: bool) -> bool:
        """Return whether this line is about an error."""
        if self.signing_in and not connecting:
            return False
        if told.code in self.codes:
            return True
        text = told.text.lower()
        return not any(told.code in codes for codes in _QUOTING) and any(each in text for each in self.words)
