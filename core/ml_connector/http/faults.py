"""Transport faults: did the request leave this machine, and so, may it be sent again?"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import NewConnectionError, ReadTimeoutError

from ml_connector.errors import ConfigError, ConnectorError, InDoubt, Retryable, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

_MALFORMED = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidProxyURL,
    requests.exceptions.InvalidHeader,
)
_NEVER_LEFT = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.ProxyError,
    NewConnectionError,
    ssl.SSLCertVerificationError,
)


def fault_of(error: requests.RequestException, what: str, *, safe: bool) -> ConnectorError:
    """Return the error of our tree for a transport fault of `what`; `safe` says that it only reads."""
    causes = list(_causes(error))
    if any(isinstance(cause, _MALFORMED) for cause in causes):
        return ConfigError(f"{what}: {error}")
    for cause in causes:
        if isinstance(cause, _NEVER_LEFT):
            return Unreachable(f"{what}: {_words(cause)}. Check the address, the network and the proxy.")
    if safe:
        return Retryable(f"{what}: {_words(error)}")
    return lost(what, _words(error))


def ran_out(error: requests.RequestException) -> bool:
    """Say whether the server was reached, and time ran out while it worked or wrote."""
    return any(isinstance(cause, requests.ReadTimeout | ReadTimeoutError) for cause in _causes(error))


def lost(what: str, why: str) -> InDoubt:
    """Return the error of a write whose answer did not arrive whole (L3)."""
    return InDoubt(
        f"{what}: the answer was lost ({why}); the write may have taken effect and is looked up, not repeated"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and everything that requests and urllib3 wrapped into it.

    Not `__context__`: that may be an older fault which the caller is just handling, and would make a lost write
    look like one that never left.
    """
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [*current.args, getattr(current, "reason", None), current.__cause__]


def _words(error: BaseException) -> str:
    """Return the kind of a fault; its own text repeats host and query, so it is left out."""
    return {
        "ReadTimeout": "no answer in time",
        "ConnectTimeout": "no connection in time",
        "NewConnectionError": "no connection",
        "NameResolutionError": "the host name is unknown",
        "SSLCertVerificationError": "the certificate is not trusted",
        "ProxyError": "the proxy refused",
        "ChunkedEncodingError": "the answer was cut short",
        "ConnectionError": "the connection broke",
    }.get(type(error).__name__, type(error).__name__)
