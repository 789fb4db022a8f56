"""When a record that failed is tried again, and when it needs a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.delivery.sink import NOT_SENT, OUTCOME_UNKNOWN, Outcome, State
from ml_connector.delivery.work import IN_FLIGHT, INTERRUPTED, OLDER_VERSION_OPEN
from ml_connector.store.text import stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ml_connector.delivery.settings import EngineSettings
    from ml_connector.delivery.work import KnownDelivery, Verdict, Work

PAUSES = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
"""How long a failed record waits before the next runs try it again."""

NEVER = "9999-12-31T00:00:00.000000+00:00"
"""When a record is tried again that waits for a person."""

UNATTEMPTED = (NOT_SENT, INTERRUPTED.reason)
"""Failures of the run, not of the record: nothing of it went out, so they are no attempts."""


def next_attempt(settings: EngineSettings, work: Work, verdict: Verdict) -> tuple[int, str | None]:
    """Return how often a record has failed now, and before which moment it is not tried again."""
    known = work.known
    before = known.attempts if known and known.source_hash == work.source_hash and not settings.replay else 0
    if verdict.state in IN_FLIGHT:
        return (known.attempts if known and verdict.reason == OLDER_VERSION_OPEN else before), None
    if verdict.state != State.FAILED:
        return 0, None
    if verdict.reason == OUTCOME_UNKNOWN:
        return before, NEVER
    if verdict.reason in UNATTEMPTED:
        return before, stamp(verdict.retry_at) if verdict.retry_at else None
    return _after(settings, before + 1, verdict)


def late_attempt(settings: EngineSettings, known: KnownDelivery, verdict: Verdict) -> tuple[int, str | None]:
    """Return the same for a record whose outcome was learnt later.

    A lost answer is no attempt: the row may never have gone out, and the settle window was its pause.
    """
    if verdict.state != State.FAILED:
        return (known.attempts if verdict.state in IN_FLIGHT else 0), None
    if verdict.reason == OUTCOME_UNKNOWN:
        return known.attempts, NEVER
    if verdict.reason in UNATTEMPTED or known.state == State.IN_DOUBT:
        return known.attempts, None
    return _after(settings, known.attempts + 1, verdict)


def _after(settings: EngineSettings, attempts: int, verdict: Verdict) -> tuple[int, str]:
    if attempts > settings.max_attempts:
        return attempts, NEVER
    pause = PAUSES[min(attempts, len(PAUSES)) - 1]
    return attempts, stamp(max(verdict.retry_at or utc_now(), utc_now() + pause))


def advice(verdict: Verdict, attempts: int, next_attempt_at: str | None) -> dict[str, str]:
    """Return the suggestion of a record that is not tried again by itself, as a column; else none."""
    if next_attempt_at != NEVER or verdict.reason == OUTCOME_UNKNOWN:
        return {}
    words = f"It failed {attempts} times and now waits for a person. Remove the cause, then: ml-connector dead replay"
    return {"suggestion": f"{words} --cause {verdict.reason}"}


def give_up(settings: EngineSettings, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return outcomes; a row that the target tells nothing of for too long needs a person, and is not re-sent (L3)."""
    return [_unknown(outcome, settings) if _is_hopeless(outcome, settings) else outcome for outcome in outcomes]


def _is_hopeless(outcome: Outcome, settings: EngineSettings) -> bool:
    sent_at = outcome.effect.sent_at
    limit = settings.give_up_after
    return outcome.state in IN_FLIGHT and limit is not None and sent_at is not None and utc_now() - sent_at > limit


def _unknown(outcome: Outcome, settings: EngineSettings) -> Outcome:
    days = settings.give_up_after.days if settings.give_up_after else 0
    return Outcome(
        outcome.effect,
        State.FAILED,
        handle=outcome.handle,
        reason=OUTCOME_UNKNOWN,
        message=f"sent, and for more than {days} days nothing in the target tells what became of it",
        suggestion="Look for it in the target. If it is not there: ml-connector dead replay --cause outcome_unknown",
    )
