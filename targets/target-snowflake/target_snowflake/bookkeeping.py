"""What the books are told of records: how many came, which are set aside and why, and which of those arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.bulk.keys import BusinessKeys
from ml_connector.bulk.load import Refusal
from ml_connector.bulk.totals import BulkTotals
from ml_connector.delivery.work import Origin

from target_snowflake.decode import plain
from target_snowflake.group import Pending, Refused, Sums, account

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import msgspec
    from ml_connector.bulk.books import BulkBooks

    from target_snowflake.batch import Batch
    from target_snowflake.decode import Decoder
    from target_snowflake.faults import BatchRefused
    from target_snowflake.planning import PlanBooks
    from target_snowflake.shape import Shape
    from target_snowflake.tasks import Outcome

_ADVICE: Mapping[str, str] = {
    "value_does_not_fit": "Correct the value in the source, or state the column's type in `column_types`; then: "
    "ml-connector dead replay",
    "key_is_null": "Correct the record in the source, or the stream's key in the tap's catalog.",
    "not_an_object": "Correct the tap: a record is a JSON object.",
}


class Bookkeeping:
    """Speaks with the books for all streams of a run."""

    def __init__(self, books: BulkBooks | PlanBooks) -> None:
        """Take the books."""
        self.books = books
        self.totals = BulkTotals()
        self.companies: dict[str, set[str]] = {}  # that records came of, per stream
        self._keys: dict[str, BusinessKeys] = {}
        self._decoders: dict[str, Decoder] = {}

    def stream(self, shape: Shape, decoder: Decoder) -> None:
        """Take note of a stream as its newest SCHEMA describes it."""
        name, keys = shape.stream, shape.key_properties
        self._keys[name], self._decoders[name] = BusinessKeys(name, keys), decoder
        self.books.stream(name, dict(shape.schema), keys)
        self.totals.stream(name, dict(shape.schema))

    def received(self, shape: Shape, sums: Sums) -> None:
        """Count records that came."""
        self.companies.setdefault(shape.stream, set()).update(company for company, _ in sums)
        for (company, currency), (count, amount) in sums.items():
            self.books.received(shape.stream, company, currency, count, amount)
            self.totals.count(shape.stream, count)
            self.totals.sum(shape.stream, currency, amount)

    def refused(self, shape: Shape, refused: Sequence[Refused], pending: Pending) -> None:
        """Keep records that are not what their schema says, or that their columns cannot hold."""
        self.books.refuse([self._refusal(shape, each, pending) for each in refused])

    def arrived(self, shape: Shape, raws: Sequence[msgspec.Raw]) -> frozenset[str]:
        """Return which of these records wait as dead letters."""
        waiting = self.books.waiting(shape.stream)
        if not waiting:
            return frozenset()
        records = self._decoders[shape.stream].keys(raws) if shape.keys else map(plain, raws)
        return waiting & frozenset(map(self._keys[shape.stream].of, records))

    def loaded(self, outcome: Outcome, batch: Batch | None) -> None:
        """Tell what a task came to; what was committed first: a refusal may stop the run."""
        for load in outcome.loads:
            self.books.loaded(load)
        if outcome.refused and batch is not None:
            self.books.refuse([self._refused_there(batch, *each) for each in outcome.refused])

    def _refusal(self, shape: Shape, refused: Refused, pending: Pending) -> Refusal:
        record = refused.record if isinstance(refused.record, dict) else {"value": refused.record}
        (company, currency), amount = account(refused.record, shape)
        origin = pending.origins[refused.place]
        place = plain(origin) if len(origin) else None
        return Refusal(
            stream=shape.stream,
            record=record,
            business_key=self._keys[shape.stream].of(record),
            company=company,
            reason=refused.reason,
            message=refused.message,
            field=refused.field,
            value=refused.value,
            suggestion=_ADVICE.get(refused.reason, ""),
            amount=amount if shape.amount else None,
            currency=currency or None,
            origin=Origin(place if isinstance(place, str) else None, pending.extracted[refused.place]),
        )

    def _refused_there(self, batch: Batch, record: dict[str, Any], error: BatchRefused) -> Refusal:
        shape, told = batch.shape, error.refusal
        (company, currency), amount = account(record, shape)
        names = {column.name: column.property for column in shape.columns}
        return Refusal(
            stream=shape.stream,
            record=record,
            business_key=self._keys[shape.stream].of(record),
            company=company,
            reason="refused_by_snowflake",
            message=str(error),
            field=names.get(told.column.upper()) if told.column else None,
            value=told.value or None,
            suggestion="Widen the column in Snowflake or correct the value; then: ml-connector dead replay",
            amount=amount if shape.amount else None,
            currency=currency or None,
        )
