"""A row as the API shows it: wrapped values, and only what was asked for (apis/acumatica.md §3 Record shape)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from ml_connector_simulators.acumatica.contract import NESTED, SHAPES
from ml_connector_simulators.acumatica.errors import bad_query
from ml_connector_simulators.acumatica.times import written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ml_connector_simulators.acumatica.contract import Contract, Field
    from ml_connector_simulators.acumatica.store import Row

# Detail rows without a note of their own get another id in each session (apis/acumatica.md §3).
_WITHOUT_NOTE = frozenset(
    {
        "BillApplicationDetail",
        "BillTaxDetail",
        "CheckDetail",
        "CheckHistoryDetail",
        "CompaniesStructureDetail",
        "FinancialPeriodDetail",
        "InvoiceApplicationsDefault",
        "InvoiceTaxDetail",
        "LedgerBranches",
        "LedgerCompanies",
        "PaymentApplicationHistoryDetail",
        "PaymentDetail",
        "PurchaseOrderTaxDetail",
        "TaxZoneApplicableTaxDetail",
    }
)


@dataclass
class Tree:
    """Names by their path: `{"Details": {"InventoryID": {}}}`."""

    children: dict[str, Tree] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Iterable[str]) -> Tree:
        """The tree of `MainContact/Address,Details`."""
        tree = cls()
        for path in filter(None, (each.strip() for each in paths)):
            node = tree
            for name in path.split("/"):
                node = node.children.setdefault(name, cls())
        return tree

    def below(self, name: str) -> Tree:
        """What was named under a name."""
        return self.children.get(name, Tree())

    def __contains__(self, name: str) -> bool:
        return name in self.children

    def __bool__(self) -> bool:
        return bool(self.children)


@dataclass(frozen=True)
class View:
    """What a request wants to see."""

    contract: Contract
    zone: str
    session: str
    root: str  # the site-absolute URL of this version of the endpoint
    select: Tree = field(default_factory=Tree)
    expand: Tree = field(default_factory=Tree)
    custom: Tree = field(default_factory=Tree)

    def check(self, entity: str) -> None:
        """Refuse names the contract does not know."""
        for tree, nested in ((self.select, False), (self.expand, True)):
            self._check(entity, tree, nested_only=nested)

    def _check(self, shape: str, tree: Tree, *, nested_only: bool) -> None:
        fields = self.contract.fields(shape)
        for name, below in tree.children.items():
            known = fields.get(name)
            if name in ("files", "id", "note", "custom"):
                continue
            if known is None or (nested_only and known.type not in NESTED):
                raise bad_query(f"Could not find a property named '{name}' on type '{shape}'.")
            if below:
                self._check(known.shape, below, nested_only=nested_only)

    def record(self, entity: str, row: Row, number: int = 1) -> Row:
        """A top-level record."""
        shown = self._row(entity, row, number, (self.select, self.expand, self.custom))
        links = {"self": f"{self.root}/{entity}/{row['id']}"}
        links["files:put"] = f"{self.root}/files/{SHAPES[entity].form}/{entity}/{row['id']}/{{filename}}"
        return shown | {"_links": links}

    def _row(self, shape: str, row: Row, number: int, wanted: tuple[Tree, Tree, Tree]) -> Row:
        select, expand, custom = wanted
        shown: Row = {"id": row.get("id"), "rowNumber": number, "note": _note(row)}
        if shown["id"] is None:
            del shown["id"]
        for name, known in self.contract.fields(shape).items():
            if known.type not in NESTED:
                if not select or name in select:
                    shown[name] = wrapped(known, row.get(name), self.zone)
            elif name in expand and (not select or name in select):
                below = (select.below(name), expand.below(name), custom.below(name))
                shown[name] = self._nested(known, row, below)
        shown["custom"] = _custom(row, custom)
        if "files" in expand:
            shown["files"] = row.get("files", [])
        return shown

    def _nested(self, known: Field, row: Row, below: tuple[Tree, Tree, Tree]) -> Any:
        value = row.get(known.name)
        if known.type == "link":
            return self._row(known.shape, value or {}, 1, below)
        return [
            self._row(known.shape, {**each, "id": self.row_id(known, row, index, each)}, index, below)
            for index, each in enumerate(value or [], 1)
        ]

    def row_id(self, known: Field, parent: Row, index: int, row: Row) -> str:
        """A detail row's id: its own where it has a note, else one of this session."""
        if known.shape in _WITHOUT_NOTE or "id" not in row:
            return str(uuid5(NAMESPACE_URL, f"{self.session}/{parent.get('id')}/{known.name}/{index}"))
        return str(row["id"])


def wrapped(known: Field, value: Any, zone: str) -> Row:
    """A value as the API wraps it; nothing is `{}`."""
    if value is None:
        return {}
    return {"value": written(value, zone) if known.type == "dt" else value}


def _note(row: Mapping[str, Any]) -> Row | None:
    note = row.get("note", "")
    return None if note is None else {"value": note}


def _custom(row: Mapping[str, Any], wanted: Tree) -> Row:
    kept = row.get("custom") or {}
    shown: Row = {}
    for path in wanted.children:
        view, _, name = path.partition(".")
        if name and name in kept.get(view, {}):
            shown.setdefault(view, {})[name] = kept[view][name]
    return shown
