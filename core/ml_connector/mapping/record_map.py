"""How one canonical record becomes rows of a target."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.finance import kinds
from ml_connector.finance.checks import check_entities
from ml_connector.mapping.rows import Scope, each_row, fill_scalars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.finance.records import CanonicalRecord
    from ml_connector.mapping.dimensions import DimensionResolver
    from ml_connector.mapping.expressions import Column, Expression
    from ml_connector.mapping.loader import Place
    from ml_connector.mapping.match import Match
    from ml_connector.mapping.nested import Nested

OWNERS = ("source", "create_only", "target")
#: Canonical fields in which a reference of ours may come back.
REFERENCES = ("external_reference", "supplier_reference", "payment_reference", "supplier_invoice_number")
#: What expressions of a target map can read beside the record type's own fields.
ATTRIBUTES = (
    "source_system",
    "company",
    "erp_source",
    "source_key",
    "business_key",
    "title",
    "source_state",
    "source_modified_at",
    "amount",
    "source",
)


@dataclass(frozen=True, slots=True)
class RowPlan:
    """One row a record brings about in the target."""

    name: str  # 'header', 'line:3', 'tax:1'
    phase: int  # a phase is sent after the former phase's rows are confirmed
    table: str
    via: str
    key: dict[str, str]
    payload: dict[str, Any]
    owners: dict[str, str]


@dataclass(frozen=True, slots=True)
class Frozen:
    """Where the target shows how far its people are with a document, and from which states on it is theirs."""

    table: str
    keys: Mapping[str, Expression]
    column: str
    states: frozenset[str]

    def key(self, record: CanonicalRecord) -> dict[str, str]:
        """Return the key columns and values of the document's live row."""
        scope = scope_of(record)
        return {name: _key_text(name, column.evaluate(scope, scope, {})) for name, column in self.keys.items()}


@dataclass(frozen=True, slots=True)
class Echo:
    """How a tap reads back what we write: what it calls the record, and by which columns of the target it is keyed."""

    source_system: str
    record_type: str
    key: tuple[str, ...]  # `id` is the target's own id
    reference: str | None  # the canonical field in which the row's key comes back, before the target has told `key`


@dataclass(frozen=True, slots=True)
class RowMap:
    """One block of a record's map: the rows of one table."""

    name: str  # 'header', 'line'
    phase: int
    table: str
    via: str
    key: tuple[str, ...]
    columns: Sequence[Column]
    owners: dict[str, str]
    each: Expression | None
    keep: Expression | None
    number: Expression | None  # tells the rows of a list apart; line_number unless `__row__` says otherwise
    nested: Sequence[Nested] = ()  # columns that hold objects and lists

    @property
    def all_columns(self) -> list[Column]:
        """Every column it computes, those inside nested values, too."""
        return [*self.columns, *(column for outer in self.nested for each in outer.walk() for column in each.columns)]

    @property
    def column_names(self) -> list[str]:
        """The columns it fills, those inside nested values by dotted names."""
        return [column.name for column in self.columns] + [name for each in self.nested for name in each.names]

    def rows(self, fields: Mapping[str, Any], scope: Scope) -> Iterator[RowPlan]:
        """Yield the rows of one record."""
        for index, row in each_row(self.each, self.keep, fields, scope):
            payload = fill_scalars(self.columns, row, index, scope)
            payload |= {nested.name: nested.fill(row, scope) for nested in self.nested}
            key = {column: _key_text(column, payload[column]) for column in self.key}
            yield RowPlan(self._name(row, scope), self.phase, self.table, self.via, key, payload, self.owners)

    def _name(self, row: Mapping[str, Any], scope: Scope) -> str:
        if self.each is None or self.number is None:
            return self.name
        return f"{self.name}:{_key_text(self.number.text, self.number.evaluate(row, scope.record, scope.var))}"


@dataclass(frozen=True, slots=True)
class DocumentMap:
    """The rows for some document types of a record type; `types` None means any."""

    name: str
    place: Place
    types: frozenset[str] | None
    rows: Sequence[RowMap]
    frozen: Frozen | None
    other_entities: bool  # whether lines of another legal entity may be sent
    amount: str | None = None  # the header's column that holds the document's total
    cancelled: Mapping[str, str] = field(default_factory=dict)  # what the header's columns say of a cancelled document
    echo: Echo | None = None
    match: Match | None = None

    @property
    def header(self) -> RowMap | None:
        """The one row that stands for the whole record."""
        return header_of(self.rows)


@dataclass(frozen=True, slots=True)
class RecordMap:
    """Everything a target map says about one canonical record type."""

    record_type: str
    documents: Sequence[DocumentMap]

    def document(self, record: CanonicalRecord) -> DocumentMap:
        """Return the part of the map for a record; parks one whose document type the map does not name."""
        for document in self.documents:
            if document.types is None or record.document_type in document.types:
                return document
        raise RecordParked(
            "unmapped_type",
            f"The target map does not say what a {record.document_type} of {self.record_type} becomes.",
            field="document_type",
            value=record.document_type,
            suggestion="Add the type to the target map, or leave such documents out by a rule of the source map.",
        )

    def document_in(self, table: str) -> DocumentMap | None:
        """Return the part of the map whose header goes into a table: of a record whose document type is not known."""
        found = (each for each in self.documents if each.header is not None and each.header.table == table)
        return next(found, None)

    def frozen(self, record: CanonicalRecord) -> Frozen | None:
        """Return where to read whether the target's people have taken the document over."""
        return self.document(record).frozen

    def rows(self, record: CanonicalRecord, dimension: DimensionResolver) -> list[RowPlan]:
        """Return the rows of a record, in the order they are sent."""
        document = self.document(record)
        if not document.other_entities:
            check_entities(record)
        fields = scope_of(record)
        scope = Scope(fields, {}, record.currency, _null_safe(dimension))
        plans = [plan for rows in document.rows for plan in rows.rows(fields, scope)]
        _refuse_repeated(plans)
        return plans


def header_of(rows: Sequence[RowMap]) -> RowMap | None:
    """Return the first row map that makes one row of the whole record."""
    return next((each for each in rows if each.each is None), None)


def scope_of(record: CanonicalRecord) -> dict[str, Any]:
    """Return what an expression of a target map can read: the record's fields and attributes by name."""
    return {**record.fields, **{name: getattr(record, name) for name in ATTRIBUTES}}


def _null_safe(dimension: DimensionResolver) -> DimensionResolver:
    def resolve(name: str, value: Any, company: Any, on: Any) -> str | None:
        code = kinds.to_text(value) if value is not None else None
        if code is None:
            return None
        return dimension(name, code, kinds.to_text(company) or "", None if on is None else kinds.to_date(on))

    return resolve


def _key_text(column: str, value: Any) -> str:
    try:
        text = kinds.to_text(value) if value is not None else None
    except (TypeError, ValueError) as error:
        raise RecordRefused("not_mappable", f"{column} cannot identify a row: {error}.", field=column) from None
    if text is None:
        raise RecordRefused("missing_key", f"{column} is empty, but the row is identified by it.", field=column)
    return text


def _refuse_repeated(plans: Sequence[RowPlan]) -> None:
    names = [plan.name for plan in plans]
    if len(set(names)) == len(names):
        return
    name = next(each for each in names if names.count(each) > 1)
    raise RecordRefused(
        "repeated_row",
        f"Two rows of the record are both called {name}; one would overwrite the other.",
        field="line_number",
        value=name,
        suggestion="Number the lines in the source, or give `__row__` in the target map.",
    )
