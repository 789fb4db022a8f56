"""A stretch of one stream's records as an Arrow table: typed, hashed, counted; what cannot be loaded is set aside."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
from ml_connector.finance import money
from ml_connector.singer.totals import currency_of

from target_snowflake.columns import Column, Kind, Type
from target_snowflake.convert import Converted, convert
from target_snowflake.decode import Decoder, Rejected, plain
from target_snowflake.fold import fold
from target_snowflake.shape import ABSENT, CURRENCY, DELETED_AT, EXTRACTED_AT, ORDER, ROW_HASH, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from target_snowflake.shape import Shape

Sums = dict[tuple[str, str], tuple[int, Decimal]]
"""(company, currency) → how many records, and what they amount to."""

_MOMENT = Type(Kind.TIMESTAMP)
_HASH = 16
EXACT = "__EXACT"


@dataclass(slots=True)
class Pending:
    """Records as they came, not looked at yet."""

    raws: list[msgspec.Raw] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    extracted: list[str | None] = field(default_factory=list)
    versions: list[int | None] = field(default_factory=list)
    origins: list[msgspec.Raw] = field(default_factory=list)
    size: int = 0


@dataclass(slots=True)
class Refused:
    """A record that is not loaded, and why."""

    place: int
    record: Any
    reason: str
    message: str
    field: str | None
    value: str | None


@dataclass(slots=True)
class Group:
    """What a stretch of records became."""

    table: pa.Table
    exact: tuple[Column, ...]  # text columns beside numbers that are rounded
    refused: list[Refused]
    partial: bool
    received: Sums
    folded: Sums  # what of it later records of the same stretch have taken in
    places: Sequence[int]  # of its rows among the pending records


@dataclass(frozen=True, slots=True)
class Reading:
    """How the records of a stream are made rows."""

    shape: Shape
    decoder: Decoder
    zone: str = "UTC"
    evolve: bool = True  # a number that does not fit is kept beside, as text; else its record is refused

    def group(self, pending: Pending) -> Group:
        """Return pending records as a table.

        Raises:
            MissingKey: A record lacks a key property.
        """
        rows, rejected = self.decoder.rows(pending.raws)
        refused = [self._refused(each, pending) for each in rejected]
        kept: Sequence[int] = range(len(rows))
        if rejected:
            kept = [place for place in kept if rows[place] is not None]
            rows = [rows[place] for place in kept]
        made = _Columns(self, rows)
        if made.misfits:
            refused += [self._misfit(kept[row], pending, *made.misfits[row]) for row in sorted(made.misfits)]
            left = [row for row in range(len(rows)) if row not in made.misfits]
            rows, kept = [rows[row] for row in left], [kept[row] for row in left]
            made = _Columns(self, rows)
        table = self._with_metadata(made, pending, kept)
        received, folded = sums(table, self.shape), Sums()
        if made.partial and self.shape.keys:
            rows, kept, mixed = fold(rows, kept, self._key_getters, self._kept_fields)
            made = _Columns(self, rows)
            table = self._with_metadata(made, pending, kept, mixed)
            folded = less(received, sums(table, self.shape))
        for each in refused:
            self._count(received, each.record)
        return Group(table, tuple(made.exact), refused, made.partial, received, folded, kept)

    @property
    def _key_getters(self) -> list[Callable[[Any], Any]]:
        pairs = zip(self.shape.columns, self.decoder.getters, strict=True)
        return [getter for column, getter in pairs if column.is_key]

    @property
    def _kept_fields(self) -> list[str]:
        """Fields that a later record without them leaves as they are: what comes again is not deleted any more."""
        pairs = zip(self.shape.columns, self.decoder.fields, strict=True)
        return [field for column, field in pairs if column.property != DELETED_AT]

    def _with_metadata(
        self, made: _Columns, pending: Pending, kept: Sequence[int], mixed: Collection[int] = ()
    ) -> pa.Table:
        whole = len(kept) == len(pending.raws)

        def of(values: Sequence[Any]) -> Sequence[Any]:
            return values if whole else [values[place] for place in kept]

        arrays = dict(made.arrays)
        arrays[ORDER] = pa.array(of(pending.numbers), pa.int64())
        hashes = self._hashes(of(pending.raws), of(pending.versions), made)
        if mixed:  # such a row is not what its own record says
            hashes = [None if place in mixed else told for place, told in zip(kept, hashes, strict=True)]
        arrays[ROW_HASH] = pa.array(hashes, pa.string())
        own = {column.name for column in self.shape.columns}
        if EXTRACTED_AT not in own:
            arrays[EXTRACTED_AT] = convert(_MOMENT, of(pending.extracted)).array
        if VERSION not in own:
            arrays[VERSION] = pa.array(of(pending.versions), pa.int64())
        if self.shape.currency:
            arrays[CURRENCY] = pa.array(made.currencies(self.shape.currency), pa.string())
        if made.partial:
            arrays[ABSENT] = pa.array(made.absent, pa.string())
        return pa.table(arrays)

    def _hashes(
        self, raws: Sequence[msgspec.Raw], versions: Sequence[int | None], made: _Columns
    ) -> Sequence[str | None]:
        """Return what tells whether a row has changed; a partial record never says that nothing has."""
        salt = self.shape.salt
        hashes = [
            blake2b(raw if version is None else b"%b%d" % (raw, version), digest_size=_HASH, salt=salt).hexdigest()
            for raw, version in zip(raws, versions, strict=True)
        ]
        if not made.partial:
            return hashes
        return [None if absent else told for absent, told in zip(made.absent, hashes, strict=True)]

    def _refused(self, each: Rejected, pending: Pending) -> Refused:
        record = plain(pending.raws[each.index])
        value = record.get(each.field) if isinstance(record, dict) and each.field else None
        return Refused(each.index, record, each.reason, each.message, each.field, None if value is None else str(value))

    def _misfit(self, place: int, pending: Pending, name: str, value: str, why: str) -> Refused:
        record = plain(pending.raws[place])
        return Refused(place, record, "value_does_not_fit", f"{name} does not fit its column: {why}", name, value)

    def _count(self, received: Sums, record: Any) -> None:
        key, amount = account(record, self.shape)
        count, total = received.get(key, (0, Decimal(0)))
        received[key] = (count + 1, total + amount)


def account(record: Any, shape: Shape) -> tuple[tuple[str, str], Decimal]:
    """Return whose record it is, its currency and its amount."""
    if not isinstance(record, dict):
        return ("", ""), Decimal(0)
    amount = record.get(shape.amount.property) if shape.amount else None
    currency = currency_of(record, shape.currency) if shape.currency else ""
    known = isinstance(amount, Decimal | int) and not isinstance(amount, bool)
    company = record.get(shape.company.property) if shape.company else None
    return (str(company or ""), currency), Decimal(amount) if known and amount is not None else Decimal(0)


class _Columns:
    """Rows turned into columns."""

    def __init__(self, reading: Reading, rows: Sequence[Any]) -> None:
        self._reading = reading
        self._rows = rows
        self._absent: dict[int, list[str]] = {}
        self.arrays: dict[str, pa.Array] = {}
        self.exact: list[Column] = []
        self.misfits: dict[int, tuple[str, str, str]] = {}  # row → property, value, why
        for column, getter in zip(reading.shape.columns, reading.decoder.getters, strict=True):
            self._add(column, self._present(column, list(map(getter, rows))))

    def _present(self, column: Column, values: list[Any]) -> list[Any]:
        """Return the values with null for what is absent, and take down where that is."""
        if msgspec.UnsetType not in set(map(type, values)):  # `UNSET in values` would compare each, slow for Decimals
            return values
        if not self._reading.shape.whole and column.property != DELETED_AT:  # absent there: it is not deleted
            for row, value in enumerate(values):
                if value is msgspec.UNSET:
                    self._absent.setdefault(row, []).append(column.name)
        return [None if value is msgspec.UNSET else value for value in values]

    def _add(self, column: Column, values: list[Any]) -> None:
        found = convert(column.type, values, self._reading.zone)
        self.arrays[column.name] = found.array
        if not found.misfits:
            return
        if column.type.kind in (Kind.NUMBER, Kind.INTEGER) and not column.is_key and self._reading.evolve:
            self._keep_exact(column, found, len(values))
            return
        for row, (value, why) in found.misfits.items():
            self.misfits.setdefault(row, (column.property, value, why))

    def _keep_exact(self, column: Column, found: Converted, count: int) -> None:
        beside = Column(column.property, f"{column.name}{EXACT}", Type(Kind.TEXT))
        self.exact.append(beside)
        texts = [found.misfits[row][0] if row in found.misfits else None for row in range(count)]
        self.arrays[beside.name] = pa.array(texts, pa.string())

    @property
    def partial(self) -> bool:
        """Whether a record lacks a property that another one may have set before."""
        return bool(self._absent)

    @property
    def absent(self) -> list[str | None]:
        """Per row, the columns it says nothing of."""
        return [f",{','.join(self._absent[row])}," if row in self._absent else None for row in range(len(self._rows))]

    def currencies(self, path: str) -> list[str]:
        """Return each row's currency."""
        first, _, rest = path.partition(".")
        names = [column.property for column in self._reading.shape.columns]
        if first not in names:
            return [""] * len(self._rows)
        values = map(self._reading.decoder.getters[names.index(first)], self._rows)
        if not rest:
            return [value if isinstance(value, str) else "" for value in values]
        return [currency_of({first: msgspec.json.decode(value)}, path) if value else "" for value in values]


