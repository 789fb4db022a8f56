"""Records that the source has withdrawn after they were delivered: voided, or gone from it without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.delivery.sink import State
from ml_connector.delivery.work import Verdict
from ml_connector.errors import RecordParked
from ml_connector.mapping.record_map import RowPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.delivery.settings import Guards
    from ml_connector.delivery.sink import Effect
    from ml_connector.delivery.work import KnownDelivery, Work
    from ml_connector.finance.records import CanonicalRecord
    from ml_connector.mapping.record_map import DocumentMap, Frozen, RecordMap

VOIDED, VANISHED = "voided", "vanished"
"""Source states of what is withdrawn; the second one no source tells: a census finds it."""

WITHDRAWN = (VOIDED, VANISHED)

UNMAPPED = "unmapped"
"""Why a record is left out whose type the target map does not deliver."""

CANCELLED = "cancelled"
"""The trail's word for a withdrawn record that the target confirmed as cancelled."""

_WORDS = {
    VOIDED: ("voided_after_delivery", "was voided in the source after it was delivered"),
    VANISHED: ("vanished", "is no longer in the source, and was delivered"),
}
_BY_HAND = "Cancel it in the target by hand, then: ml-connector dead drop ID --reason …"


def is_withdrawn(record: CanonicalRecord, guards: Guards) -> bool:
    """Say whether a record must not live on in the target; voided ones may, where `source_states` names them."""
    voided = record.source_state == VOIDED and bool(guards.source_states) and VOIDED not in guards.source_states
    return voided or record.source_state == VANISHED


def is_dropped(work: Work, known: KnownDelivery) -> bool:
    """Say whether a record was delivered, and changed since in such a way that a rule of the source map leaves it out.

    A rule that is new to the map leaves old records where they are: that is a decision about records to come.
    """
    by_rule = work.left_out and work.verdict is not None and work.verdict.reason != UNMAPPED
    return by_rule and known.settled_source_hash not in (None, work.source_hash)


def dropped(work: Work) -> Verdict:
    """Return the verdict on a delivered record that a rule now leaves out: it must not live on unseen."""
    rule = work.verdict.reason if work.verdict else ""
    words = f"it was delivered, and has changed in the source so that the rule {rule} leaves it out: it lives on there"
    return Verdict(State.PARKED, "left_out_after_delivery", words, "rule", rule, _BY_HAND)


def not_there() -> Verdict:
    """Return the verdict on a record that vanished before anything of it was delivered."""
    return Verdict(State.SKIPPED, VANISHED, "it is no longer in the source, and nothing of it was delivered")


def left_out(record: CanonicalRecord, guards: Guards) -> Verdict:
    """Return the verdict on a withdrawn record of which nothing was delivered."""
    verdict = None if record.source_state == VANISHED else guards.verdict(record)
    return verdict or not_there()


def plan_cancellation(work: Work, record_map: RecordMap) -> None:
    """Give a withdrawn record the one row that cancels it in the target: its header as it was sent, cancelled.

    Raises:
        RecordParked: The target map does not say how such a record is cancelled.
    """
    header, document = _header(work.sent, record_map)
    if header is None or document is None or document.header is None or not document.cancelled:
        raise parked(work, f"the target map does not say how {work.record.record_type} are cancelled")
    if document.frozen is not None:
        document.frozen.key(work.record)  # one that needs more than the key is refused here, before anything is asked
    owners = {**document.header.owners, **dict.fromkeys(document.cancelled, "source")}
    payload = {**header.payload, **document.cancelled}
    work.rows = [RowPlan(header.name, document.header.phase, header.table, header.via, header.key, payload, owners)]


def frozen_of(work: Work, record_map: RecordMap) -> Frozen | None:
    """Return where the target shows how far its people are with a withdrawn record."""
    return document.frozen if (document := _header(work.sent, record_map)[1]) else None


def is_cancelled_already(work: Work, record_map: RecordMap, state: str) -> bool:
    """Say whether people in the target have cancelled it themselves."""
    document = _header(work.sent, record_map)[1]
    return document is not None and state in document.cancelled.values()


def parked(work: Work, why: str) -> RecordParked:
    """Return what parks a withdrawn record that cannot be cancelled."""
    reason, words = _WORDS[work.record.source_state]
    return RecordParked(reason, f"it {words}: {why}", field="source_state", value=reason, suggestion=_BY_HAND)


def _header(sent: Sequence[Effect], record_map: RecordMap) -> tuple[Effect | None, DocumentMap | None]:
    """Return the row that stands for the whole record, and the part of the map it came from."""
    for effect in sent:
        document = record_map.document_in(effect.table)
        if document is not None and document.header is not None and document.header.name == effect.name:
            return effect, document
    return None, None
