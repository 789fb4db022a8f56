"""Purchase orders and receipts (apis/acumatica.md §4, §5)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.acumatica.amounts import cents, money, quantity
from ml_connector_simulators.acumatica.company import BASE_CURRENCY, RATES
from ml_connector_simulators.acumatica.errors import failure
from ml_connector_simulators.acumatica.rules.lines import (
    NOTHING,
    check_period,
    default,
    extended,
    number_lines,
    period,
    settle_taxes,
    total,
)
from ml_connector_simulators.acumatica.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector_simulators.acumatica.rules.rule import Action, Desk
    from ml_connector_simulators.acumatica.store import Row

_PENDING = "Pending Approval"
_DONE = frozenset({"Completed", "Closed", "Canceled"})
ORDER_TYPE = "Normal"


def complete_order(desk: Desk, row: Row, _old: Row | None) -> None:
    """Take what is missing from the vendor and the items; add up."""
    vendor = desk.store.row("Vendor", row.get("VendorID") or "") or {}
    today = desk.today.isoformat()
    default(row, Type=ORDER_TYPE, Date=today, PromisedOn=row.get("Date") or today, Hold=True, Branch=desk.branch)
    default(row, Location="MAIN", Terms=vendor.get("Terms"), VendorTaxZone=vendor.get("TaxZone"), Project="X")
    default(row, CurrencyID=vendor.get("CurrencyID") or BASE_CURRENCY, Details=[], TaxDetails=[], Owner=None)
    currency_info(row)
    number_lines(row["Details"])
    for line in row["Details"]:
        _order_line(desk, row, line)
    row["LineTotal"] = total([line for line in row["Details"] if not line["Cancelled"]], "ExtendedCost")
    settle_taxes(row, row["VendorTaxZone"], "ExtendedCost")
    row["OrderTotal"] = row["LineTotal"] + row["TaxTotal"]
    default(row, ControlTotal=row["OrderTotal"])
    row["Status"] = _order_status(desk, row)


def currency_info(row: Row) -> None:
    """The rate of a document's currency."""
    rate = RATES.get(row["CurrencyID"], RATES["EUR"])
    default(row, BaseCurrencyID=BASE_CURRENCY, CurrencyRateTypeID="SPOT", CurrencyEffectiveDate=row["Date"])
    default(row, CurrencyRate=rate.quantize(RATES["EUR"] / 10**6), CurrencyReciprocalRate=(1 / rate))
    for name in ("CurrencyRate", "CurrencyReciprocalRate"):
        row[name] = row[name].quantize(RATES["EUR"] / 10**6)


def _order_line(desk: Desk, row: Row, line: Row) -> None:
    item = desk.store.row("StockItem", line.get("InventoryID") or "") or {}
    default(line, BranchID=row["Branch"], LineType="Goods for IN" if item else "Service", Project=row["Project"])
    default(line, LineDescription=line.get("Description") or item.get("Description"), UOM=item.get("PurchaseUOM"))
    default(line, UnitCost=item.get("LastCost"), WarehouseID=item.get("DefaultWarehouseID"))
    default(line, Account=item.get("POAccrualAccount"), Subaccount=item.get("POAccrualSubaccount"))
    default(line, TaxCategory=item.get("TaxCategory"), Requested=row["Date"], Promised=row["PromisedOn"])
    default(line, Cancelled=False, Completed=False, QtyOnReceipts=quantity(0), ReceivedAmount=NOTHING)
    line["ExtendedCost"] = extended(line, "OrderQty")
    line |= {"OrderedQty": line["OrderQty"], "OrderType": row["Type"], "OrderNbr": row.get("OrderNbr")}
    line["Description"] = line.get("LineDescription")


def _order_status(desk: Desk, row: Row) -> str:
    known = row.get("Status")
    if known in _DONE:
        return str(known)
    if row["Hold"]:
        return "On Hold"
    if known in (None, "On Hold"):
        return _PENDING if desk.settings.approvals else "Open"
    return str(known)


