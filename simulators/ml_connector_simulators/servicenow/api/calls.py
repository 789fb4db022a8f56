"""One REST call and its answer, apart from HTTP, so that a batch can make calls too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from msgspec import DecodeError

from ml_connector_simulators.kit import decode_json, encode_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector_simulators.servicenow.store import Row

JSON = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Session:
    """Who calls, with the roles held right now."""

    user: Row
    roles: frozenset[str]

    @property
    def name(self) -> str:
        """The caller's user name."""
        return self.user["user_name"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request; header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of(cls, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Call:
        """A call to a relative URL with its query string."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return cls(method, parts.path, query, {name.lower(): value for name, value in headers.items()}, body)

    def json(self) -> Any:
        """The body as JSON; refused when it is none (apis/servicenow.md §5)."""
        if not self.headers.get("content-type", "").startswith("application/json"):
            raise RefusedError(415, "Unsupported Media Type", "Content-Type must be application/json")
        try:
            return decode_json(self.body)
        except DecodeError as error:
            raise RefusedError(400, "Exception while reading request", str(error)) from error

    def flag(self, name: str) -> bool:
        """A `sysparm_` switch."""
        return self.query.get(name, "").lower() == "true"

    def number(self, name: str, default: int) -> int:
        """A `sysparm_` number."""
        try:
            return int(self.query.get(name, default))
        except ValueError:
            raise RefusedError(400, f"Invalid {name} value", self.query[name]) from None


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `body` None is an empty one, bytes are sent as they are, anything else as JSON."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON

    def content(self) -> bytes:
        """The body on the wire."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else encode_json(self.body)


class RefusedError(Exception):
    """A refusal in the platform's envelope (apis/servicenow.md §5)."""

    def __init__(
        self, status: int, message: str, detail: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.reply = Reply(
            status, {"error": {"message": message, "detail": detail}, "status": "failure"}, headers or {}
        )


def unauthenticated() -> RefusedError:
    """401 for missing, wrong and expired credentials alike."""
    return RefusedError(401, "User Not Authenticated", "Required to provide Auth information")


def forbidden_api() -> RefusedError:
    """403 of the access rules on an endpoint."""
    return RefusedError(403, "User Not Authorized", "Failed API level ACL Validation")


def forbidden_query() -> RefusedError:
    """403 for a query on a column that does not exist or may not be read."""
    detail = "Field(s) present in the query do not have permission to be read"
    return RefusedError(403, "Insufficient rights to query records", detail)


def forbidden_change(verb: str) -> RefusedError:
    """403 of a table's access rule: `Insert`, `Update`, `Delete`."""
    return RefusedError(403, "Operation Failed", f"ACL Exception {verb} Failed due to security constraints")


def no_record() -> RefusedError:
    """404, absent and not allowed alike."""
    return RefusedError(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


def invalid_table(table: str) -> RefusedError:
    """400 for a table this instance does not have."""
    return RefusedError(400, f"Invalid table {table}")
