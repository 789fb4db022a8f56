"""The places at which a process is killed while it spends a refresh token: none of them may cost more than that token.

No code of the product knows of them. `tests/prove/test_p14.py` fails when a place named here is gone.
"""

from __future__ import annotations

import functools
import select
from typing import TYPE_CHECKING, Any

from prove.seams import ANSWER, REQUEST, Passes, Seam, die, stopping, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

KEEP, ASK = "ml_connector.secrets.kept:Kept.keep", "ml_connector.http.auth:ClientCredentials._ask"

SEAMS = (
    Seam("token.before_asked", ASK, before=True),
    Seam("token.after_asked", ASK, before=False),  # spent, its successor in memory only
    Seam("token.before_kept", KEEP, before=True),  # first as it is, then its successor
    Seam("token.after_kept", KEEP, before=False),
    Seam("vault.before_sync", "os:fsync", before=True),
    Seam("vault.after_sync", "os:fsync", before=False),
    Seam("vault.before_replace", "os:replace", before=True),
    Seam("vault.after_replace", "os:replace", before=False),
)
"""The plain seams."""

UNREAD = "token.answered_unread"
"""The token is spent, and the answer with its successor has arrived and is not read."""

NAMES = (*(seam.name for seam in SEAMS), UNREAD)

_OFTEN = {"token.before_kept": 2, "token.after_kept": 2, "vault.before_replace": 2, "vault.after_replace": 2}
_SYNCED = 4  # the file and its folder, for the token as it is and for its successor
POINTS = tuple(
    f"{name}:{number + 1}"
    for name in NAMES
    for number in range(_SYNCED if name.endswith("_sync") else _OFTEN.get(name, 1))
)
"""Every pass that one spending of a token makes."""


def patch(passes: Passes) -> None:
    """Put a stop at every seam."""
    for seam in SEAMS:
        wrap(seam.place, functools.partial(stopping, passes, seam))
    wrap(REQUEST, _requesting)
    wrap(ANSWER, functools.partial(_answering, passes))


def _requesting(original: Callable[..., Any]) -> Callable[..., Any]:
    def request(self: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
        self.asks_for_token = "/connect/token" in url
        return original(self, method, url, *args, **options)

    return request


def _answering(passes: Passes, original: Callable[..., Any]) -> Callable[..., Any]:
    def getresponse(self: Any, *args: Any, **options: Any) -> Any:
        if getattr(self, "asks_for_token", False) and passes.due(UNREAD):
            select.select([self.sock], [], [])
            die()
        return original(self, *args, **options)

    return getresponse