def sums(table: pa.Table, shape: Shape) -> Sums:
    """Return counts and sums of a table per company and currency."""
    if not table.num_rows:
        return {}
    count = table.num_rows
    blank = pa.array([""] * count) if not (shape.company and shape.currency) else None
    company = table[shape.company.name].cast(pa.string()).fill_null("") if shape.company else blank
    currency = table[CURRENCY] if shape.currency else blank
    amount = table[shape.amount.name] if shape.amount else pa.nulls(count, pa.decimal128(38, 0))
    narrow = pa.table({"company": company, "currency": currency, "amount": amount})
    found = narrow.group_by(["company", "currency"]).aggregate([([], "count_all"), ("amount", "sum")])
    return {
        (row["company"], row["currency"]): (row["count_all"], money.plain(Decimal(row["amount_sum"] or 0)))
        for row in found.to_pylist()
    }


def less(all_of_it: Sums, rest: Sums) -> Sums:
    """Return what is in the first and not in the second."""
    none = (0, Decimal(0))
    found = {
        key: (
            all_of_it.get(key, none)[0] - rest.get(key, none)[0],
            all_of_it.get(key, none)[1] - rest.get(key, none)[1],
        )
        for key in all_of_it.keys() | rest.keys()
    }
    return {key: value for key, value in found.items() if value != none}
