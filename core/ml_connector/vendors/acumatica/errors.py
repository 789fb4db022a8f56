"""Acumatica's error table: status, exception type and words → consequence (apis/acumatica.md §5, DESIGN §3 retry rule).

A 500 may be anything, from a wrong password to a missing record, so it is judged by its exception type and words. One
that nothing tells of is tried again for a read; a write is in doubt then. An exception of Acumatica's own (`PX.…`)
with words for a person is its business logic refusing the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ml_connector.http import Consequence, Verdict
from ml_connector.http.rules import Rule, judged

if TYPE_CHECKING:
    from ml_connector.http import Reply

OK, RETRY, REAUTH, FORBIDDEN, REFUSE, PARK, IN_DOUBT, CONFIG, STOP = Consequence

SIGN_IN_HINT = (
    "Check the user (not locked, no password change due, access rights for web services), `client_id` with its "
    "`@TENANT`, and that the connected application (form SM303010) has the flow of `auth_method`."
)
SEATS_HINT = (
    "All API users (seats) of the licence are taken, or this user's own sessions (form SM201010). Sign out other "
    "integrations, or wait: a session that nobody closed ends by itself after 10 minutes, one of OAuth after an hour."
)
LOGIN_LIMIT = "api login limit"
NO_SEAT = "api_login_limit"
NO_ENTITY = "no_entity"
"""Why a record is refused that is not there."""
CANNOT_OPTIMIZE = "cannot_optimize"
"""Why a list is refused that Acumatica cannot read in one query."""
PRECONDITION = "precondition"
"""Why a write is refused whose `If-Match` or `If-None-Match` does not hold."""

_ELSEWHERE = frozenset({301, 302, 303, 307, 308})
_BLOCKED = re.compile(r"^\s*([\w/]+): View \w+ has BQL delegate", re.MULTILINE)


# First match wins; a rule with no words is the status's last.
RULES = (
    Rule(302, "ui/error", "broken_contract", CONFIG, CONFIG, "The endpoint's contract is broken: open it on SM207060."),
    Rule(400, "", "bad_request", STOP, REFUSE, "Acumatica does not take this request as it is."),
    Rule(401, "", "sign_in", REAUTH, REAUTH, SIGN_IN_HINT),
    Rule(403, "", "forbidden", FORBIDDEN, FORBIDDEN, "Give the user rights to the form, or turn its feature on."),
    Rule(
        404,
        "",
        "not_found",
        CONFIG,
        REFUSE,
        "The endpoint has no such entity or action: check `instance_url`, `endpoint` and `endpoint_version`.",
    ),
    Rule(408, "", "timeout", RETRY, RETRY),
    Rule(412, "", PRECONDITION, STOP, REFUSE, "The record is there already, or not there any more."),
    Rule(413, "", "too_large", STOP, REFUSE, "The request is too large."),
    Rule(422, "", "field_errors", STOP, REFUSE),
    Rule(
        429,
        "",
        "licence_limit",
        RETRY,
        RETRY,
        f"A limit of the licence: requests per minute or at once, or: {SEATS_HINT}",
    ),
    Rule(500, "noentitysatisfiesthecondition", NO_ENTITY, REFUSE, REFUSE),
    Rule(500, "no entity satisfies the condition", NO_ENTITY, REFUSE, REFUSE),
    Rule(500, "cannotoptimize", CANNOT_OPTIMIZE, REFUSE, REFUSE),
    Rule(500, "optimization cannot be performed", CANNOT_OPTIMIZE, REFUSE, REFUSE),
    Rule(500, "pxsetupnotentered", "not_set_up", FORBIDDEN, CONFIG, "Set the form up in Acumatica, or leave this out."),
    Rule(500, "pxundefinedcompany", "no_tenant", CONFIG, CONFIG, "There is no such tenant: check `tenant`."),
    Rule(500, "invalid credentials", "sign_in", REAUTH, REAUTH, SIGN_IN_HINT),
    Rule(500, "pxlockviolation", "changed_meanwhile", RETRY, PARK, "Someone else was saving the record."),
    Rule(500, "another process has", "changed_meanwhile", RETRY, PARK, "Someone else was saving the record."),
    Rule(500, "previous operation has not been completed", "form_busy", RETRY, PARK, "Its form is at work still."),
    Rule(500, "deadlock", "busy", RETRY, IN_DOUBT),
    Rule(500, "timeout", "timeout", RETRY, IN_DOUBT),
    Rule(500, "timed out", "timeout", RETRY, IN_DOUBT),
    Rule(500, "<px.data.pxdatabase", "database", RETRY, IN_DOUBT),
    Rule(500, "outcomeentityhaserrors", "field_errors", STOP, REFUSE),
    Rule(500, "<px.", "refused_by_form", STOP, REFUSE),
    Rule(500, "odata", "bad_query", STOP, IN_DOUBT),
    Rule(500, "edm.", "bad_query", STOP, IN_DOUBT),
    Rule(502, "", "server_error", RETRY, RETRY),
    Rule(503, "", "unavailable", RETRY, RETRY),
    Rule(504, "", "timeout", RETRY, RETRY),
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an error body tells: the kinds of its exceptions, outermost first, and the words for a person."""

    kinds: tuple[str, ...]
    words: str
    field: str | None = None  # the one, or the first, that the words are about
    value: str | None = None

    @property
    def told(self) -> str:
        """What rules look at: a kind stands in angle brackets."""
        return " ".join((*(f"<{kind}>" for kind in self.kinds), self.words)).lower()


