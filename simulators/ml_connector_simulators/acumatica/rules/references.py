"""Whether what a field names exists, and may be used."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_connector_simulators.acumatica.company import (
    BRANCHES,
    CASH_ACCOUNTS,
    CURRENCIES,
    PAYMENT_METHODS,
    TERMS,
    UNITS,
    WAREHOUSES,
)
from ml_connector_simulators.acumatica.contract import SHAPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector_simulators.acumatica.rules.rule import Desk, Path
    from ml_connector_simulators.acumatica.store import Row

_RECORDS: Mapping[str, str] = MappingProxyType(
    {
        "VendorID": "Vendor",
        "Vendor": "Vendor",
        "CustomerID": "Customer",
        "Customer": "Customer",
        "InventoryID": "StockItem",
        "Account": "Account",
        "APAccount": "Account",
        "Subaccount": "Subaccount",
        "APSubaccount": "Subaccount",
        "CostCode": "CostCode",
        "Project": "Project",
        "TaxZone": "TaxZone",
        "VendorTaxZone": "TaxZone",
        "LedgerID": "Ledger",
    }
)
_LISTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Branch": tuple(BRANCHES),
        "BranchID": tuple(BRANCHES),
        "CashAccount": CASH_ACCOUNTS,
        "CurrencyID": CURRENCIES,
        "PaymentMethod": PAYMENT_METHODS,
        "Terms": tuple(TERMS),
        "UOM": UNITS,
        "WarehouseID": WAREHOUSES,
        "Warehouse": WAREHOUSES,
    }
)
_OWN = frozenset({"Vendor", "Customer", "StockItem", "Account", "Subaccount", "CostCode", "Project", "TaxZone"})
_INACTIVE = frozenset({"Inactive", "Hold", "On Hold", "Completed", "Canceled", "No Purchases"})
_SEGMENTED = 10  # the width messages pad such keys to
NO_PROJECT = "X"


def check_references(desk: Desk, entity: str, row: Row, old: Row | None) -> None:
    """Complain of every field, new or changed, that names nothing that can be used."""
    _check(desk, entity, row, old or {}, ())


def _check(desk: Desk, shape: str, row: Row, old: Row, path: Path) -> None:
    for known in SHAPES[shape].all_fields:
        value = row.get(known.name)
        if known.type == "rows":
            was = {each.get("id"): each for each in old.get(known.name) or []}
            for index, each in enumerate(value or []):
                _check(desk, known.shape, each, was.get(each.get("id"), {}), (*path, known.name, index))
        elif known.type == "str" and value and value != old.get(known.name) and not _names_itself(shape, known.name):
            _named(desk, row, known.name, value, (*path, known.name))


def _names_itself(shape: str, name: str) -> bool:
    """A key is no reference; an account's class is none of ours to check."""
    return name in SHAPES[shape].keys and shape in _OWN


def _named(desk: Desk, row: Row, name: str, value: str, path: Path) -> None:
    if name in _LISTS:
        if value.upper() not in _LISTS[name]:
            desk.complain(f"{name} '{value}' cannot be found in the system.", *path)
        return
    entity = _RECORDS.get(name)
    if entity is None or (entity == "Project" and value == NO_PROJECT):
        return
    found = desk.store.row(entity, value)
    if found is None:
        shown = value if entity in ("Account", "TaxZone", "Ledger") else value.ljust(_SEGMENTED)
        desk.complain(f"{name} '{shown}' cannot be found in the system.", *path)
    elif reason := _unusable(entity, found):
        desk.complain(f"{name} '{value}' {reason}", *path)
    else:
        row[name] = found[SHAPES[entity].keys[0]]  # as it is written there


def _unusable(entity: str, found: Row) -> str:
    if entity in ("Account", "Subaccount") and not found["Active"]:
        return "is inactive."
    status = found.get("ItemStatus") or found.get("Status")
    return f"has the status {status}." if status in _INACTIVE else ""
