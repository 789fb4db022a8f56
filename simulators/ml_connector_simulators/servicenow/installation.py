"""How one installation differs from the delivered one, so that tests can provoke it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from ml_connector_simulators.servicenow.schema import Column, FieldMap, Schema, Table, TransformMap

if TYPE_CHECKING:
    from collections.abc import Mapping

Place = tuple[str, str]  # table, column
Api = Literal["Table API", "Import Set API", "Aggregate API", "Batch API", "APO Invoice Ingestion"]


@dataclass(frozen=True, slots=True)
class InsertMultiple:
    """One `sys_rest_insert_multiple` record: what a bulk post's keys are, and when its rows are transformed."""

    keys: Literal["label", "column_name"] = "column_name"
    synchronous: bool = False


@dataclass(frozen=True, slots=True)
class RateLimit:
    """An inbound rule of so many calls per user and clock hour; `table` narrows an Import Set rule to one."""

    per_hour: int
    api: Api = "Table API"
    table: str = ""


@dataclass
class Installation:
    """What an administrator has set up. The first block shapes the schema and counts at start only."""

    absent: frozenset[str] = frozenset()  # tables that do not exist here
    renamed: Mapping[Place, str] = field(default_factory=dict)
    max_lengths: Mapping[Place, int] = field(default_factory=dict)
    without_coalesce: frozenset[str] = frozenset()  # staging tables
    inactive_maps: frozenset[str] = frozenset()  # staging tables
    choice_actions: Mapping[Place, str] = field(default_factory=dict)  # staging column: ignore | create | reject
    insert_multiple: Mapping[str, InsertMultiple] = field(default_factory=dict)
    unaudited: frozenset[str] = frozenset()  # tables whose deletes leave no trace: attribute no_audit_delete
    without_roles: frozenset[str] = frozenset()  # taken from the integration user: `READER` makes it write-only

    # apis/servicenow.md §0.6, §2.5: what a term on a column that does not exist or may not be read does
    unknown_column: Literal["drop", "no_rows", "forbid"] = "drop"
    hidden_rows: Literal["drop", "empty"] = "drop"  # §2.3: a denied row is left out, or comes as {}
    rest_api_acls: bool = False  # §1: callers need the role rest_service
    transform_synchronously: bool = True  # §3.1: the business rule behind the single POST is active
    imports: Literal["poll", "clock", "manual"] = "poll"  # what moves an asynchronous import set on
    import_seconds: float = 30.0  # with 'clock': from loading to processed
    slow_above: int | None = None  # §0.7: a list read of more rows than this is cut off as broken JSON
    batch_item_seconds: float = 0.0  # §4: what each item costs of the 30 s a batch has
    rate_limits: list[RateLimit] = field(default_factory=lambda: [RateLimit(500, "APO Invoice Ingestion")])
    # §6.4: a second post of an invoice under the same source and external number; what is mandatory. UNCONFIRMED.
    ap_invoice_duplicates: Literal["update", "reject"] = "update"
    ap_invoice_required: tuple[str, ...] = ("external_invoice_number", "invoice_date", "currency", "subtotal")
    hibernating: bool = False

    def apply(self, delivered: Schema) -> Schema:
        """The schema of this installation."""
        tables = {name: self._table(it) for name, it in delivered.tables.items() if name not in self.absent}
        maps = (self._map(it) for it in delivered.maps if not {it.source, it.target} & self.absent)
        return Schema(tables, tuple(maps))

    def _table(self, table: Table) -> Table:
        own = tuple(self._column(table.name, column) for column in table.columns)
        return replace(table, columns=own, audited=table.audited and table.name not in self.unaudited)

    def _column(self, table: str, column: Column) -> Column:
        place = (table, column.element)
        if place not in self.renamed and place not in self.max_lengths:
            return column
        return replace(
            column,
            element=self.renamed.get(place, column.element),
            max_length=self.max_lengths.get(place, column.max_length),
        )

    def _map(self, it: TransformMap) -> TransformMap:
        fields = tuple(self._field(it, field_map) for field_map in it.fields)
        return replace(it, fields=fields, active=it.source not in self.inactive_maps)

    def _field(self, it: TransformMap, field_map: FieldMap) -> FieldMap:
        place = (it.source, field_map.source)
        return replace(
            field_map,
            source=self.renamed.get(place, field_map.source),
            target=self.renamed.get((it.target, field_map.target), field_map.target),
            coalesce=field_map.coalesce and it.source not in self.without_coalesce,
            choice_action=self.choice_actions.get(place, field_map.choice_action),
        )
