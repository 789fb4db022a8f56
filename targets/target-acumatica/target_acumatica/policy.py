"""What this target may write at all: an allow-list, and entities and actions that no setting opens.

Whatever posts to a ledger is the ERP's own business: posted entries are never written back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

ENTITIES = ("PurchaseOrder", "Vendor")

# Entities whose documents become ledger batches, or that decide what may be posted when.
POSTING = frozenset(
    {
        "JournalTransaction",
        "CashTransaction",
        "ProjectTransaction",
        "InventoryAdjustment",
        "InventoryIssue",
        "InventoryReceipt",
        "TransferOrder",
        "KitAssembly",
        "PayrollBatch",
        "PhysicalInventoryReview",
        "FinancialPeriod",
        "FinancialYear",
        "CompanyFinancialPeriod",
        "Ledger",
    }
)

# Workflow actions that may follow a write, and what the document shows once they are done. Releasing, approving,
# voiding and reversing are decisions of people.
ACTIONS: Mapping[str, bool] = {
    "RemoveHold": False,
    "ReleaseFromHold": False,
    "PutOnHold": True,
    "Hold": True,
}

# Keys of an entity, in the order of its key URL (apis/acumatica.md §4). With all of them in the body, a write can be
# forced to insert.
KEYS: Mapping[str, tuple[str, ...]] = {
    "Vendor": ("VendorID",),
    "Customer": ("CustomerID",),
    "PurchaseOrder": ("Type", "OrderNbr"),
    "Bill": ("Type", "ReferenceNbr"),
    "Check": ("Type", "ReferenceNbr"),
    "Payment": ("Type", "ReferenceNbr"),
    "Invoice": ("Type", "ReferenceNbr"),
    "SalesInvoice": ("Type", "ReferenceNbr"),
    "SalesOrder": ("OrderType", "OrderNbr"),
    "PurchaseReceipt": ("Type", "ReceiptNbr"),
    "Account": ("AccountCD",),
    "Subaccount": ("SubaccountCD",),
    "CostCode": ("CostCodeID",),
    "Project": ("ProjectID",),
    "StockItem": ("InventoryID",),
    "NonStockItem": ("InventoryID",),
    "TaxZone": ("TaxZoneID",),
}

_COMMON = frozenset({"CreatedDateTime", "LastModifiedDateTime", "LastModified", "IsTaxValid", "id", "rowNumber"})
# What the form itself computes (apis/acumatica.md §5; INFERRED from the forms).
_COMPUTED: Mapping[str, frozenset[str]] = {
    "PurchaseOrder": frozenset(
        {
            "Status",
            "OrderTotal",
            "LineTotal",
            "TaxTotal",
            "CurrencyReciprocalRate",
            "BaseCurrencyID",
            "Details.QtyOnReceipts",
            "Details.ReceivedAmount",
            "Details.OrderedQty",
        }
    ),
    "Account": frozenset({"AccountID", "CashAccount", "ChartOfAccountsOrder"}),
    "Subaccount": frozenset({"SubaccountID"}),
    "Bill": frozenset({"Status", "Balance", "TaxTotal"}),
}


def posts(entity: str) -> str | None:
    """Return why an entity is never written, None for one that does not post."""
    if entity not in POSTING:
        return None
    return (
        f"{entity}: it posts to a ledger, or decides what may be posted; this target never writes it, whatever the "
        "map or `entities` says"
    )


def not_allowed(entity: str, allowed: Collection[str]) -> str | None:
    """Return why an entity may not be written although it could be, or None."""
    if entity in allowed:
        return None
    return f"{entity} is not among the `entities` that may be written ({', '.join(sorted(allowed))})"


def bad_actions(after_create: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the actions that may not follow a write."""
    named = [(entity, action) for entity, actions in after_create.items() for action in actions]
    return [f"{entity}/{action}" for entity, action in named if action not in ACTIONS]


def is_computed(entity: str, path: str) -> bool:
    """Say whether the form computes a field, so that it cannot be written."""
    return path in _COMMON or path in _COMPUTED.get(entity, ())