def check_order(desk: Desk, row: Row, _old: Row | None) -> None:
    """Lines want an item or a description, and a quantity that is not below nothing."""
    for index, line in enumerate(row["Details"]):
        if line["OrderQty"] < 0:
            desk.complain("The quantity must not be below zero.", "Details", index, "OrderQty")
        if not line.get("InventoryID") and not line.get("LineDescription"):
            desk.complain("'Inventory ID' cannot be empty.", "Details", index, "InventoryID")


def order_locked(row: Row) -> str | None:
    """A finished order is not edited."""
    return (
        f"The purchase order has the status {row['Status']} and cannot be changed." if row["Status"] in _DONE else None
    )


def _become(status: str, *, wanted: tuple[str, ...], **fields: Any) -> Action:
    """A workflow action: from some statuses to another."""

    def act(_desk: Desk, row: Row) -> Row:
        if row["Status"] not in wanted:
            raise failure(f"The action is not available: the document has the status {row['Status']}.")
        return row | {"Status": status, **fields}

    return act


def _off_hold(desk: Desk, row: Row) -> Row:
    if not row["Hold"]:
        raise failure("The RemoveHold action is not available: the document is not on hold.")
    return row | {"Hold": False, "Status": _PENDING if desk.settings.approvals else "Open"}


_OPEN = ("Open", _PENDING, "Pending Printing", "Pending Email")
ORDER_ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        "removehold": _off_hold,
        "releasefromhold": _off_hold,
        "putonhold": _become("On Hold", wanted=_OPEN, Hold=True),
        "approve": _become("Open", wanted=(_PENDING,)),
        "reject": _become("Rejected", wanted=(_PENDING,)),
        "cancel": _become("Canceled", wanted=(*_OPEN, "On Hold")),
        "cancelorder": _become("Canceled", wanted=(*_OPEN, "On Hold")),
        "complete": _become("Completed", wanted=_OPEN),
    }
)


def complete_receipt(desk: Desk, row: Row, _old: Row | None) -> None:
    """Take the order's lines; add up."""
    vendor = desk.store.row("Vendor", row.get("VendorID") or "") or {}
    today = desk.today.isoformat()
    default(row, Type="Receipt", Date=today, Hold=True, Branch=desk.branch, Location="MAIN", Details=[])
    default(row, CurrencyID=vendor.get("CurrencyID") or BASE_CURRENCY, CreateBill=False, BillDate=row["Date"])
    default(row, PostPeriod=period(row["Date"]), Warehouse="MAIN", ProcessReturnWithOriginalCost=False)
    currency_info(row)
    row["Details"] = [line for at, each in enumerate(row["Details"]) for line in _ordered(desk, each, at)]
    number_lines(row["Details"])
    for line in row["Details"]:
        _receipt_line(row, line)
    row["TotalQty"] = total(row["Details"], "ReceiptQty") + quantity(0)
    row["TotalCost"] = total(row["Details"], "ExtendedCost")
    default(row, ControlQty=row["TotalQty"], UnbilledQuantity=row["TotalQty"])
    row["Status"] = row["Status"] if row.get("Status") == "Released" else "On Hold" if row["Hold"] else "Balanced"


def _ordered(desk: Desk, line: Row, index: int) -> list[Row]:
    """A line that names an order but none of its lines stands for all of them."""
    if not line.get("POOrderNbr") or line.get("InventoryID"):
        return [line]
    kind = line.get("POOrderType") or ORDER_TYPE
    order = desk.store.row("PurchaseOrder", f"{kind}/{line['POOrderNbr']}")
    wanted = line.get("POLineNbr")
    found = [each for each in (order or {}).get("Details", []) if wanted in (None, each["LineNbr"])]
    if not found:
        desk.complain(f"The line of {kind} {line['POOrderNbr']} cannot be found.", "Details", index, "POOrderNbr")
        return [line]
    names = ("InventoryID", "UOM", "UnitCost", "Account", "Subaccount", "Subitem", "LineType")
    return [
        {name: each.get(name) for name in names}
        | {"OrderedQty": each["OrderQty"], "ReceiptQty": each["OrderQty"], "Warehouse": each.get("WarehouseID")}
        | {"Description": each.get("LineDescription"), "POOrderType": kind, "POLineNbr": each["LineNbr"]}
        | line
        for each in found
    ]


