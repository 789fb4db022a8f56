"""A Singer stream as lines, and what of it comes after a STATE: totals told as by a run that began there."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.singer.totals import STATE_KEY
from ml_connector.store.text import decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def states(lines: Sequence[str]) -> int:
    """Return how many STATE messages there are."""
    return sum(_kind(line) == "STATE" for line in lines)


def records(lines: Sequence[str]) -> int:
    """Return how many RECORD messages there are."""
    return sum(_kind(line) == "RECORD" for line in lines)


def schemas(lines: Sequence[str]) -> list[str]:
    """Return the SCHEMA messages: a run in which nothing new came."""
    return [line for line in lines if _kind(line) == "SCHEMA"]


def after(lines: Sequence[str], passed: int) -> list[str]:
    """Return the messages after the STATE that was let pass as the `passed`th, and every SCHEMA.

    No tap resumes as precisely as this: a record whose STATE passed too early is never seen again.
    """
    if not passed:
        return list(lines)
    seen, begun = 0, schemas(lines)
    told: dict[str, Any] = {}
    rest: list[str] = []
    for line in lines:
        kind = _kind(line)
        if seen == passed and kind != "SCHEMA":
            rest.append(_less(line, told) if kind == "STATE" else line)
        elif kind == "STATE":
            seen += 1
            told = decode(line)["value"]
    return begun + rest


def before(lines: Sequence[str], passed: int) -> list[dict[str, Any]]:
    """Return the records before the STATE that was let pass as the `passed`th: what it tells to be done with."""
    found: list[dict[str, Any]] = []
    seen = 0
    for line in lines:
        if seen == passed:
            break
        kind = _kind(line)
        seen += kind == "STATE"
        if kind == "RECORD":
            found.append(decode(line)["record"])
    return found


def _kind(line: str) -> str:
    return next((kind for kind in ("RECORD", "STATE", "SCHEMA") if f'"type":"{kind}"' in line[:40]), "")


def _less(line: str, told: dict[str, Any]) -> str:
    """Return a STATE whose totals leave out what an earlier one told."""
    message = decode(line)
    for name, before in _streams(told):
        totals = message["value"][STATE_KEY]["streams"][name]
        for count in ("fetched", "emitted"):
            totals[count] = str(int(totals[count]) - int(before["emitted"]))
        sums = copy.copy(totals["sums"])
        for currency, amount in before["sums"].items():
            sums[currency] = format(Decimal(sums[currency]) - Decimal(amount), "f")
        totals["sums"] = sums
    return encode(message)


def _streams(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from told.get(STATE_KEY, {}).get("streams", {}).items()