def classify(reply: Reply) -> Verdict:
    """Return what an answer of the instance means; the client's `Classify`."""
    if is_login_limit(reply.body):
        return Verdict(RETRY, NO_SEAT, f"API Login Limit. {SEATS_HINT}", unprocessed=True)
    if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return Verdict(OK)
    body = reply.json_or_none()
    where = reply.headers.get("Location", "") if reply.status in _ELSEWHERE else ""
    return judge(reply.status, trouble(body, where), safe=reply.safe)


def judge(status: int, found: Trouble, *, safe: bool) -> Verdict:
    """Return what a status and an error body mean for a read (`safe`) or a write. Unknown means stop."""
    if verdict := judged(RULES, status, found.told, found.words, safe=safe):
        return replace(verdict, field=found.field, value=found.value)
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict(STOP, f"http_{status}", found.words)
    code = found.kinds[-1] if found.kinds else f"http_{status}"
    if safe:  # an error page, or none of Acumatica's exceptions: a passing fault, unless it says what it is
        return Verdict(STOP if found.kinds else RETRY, code, found.words)
    return Verdict(IN_DOUBT, code, f"{found.words} It is not known whether the write took effect.".strip())


def is_login_limit(body: bytes) -> bool:
    """Whether an answer says that no seat is free, in whatever shape and with whatever status (§2)."""
    head = body[:4096]
    return not head.startswith((b"[", b'{"id"')) and LOGIN_LIMIT in head.decode(errors="replace").lower()


def trouble(body: Any, where: str = "") -> Trouble:
    """Return what an error body tells, whichever of its shapes it has."""
    if not isinstance(body, Mapping):
        return Trouble((), where)
    if errors := list(field_errors(body)):
        kind = str(body.get("exceptionType") or "")
        words = "; ".join(f"{path}: {words}".lstrip(": ") for path, words in errors)
        field = next((path for path, _ in errors if path), None)
        return Trouble((kind,) if kind else (), words, field, _value_at(body, field) if field else None)
    kinds, texts = zip(*_exceptions(body), strict=True)
    return Trouble(tuple(filter(None, kinds)), " ".join(dict.fromkeys(filter(None, texts))) or where)


def _exceptions(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield kind and words of an exception and of those inside it; the stack traces stay out of everything."""
    state = body.get("modelState")
    told = [line for lines in state.values() for line in lines] if isinstance(state, Mapping) else []
    words = " ".join(map(str, (body.get("exceptionMessage") or body.get("message") or "", *told)))
    yield str(body.get("exceptionType") or ""), words.strip()
    if isinstance(inner := body.get("innerException"), Mapping):
        yield from _exceptions(inner)


def field_errors(entity: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the path and words of each error in an entity that was echoed: `Details[1].Project`, rows counted from 1.

    An error of the entity itself has the path ''.
    """
    yield from _errors(entity, "")


def _errors(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    if isinstance(words := node.get("error"), str) and words:
        yield path, words
    for name, value in node.items():
        below = f"{path}.{name}" if path else name
        if isinstance(value, Mapping):
            yield from _errors(value, below)
        elif isinstance(value, list):
            for place, row in enumerate(value, 1):
                if isinstance(row, Mapping):
                    yield from _errors(row, f"{below}[{place}]")


def _value_at(entity: Mapping[str, Any], path: str) -> str | None:
    """Return the value at a path as `field_errors` gives it, None for one that is empty or is no field."""
    node: Any = entity
    for name, place in re.findall(r"([^.\[\]]+)(?:\[(\d+)\])?", path):
        node = node.get(name)
        node = node[int(place) - 1] if place else node
    value = node.get("value") if isinstance(node, Mapping) else None
    return None if value is None else str(value)


def blocked_fields(words: str) -> list[str]:
    """Return the fields that kept Acumatica from reading a list in one query, as its message names them (§3)."""
    return _BLOCKED.findall(words)
