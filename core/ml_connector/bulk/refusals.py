"""Writing records that will not be loaded: a delivery, a dead letter and an event each, in one transaction (L1)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ml_connector.delivery import deadletters, outbox
from ml_connector.delivery.balance import SUPERSEDED, Line
from ml_connector.delivery.delivery_row import delivery_row
from ml_connector.delivery.discretion import discreet_verdict
from ml_connector.delivery.news import news
from ml_connector.delivery.sink import State
from ml_connector.delivery.work import Verdict, Work
from ml_connector.errors import TooManyRefused
from ml_connector.finance.records import CanonicalRecord
from ml_connector.secrets import MASK
from ml_connector.secrets.personal import without_iban
from ml_connector.store.text import digest, storable_structure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from sqlalchemy import Connection

    from ml_connector.bulk.load import Refusal
    from ml_connector.delivery.run import Run

Superseded = list[tuple[Line, "Decimal | str | None"]]

_LONGEST_VALUE = 500
"""Characters of a value that are shown beside its reason; the dead letter has all of it."""


def write(connection: Connection, run: Run, refusals: Sequence[Refusal]) -> Superseded:
    """Make refusals durable; return what they supersede: older lines of the same records that count in this run."""
    older: Superseded = []
    works = _newest(refusals, older)
    known = outbox.find(connection, run.target_id, [work.key for work in works])
    for work in works:
        work.known = known.get(work.key)
        if work.known and work.known.last_run == run.id:  # carried in, or refused before in this run
            older.append((_line(work, work.known.currency), work.known.amount))
        work.row = delivery_row(run, work, work.verdict or Verdict(State.REFUSED))
    outbox.add_deliveries(connection, [work.row for work in works if not work.known])
    outbox.change_deliveries(connection, [{"id": work.known.id, **work.row} for work in works if work.known])
    deadletters.open_letters(connection, run, works)
    run.trail.append(connection, [entry for work in works if (entry := news(work))])
    return older


def _newest(refusals: Sequence[Refusal], older: Superseded) -> list[Work]:
    """Keep the newest line of each record; the others are superseded."""
    newest: dict[str, Work] = {}
    for refusal in refusals:
        work = _work(refusal)
        if (before := newest.pop(work.key, None)) is not None:
            older.append((_line(before, before.record.currency), before.record.amount))
        newest[work.key] = work
    return list(newest.values())


def _line(work: Work, currency: str | None) -> Line:
    return Line(work.record.company, work.record.record_type, SUPERSEDED, "", currency or "")


def _work(refusal: Refusal) -> Work:
    """Return a refusal as the engine knows records: without finance words, for nothing was mapped."""
    raw = storable_structure(refusal.record)
    system = refusal.business_key.partition(":")[0]
    prefix = f"{system}:{refusal.company}:{refusal.stream}:"
    record = CanonicalRecord(
        record_type=refusal.stream,
        source_system=system,
        company=refusal.company,
        source_key=refusal.business_key.removeprefix(prefix),
        fields={},
        source=raw,
        title=without_iban(refusal.title, MASK),
        source_state="",
        amount=refusal.amount,
        currency=refusal.currency,
    )
    work = Work(refusal.stream, raw, record, digest(raw), refusal.origin)
    work.verdict = _verdict(refusal)
    return work


def _verdict(refusal: Refusal) -> Verdict:
    told = refusal.message, refusal.field, refusal.value, refusal.suggestion
    verdict = discreet_verdict(Verdict(State.REFUSED, refusal.reason, *told), refusal.record)
    if verdict.value is None or len(verdict.value) <= _LONGEST_VALUE:
        return verdict
    told = verdict.message, verdict.field, f"{verdict.value[:_LONGEST_VALUE]}…", verdict.suggestion
    return Verdict(State.REFUSED, verdict.reason, *told)


class Patience:
    """The stop rule of a bulk run: so many refusals have one cause, and are not thousands of dead letters."""

    def __init__(self, most: int) -> None:
        """Take how many refused records a run may have; 0: any number."""
        self._most = most
        self._lost = False
        self._causes: Counter[str] = Counter()

    def watch(self, refusals: Iterable[Refusal]) -> None:
        """Take note of refusals that are durable.

        Raises:
            TooManyRefused: There are more than a run may have. It is raised once: what is still under way when the run
                ends must be written, too.
        """
        self._causes.update(refusal.reason for refusal in refusals)
        refused = self._causes.total()
        if self._most and refused > self._most and not self._lost:
            self._lost = True
            (commonest, times), *_ = self._causes.most_common(1)
            raise TooManyRefused(
                f"{refused} records of this run were refused, more than max_refused={self._most}; {times} of them for "
                f"{commonest}: one cause, so the run stops. What was loaded stays loaded, the rest is read again. See "
                f"one with: ml-connector dead list --cause {commonest}. Remove the cause and run again, or raise "
                "`max_refused` (0: never stop)."
            )
