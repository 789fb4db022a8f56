"""What sinks say alike, whatever their vendor: of rows whose turn did not come, and of outcomes that are waited for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.sink import NOT_SENT, Outcome, State
from ml_connector.errors import ConnectorError, RecordError, RecordParked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import timedelta

    from ml_connector.delivery.sink import Effect
    from ml_connector.http import Clock

UNREADABLE = "outcome_unreadable"
"""Why an outcome stays open that may not be read: looking again at once would not help."""

_OPEN = frozenset({State.SENT, State.IN_DOUBT})
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 15.0  # seconds


def not_sent(effect: Effect, error: ConnectorError) -> Outcome:
    """Return the outcome of a row whose turn did not come, or that was turned away before anything was done."""
    return Outcome(
        effect,
        State.FAILED,
        reason=NOT_SENT,
        message=f"the run stopped before this was sent: {error}",
        suggestion="It is sent at the next run.",
        retry_at=getattr(error, "retry_at", None),
    )


def failed(effect: Effect, error: ConnectorError, **known: Any) -> Outcome:
    """Return the outcome of a write that raised: refused and parked by name, anything else in doubt (L3)."""
    if not isinstance(error, RecordError):
        return Outcome(effect, State.IN_DOUBT, reason="answer_lost", message=str(error), **known)
    return Outcome(
        effect,
        State.PARKED if isinstance(error, RecordParked) else State.REFUSED,
        reason=error.reason,
        message=error.message,
        field=error.field,
        value=error.value,
        suggestion=error.suggestion or "Read the message, change the data, replay.",
        **known,
    )


def never_arrived(effect: Effect, window: timedelta) -> Outcome:
    """Return the outcome of a row whose answer was lost, and which shows nowhere a settle window later (L3)."""
    return Outcome(
        effect,
        State.FAILED,
        reason="never_arrived",
        message=f"the answer was lost, and {window.total_seconds():.0f} s later it shows nowhere",
        suggestion="It is sent again at the next run.",
    )


def each_told(effects: Sequence[Effect], outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Yield what a writer tells; when no more can be sent, the unsent ones are `failed` before the fault is raised."""
    told: set[int] = set()
    try:
        for outcome in outcomes:
            told.add(outcome.effect.id)
            yield outcome
    except ConnectorError as error:
        yield from (not_sent(effect, error) for effect in effects if effect.id not in told)
        raise


def looked_for(
    effects: Iterable[Effect],
    look: Callable[[Sequence[Effect]], Iterable[Outcome]],
    *,
    patience: float,
    clock: Clock,
) -> Iterator[Outcome]:
    """Yield each outcome as soon as a look tells it, looking again with growing pauses for `patience` seconds.

    With a patience of 0 there is one look. What is still open then is yielded as the last look told it.
    """
    deadline, pause = clock.monotonic() + patience, _FIRST_PAUSE
    waiting = list(effects)
    while waiting:
        looked = list(look(waiting))
        still = [outcome for outcome in looked if outcome.state in _OPEN]
        yield from (outcome for outcome in looked if outcome.state not in _OPEN)
        hopeful = any(outcome.reason != UNREADABLE for outcome in still)
        if not (hopeful and clock.monotonic() + pause <= deadline):
            yield from still
            return
        clock.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        waiting = [_as_told(outcome) for outcome in still]


def _as_told(outcome: Outcome) -> Effect:
    """Return an effect with what was just learnt of it."""
    effect = outcome.effect
    target_id, memory = outcome.target_id or effect.target_id, outcome.memory or effect.memory
    return replace(effect, handle=outcome.handle, target_id=target_id, memory=memory)
