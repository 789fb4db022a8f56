"""What an answer means: each connector's error table turns a Reply into a Verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_connector.http.reply import Reply


class Consequence(StrEnum):
    """What happens next (DESIGN §3, retry rule)."""

    OK = "ok"
    RETRY = "retry"
    REAUTH = "reauth"
    FORBIDDEN = "forbidden"
    REFUSE = "refuse"
    PARK = "park"
    IN_DOUBT = "in_doubt"
    CONFIG = "config"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A consequence with its stable code and the words for a person, ending with what to do.

    `unprocessed` asserts that the server did not act, so that even a write may be sent again (L3). `field` and `value`
    are what a refusal is about, where the server names it.
    """

    consequence: Consequence
    code: str = ""
    message: str = ""
    unprocessed: bool = False
    field: str | None = None
    value: str | None = None


Classify = Callable[["Reply"], Verdict]

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


def by_status(reply: Reply) -> Verdict:
    """Judge by the HTTP status alone: the table under every connector's own. Unknown means stop."""
    code = f"http_{reply.status}"
    if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return Verdict(Consequence.OK)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return Verdict(Consequence.REAUTH, code)
    if reply.status == HTTPStatus.FORBIDDEN:
        return Verdict(Consequence.FORBIDDEN, code)
    return Verdict(Consequence.RETRY if reply.status in TRANSIENT else Consequence.STOP, code)
