"""The stop rule: when most of what comes is refused, the cause is one, and not thousands of dead letters."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from ml_connector.delivery.sink import State
from ml_connector.errors import TooManyRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ml_connector.delivery.settings import EngineSettings
    from ml_connector.delivery.work import Work

_DECIDED = (State.DELIVERED, State.SENT, State.REFUSED, State.PARKED, State.FAILED, State.IN_DOUBT)


class StopRule:
    """Watches the newest verdicts of a run, each record's once; one fed from its dead letter is none of them."""

    def __init__(self, settings: EngineSettings) -> None:
        self._limit = settings.stop_after_refused
        self._causes: deque[str] = deque(maxlen=max(settings.stop_within, self._limit))  # '' for one not refused

    def watch(self, works: Iterable[Work]) -> None:
        """Take note of verdicts that are durable.

        Raises:
            TooManyRefused: So many of the newest are refusals that the run must stop.
        """
        for work in works:
            verdict = work.verdict
            if verdict is not None and verdict.state in _DECIDED and not (work.keep or work.recheck):
                self._causes.append(verdict.reason if verdict.state == State.REFUSED else "")
        refused = [cause for cause in self._causes if cause]
        if self._limit and len(refused) >= self._limit:
            (commonest, times), *_ = Counter(refused).most_common(1)
            raise TooManyRefused(
                f"{len(refused)} of the last {len(self._causes)} records were refused, {times} of them for "
                f"{commonest}: one cause, so the run stops. What was settled stays settled, the rest is read again. "
                f"See one with: ml-connector dead list --cause {commonest}. Remove the cause and run again, or raise "
                "`stop_after_refused` (0: never stop)."
            )
