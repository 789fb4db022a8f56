"""What the store keeps of one record's outcome: its delivery row, and when a failed one is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.delivery.attempts import advice, next_attempt
from ml_connector.delivery.sink import State
from ml_connector.delivery.withdrawal import VANISHED
from ml_connector.delivery.work import OLDER_VERSION_OPEN
from ml_connector.finance.ledger import per_account, period
from ml_connector.store.text import encode, stamp, utc_now

if TYPE_CHECKING:
    from ml_connector.delivery.run import Run
    from ml_connector.delivery.work import KnownDelivery, Verdict, Work
    from ml_connector.finance.records import CanonicalRecord


def delivery_row(run: Run, work: Work, verdict: Verdict) -> dict[str, Any]:
    """Return the columns of a delivery that a verdict settles."""
    settled = verdict.state in (State.DELIVERED, State.UNCHANGED)
    state = State.DELIVERED if settled else verdict.state
    attempts, next_attempt_at = next_attempt(run.settings, work, verdict)
    row = {
        "target_id": run.target_id,
        "pipeline": run.settings.pipeline,
        "state": state,
        **verdict.columns(),
        **advice(verdict, attempts, next_attempt_at),
        **of_record(work.record),
        "attempts": attempts,
        "next_attempt_at": next_attempt_at,
        "since": work.known.since if work.known and work.known.state == state else stamp(utc_now()),
        "last_run": run.id,
        "run_outcome": _outcome(run, work.known, verdict),
    }
    if work.rows:  # else nothing was mapped, and what stood in when it was delivered still does
        row["defaulted"] = encode(work.defaulted) if work.defaulted else None
    version = {"source_hash": work.source_hash, "map_version": run.map_version}
    if verdict.reason != OLDER_VERSION_OPEN:  # else the stored version stays the one whose rows are under way
        row |= version | {"origin": work.origin.place, "extracted_at": work.origin.extracted_at}
    if settled:
        row |= {f"settled_{name}": value for name, value in version.items()} | {"verified_at": stamp(utc_now())}
    return row


def kept_row(run: Run, work: Work, known: KnownDelivery) -> dict[str, Any]:
    """Return the columns that change when a record is met again and its state stays."""
    touched = {"pipeline": run.settings.pipeline, "last_run": run.id, "run_outcome": known.state}
    return {"id": known.id, **touched, **of_record(work.record)}


def of_record(record: CanonicalRecord) -> dict[str, Any]:
    """Return the columns that a record itself fills."""
    if record.source_state == VANISHED:  # only its key is told: what was stored of it stands
        return {"source_state": VANISHED}
    return {
        "business_key": record.business_key,
        "erp_source": record.erp_source,
        "company": record.company,
        "record_type": record.record_type,
        "title": record.title,
        "amount": None if record.amount is None else str(record.amount),
        "currency": record.currency,
        "document_date": None if record.document_date is None else record.document_date.isoformat(),
        "period": period(record),
        "accounts": encode(accounts) if (accounts := per_account(record)) else None,
        "source_state": record.source_state,
        "source_modified_at": record.source_modified_at,
        "duplicate_key": record.duplicate_key,
    }


def _outcome(run: Run, known: KnownDelivery | None, verdict: Verdict) -> State:
    """Return what this run made of a record: one it delivered and then met again unchanged stays delivered."""
    before = known.run_outcome if known and known.last_run == run.id else None
    return State.DELIVERED if (before, verdict.state) == (State.DELIVERED, State.UNCHANGED) else verdict.state
