"""A server's answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from ml_connector.errors import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST_ID_HEADERS = ("X-Request-Id", "Ipp-Request-Id", "X-Transaction-ID", "X-Correlation-Id", "Request-Id")
_UNREAD = object()


class NotJson(BadAnswer):
    """The answer is an HTML page, is cut short, or is no JSON for another reason."""

    code = "not_json"


Decode = Callable[[bytes], Any]
"""Reads JSON; raises msgspec.DecodeError."""


_skim = msgspec.json.Decoder(msgspec.Raw).decode


def decode_exactly(body: bytes) -> Any:
    """Return a body's JSON, numbers with a fraction as Decimal (L7)."""
    return msgspec.json.Decoder(float_hook=Decimal).decode(body)


@dataclass(slots=True)
class Reply:
    """An HTTP answer, whole. `safe` says that its request only read."""

    method: str
    url_for_log: str  # redacted
    status: int
    headers: Mapping[str, str]
    body: bytes
    safe: bool = True
    decode: Decode = decode_exactly
    _json: Any = field(default=_UNREAD, repr=False)

    @property
    def request_id(self) -> str | None:
        """The server's name for this request, for its support desk and our trail."""
        return next((self.headers[name] for name in REQUEST_ID_HEADERS if name in self.headers), None)

    def json(self) -> Any:
        """Return the body as JSON, fractions as Decimal (L7); None for an empty body. Raises NotJson."""
        if self._json is _UNREAD:
            self._json = self._decode()
        return self._json

    def prove(self) -> None:
        """Raise NotJson unless the body is whole JSON, or empty, without building its values."""
        if self.body.strip():
            self._read(_skim)

    def json_or_none(self) -> Any:
        """Return the body as JSON, or None when it is not: for reading error bodies."""
        try:
            return self.json()
        except NotJson:
            return None

    def _decode(self) -> Any:
        return self._read(self.decode) if self.body.strip() else None

    def _read(self, decode: Decode) -> Any:
        try:
            return decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            shape = "an HTML page" if self.body.lstrip().startswith(b"<") else f"no JSON ({error})"
            raise NotJson(f"{self}: the answer is {shape}") from None

    def __str__(self) -> str:
        known = f" (request id {self.request_id})" if self.request_id else ""
        return f"{self.method} {self.url_for_log} answered {self.status}{known}"
