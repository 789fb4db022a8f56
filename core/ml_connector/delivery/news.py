"""What the trail is told of a record: codes, hashes, amounts and ids, never a payload or a vendor's words (L10)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.sink import State
from ml_connector.delivery.withdrawal import CANCELLED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.delivery.sink import Outcome
    from ml_connector.delivery.work import KnownDelivery, Verdict, Work

Entry = tuple[str, str, dict[str, Any]]

BOUND = ("state", "reason", "amount", "currency", "source_hash")
"""Columns of a delivery that change only together with an event that says so."""

TOLD_OF_A_ROW = ("name", "table_name", "state", "reason", "action", "remote_id", "request_id", "response")
"""Columns of an effect that the trail tells."""

_IN_THE_TRAIL = MappingProxyType({"table_name": "table", "remote_id": "target_id"})


def news(work: Work) -> Entry | None:
    """Return what to append about a record whose `row` is being written, None when the trail says so already."""
    known = work.known
    before = {name: getattr(known, name) if known else None for name in BOUND}
    content = {name: work.row.get(name, before[name]) for name in BOUND}
    if known and not (work.outcomes or work.gone) and content == before:
        return None
    told = {
        "received": None if work.source_hash == content["source_hash"] else work.source_hash,
        "modified_at": work.record.source_modified_at,
        "origin": work.origin.place,
        "extracted_at": work.origin.extracted_at,
        "field": work.verdict.field if work.verdict else None,
        "rows": {outcome.effect.name: _outcome(outcome) for outcome in work.outcomes},
        "gone": work.gone,
        "edited": work.edited,
    }
    return _kind(work, str(content["state"])), work.key, _without_empty(content | told)


def late_news(key: str, delivery: KnownDelivery, verdict: Verdict, rows: Sequence[Mapping[str, Any]]) -> Entry:
    """Return what to append about a record of which something was learnt later.

    Every row of it is told, with what the store has in `TOLD_OF_A_ROW`: a run that was killed between headers and
    lines has told of neither.
    """
    before = {name: getattr(delivery, name) for name in BOUND}
    told = {
        "state": verdict.state,
        "reason": verdict.reason,
        "field": verdict.field,
        "rows": {row["name"]: _row(row) for row in rows},
    }
    return verdict.state, key, _without_empty(before | told)


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return _without_empty({_IN_THE_TRAIL.get(name, name): row[name] for name in TOLD_OF_A_ROW if name != "name"})


def _kind(work: Work, state: str) -> str:
    verdict = work.verdict.state if work.verdict else state
    return CANCELLED if work.withdrawn and verdict == State.DELIVERED else verdict


def _outcome(outcome: Outcome) -> dict[str, Any]:
    effect = outcome.effect
    told = {
        "table": effect.table,
        "state": outcome.state,
        "reason": outcome.reason,
        "action": outcome.action,
        "target_id": outcome.target_id or effect.target_id,
        "request_id": outcome.request_id,
        "response": outcome.response,
    }
    return _without_empty(told)


def _without_empty(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value}