def _receipt_line(row: Row, line: Row) -> None:
    default(line, Branch=row["Branch"], Warehouse=row["Warehouse"], Location="MAIN", LineType="Goods for IN")
    default(line, TransactionDescription=line.get("Description"), EditableUnitCost=True, POReceiptNbr=None)
    line["ExtendedCost"] = extended(line, "ReceiptQty")
    line["OpenQty"] = quantity(line.get("OrderedQty") or 0) - line["ReceiptQty"]
    cost = cents(line["ExtendedCost"] * row["CurrencyRate"])
    line |= {"EstimatedINExtendedCost": cost, "FinalINExtendedCost": money(cost)}


def check_receipt(desk: Desk, row: Row, old: Row | None) -> None:
    """The posting period must be open."""
    check_period(desk, row, old, "ClosedInIN")


def receipt_locked(row: Row) -> str | None:
    """A released receipt is not edited."""
    return "The purchase receipt is released and cannot be changed." if row["Status"] == "Released" else None


def release_receipt(desk: Desk, row: Row) -> Row:
    """Release: the orders' lines have received."""
    if row["Status"] != "Balanced":
        raise failure(f"The purchase receipt has the status {row['Status']} and cannot be released.")
    for line in row["Details"]:
        order = desk.store.row("PurchaseOrder", f"{line.get('POOrderType')}/{line.get('POOrderNbr')}")
        if order is not None:
            desk.store.put("PurchaseOrder", _received(order, line))
    return row | {"Status": "Released", "InventoryRefNbr": row["ReceiptNbr"]}


def _received(order: Row, receipt: Row) -> Row:
    lines = [dict(line) for line in order["Details"]]
    for line in lines:
        if line["LineNbr"] == receipt.get("POLineNbr"):
            line["QtyOnReceipts"] += receipt["ReceiptQty"]
            line["ReceivedAmount"] += receipt["ExtendedCost"]
            line["Completed"] = line["QtyOnReceipts"] >= line["OrderQty"]
    done = all(line["Completed"] for line in lines)
    return order | {"Details": lines, "Status": "Completed" if done else order["Status"]}


PURCHASE_ORDER = Rule(
    defaults=MappingProxyType({"Type": ORDER_TYPE}),
    derived=frozenset(
        {
            "OrderTotal",
            "LineTotal",
            "TaxTotal",
            "Status",
            "BaseCurrencyID",
            "CurrencyReciprocalRate",
            "LastModifiedDateTime",
        }
    ),
    derived_rows=MappingProxyType(
        {
            "Details": frozenset(
                {"ExtendedCost", "OrderedQty", "QtyOnReceipts", "ReceivedAmount", "OrderType", "OrderNbr"}
            )
        }
    ),
    row_keys=MappingProxyType({"Details": "LineNbr", "TaxDetails": "TaxID"}),
    required=("VendorID",),
    types=("Normal", "Drop-Ship", "Blanket", "Standard"),
    series=lambda _row: "PurchaseOrder",
    number="OrderNbr",
    template="PO{:06d}",
    complete=complete_order,
    check=check_order,
    locked=order_locked,
    actions=ORDER_ACTIONS,
)
PURCHASE_RECEIPT = Rule(
    defaults=MappingProxyType({"Type": "Receipt"}),
    derived=frozenset({"TotalCost", "TotalQty", "Status", "InventoryRefNbr", "LastModifiedDateTime"}),
    derived_rows=MappingProxyType({"Details": frozenset({"ExtendedCost", "OpenQty"})}),
    row_keys=MappingProxyType({"Details": "LineNbr"}),
    required=("VendorID",),
    types=("Receipt", "Return", "Transfer Receipt"),
    series=lambda _row: "PurchaseReceipt",
    number="ReceiptNbr",
    complete=complete_receipt,
    check=check_receipt,
    locked=receipt_locked,
    actions=MappingProxyType({"releasepurchasereceipt": release_receipt, "release": release_receipt}),
    long=frozenset({"releasepurchasereceipt", "release"}),
)
