"""Bills and their adjustments, and checks (apis/acumatica.md §4, §5)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import uuid4

from ml_connector_simulators.acumatica.amounts import cents, money, quantity
from ml_connector_simulators.acumatica.company import BASE_CURRENCY
from ml_connector_simulators.acumatica.errors import failure
from ml_connector_simulators.acumatica.rules.lines import (
    NOTHING,
    check_period,
    default,
    due,
    extended,
    period,
    settle_taxes,
    total,
)
from ml_connector_simulators.acumatica.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector_simulators.acumatica.rules.rule import Action, Desk
    from ml_connector_simulators.acumatica.store import Row

RELEASED = frozenset({"Open", "Closed", "Voided"})
REVERSAL = "Debit Adj."


def complete_bill(desk: Desk, row: Row, _old: Row | None) -> None:
    """Take what is missing from the vendor, the order or the receipt; add up."""
    vendor = desk.store.row("Vendor", row.get("Vendor") or "") or {}
    default(row, Type="Bill", Date=desk.today.isoformat(), Hold=True, BranchID=desk.branch, LocationID="MAIN")
    default(row, Terms=vendor.get("Terms") or "NET30", CurrencyID=vendor.get("CurrencyID") or BASE_CURRENCY)
    default(row, CashAccount=vendor.get("CashAccount"), Project="X", Details=[], TaxDetails=[], Applications=[])
    default(row, DueDate=due(row["Date"], row["Terms"]), PostPeriod=period(row["Date"]), ApprovedForPayment=False)
    for index, line in enumerate(row["Details"]):
        _bill_line(desk, row, line, index)
    zone = (row.get("custom") or {}).get("CurrentDocument", {}).get("TaxZoneID", {}).get("value")
    settle_taxes(row, zone or vendor.get("TaxZone"), "Amount")
    if row.get("Status") not in RELEASED:
        row["Amount"] = row["Balance"] = total(row["Details"], "Amount") + row["TaxTotal"]
        row["Status"] = "On Hold" if row["Hold"] else _off_hold_status(desk, row)


def _off_hold_status(desk: Desk, row: Row) -> str:
    if desk.settings.approvals and row.get("Status") in (None, "On Hold", "Pending Approval"):
        return "Pending Approval"
    return "Balanced"


def _bill_line(desk: Desk, row: Row, line: Row, index: int) -> None:
    source = _source(desk, line, index)
    item = desk.store.row("StockItem", line.get("InventoryID") or source.get("InventoryID") or "") or {}
    default(line, **{name: value for name, value in source.items() if name != "id"})
    default(line, Branch=row["BranchID"], Project=row["Project"], UOM=item.get("PurchaseUOM"))
    default(line, Account=item.get("COGSAccount"), Subaccount=item.get("COGSSubaccount"))
    default(line, TransactionDescription=line.get("Description") or item.get("Description"), NonBillable=False)
    default(line, TaxCategory=item.get("TaxCategory"), Description=line.get("TransactionDescription"))
    if not line.get("UnitCost") and line.get("ExtendedCost") is not None:  # an expense without a quantity
        line |= {
            "ExtendedCost": cents(line["ExtendedCost"]),
            "UnitCost": NOTHING,
            "Qty": quantity(line.get("Qty") or 0),
        }
    else:
        default(line, Qty=quantity(1), UnitCost=item.get("LastCost"))
        line["ExtendedCost"] = extended(line, "Qty")
    line["Amount"] = money(line["ExtendedCost"])


def _source(desk: Desk, line: Row, index: int) -> Row:
    """What a line takes from the order's or receipt's line it bills."""
    if line.get("POReceiptNbr"):
        kind, number, name = "PurchaseReceipt", f"Receipt/{line['POReceiptNbr']}", "POReceiptLine"
    elif line.get("POOrderNbr"):
        kind, number, name = "PurchaseOrder", f"{line.get('POOrderType') or 'Normal'}/{line['POOrderNbr']}", "POLine"
    else:
        return {}
    document = desk.store.row(kind, number) or {}
    lines = document.get("Details", [])
    found = next((each for each in lines if line.get(name) in (None, each["LineNbr"])), None)
    if found is None:
        desk.complain(f"The line of {number} cannot be found.", "Details", index, name)
        return {}
    names = ("InventoryID", "UOM", "UnitCost", "TaxCategory", "Project")
    got = {each: found.get(each) for each in names} | {"Qty": found.get("ReceiptQty") or found.get("OrderQty")}
    if kind == "PurchaseReceipt":
        return got | {"POOrderType": found.get("POOrderType"), "POOrderNbr": found.get("POOrderNbr")}
    return got | {"Account": found.get("Account"), "Subaccount": found.get("Subaccount"), "POOrderType": "Normal"}


def check_bill(desk: Desk, row: Row, old: Row | None) -> None:
    """Lines want an account; the period must be open; the vendor's number may have to be new."""
    check_period(desk, row, old, "ClosedInAP")
    for index, line in enumerate(row["Details"]):
        for name in ("Account", "Subaccount"):
            if not line.get(name):
                desk.complain(f"'{name}' cannot be empty.", "Details", index, name)
    if desk.settings.duplicate_refs == "refuse" and row.get("VendorRef") and _is_double(desk, row):
        desk.complain("The same vendor reference number is used in another document.", "VendorRef")


def _is_double(desk: Desk, row: Row) -> bool:
    names = ("Vendor", "VendorRef", "Type")
    return any(
        all(each.get(name) == row.get(name) for name in names) and each["ReferenceNbr"] != row.get("ReferenceNbr")
        for each in desk.store.rows("Bill")
    )


def bill_locked(row: Row) -> str | None:
    """A released document is not edited."""
    return "The document is released and cannot be changed." if row["Status"] in RELEASED else None


def release_bill(_desk: Desk, row: Row) -> Row:
    """Release: Balanced becomes Open."""
    if row["Status"] != "Balanced":
        raise failure(f"Document status is invalid for processing: {row['Status']}.")
    return row | {"Status": "Open", "Hold": False}


def _approve(_desk: Desk, row: Row) -> Row:
    if row["Status"] != "Pending Approval":
        raise failure("The Approve action is not available: the document does not wait for approval.")
    return row | {"Status": "Balanced"}


def _off_hold(desk: Desk, row: Row) -> Row:
    if row["Status"] != "On Hold":
        raise failure("The RemoveHold action is not available: the document is not on hold.")
    return row | {"Hold": False, "Status": "Pending Approval" if desk.settings.approvals else "Balanced"}


def _on_hold(_desk: Desk, row: Row) -> Row:
    if row["Status"] in RELEASED:
        raise failure("The PutOnHold action is not available: the document is released.")
    return row | {"Hold": True, "Status": "On Hold"}


def _reverse(desk: Desk, row: Row) -> Row:
    """A debit adjustment of the same lines, on hold."""
    number = f"{desk.store.next_number('Bill', 0):06d}"
    lines = [{**line, "id": str(uuid4())} for line in row["Details"]]
    desk.store.put(
        "Bill",
        row
        | {"id": str(uuid4()), "Type": REVERSAL, "ReferenceNbr": number, "Details": lines}
        | {"Hold": True, "Status": "On Hold", "Balance": row["Amount"]},
    )
    return row


def complete_check(desk: Desk, row: Row, _old: Row | None) -> None:
    """Take what is missing from the vendor; add up what is applied."""
    vendor = desk.store.row("Vendor", row.get("Vendor") or "") or {}
    default(row, Type="Payment", ApplicationDate=desk.today.isoformat(), Hold=False, Details=[], History=[])
    default(row, PaymentMethod=vendor.get("PaymentMethod"), CashAccount=vendor.get("CashAccount"))
    default(row, CurrencyID=vendor.get("CurrencyID") or BASE_CURRENCY, PaymentAmount=NOTHING)
    for line in row["Details"]:
        bill = desk.store.row("Bill", f"{line.get('DocType') or 'Bill'}/{line.get('ReferenceNbr')}") or {}
        default(line, DocType="Bill", AmountPaid=bill.get("Balance"), CashDiscountBalance=NOTHING)
        line["AmountPaid"] = money(line["AmountPaid"] or 0)
        line["Balance"] = money((bill.get("Balance") or 0) - line["AmountPaid"])
    row["PaymentAmount"] = money(row["PaymentAmount"])
    row["UnappliedBalance"] = row["PaymentAmount"] - total(row["Details"], "AmountPaid")
    if row.get("Status") not in RELEASED:
        row["Status"] = "On Hold" if row["Hold"] else "Balanced"


def check_check(desk: Desk, row: Row, _old: Row | None) -> None:
    """What is paid must exist, and not be less than what is paid of it."""
    for index, line in enumerate(row["Details"]):
        bill = desk.store.row("Bill", f"{line['DocType']}/{line.get('ReferenceNbr')}")
        if bill is None or bill["Vendor"] != row.get("Vendor"):
            text = f"Reference Nbr. '{line.get('ReferenceNbr')}' cannot be found in the system."
            desk.complain(text, "Details", index, "ReferenceNbr")
        elif line["AmountPaid"] > bill["Balance"]:
            desk.complain("The amount must not exceed the document's balance.", "Details", index, "AmountPaid")
    if row["UnappliedBalance"] < 0:
        desk.complain("The document is out of balance.", "PaymentAmount")


def _history(line: Row, bill: Row) -> Row:
    names = ("DocType", "ReferenceNbr", "AmountPaid", "Balance", "CashDiscountBalance")
    return {name: line.get(name) for name in names} | {"VendorRef": bill.get("VendorRef"), "CashDiscountTaken": NOTHING}


def release_check(desk: Desk, row: Row) -> Row:
    """Release: the bills are paid, the check is closed."""
    if row["Status"] != "Balanced":
        raise failure(f"Document status is invalid for processing: {row['Status']}.")
    history = []
    for line in row["Details"]:
        bill = desk.store.row("Bill", f"{line['DocType']}/{line['ReferenceNbr']}")
        if bill is None or bill["Status"] not in ("Open", "Balanced"):
            raise failure(f"The {line['DocType']} {line['ReferenceNbr']} cannot be paid.")
        balance = bill["Balance"] - line["AmountPaid"]
        paid = {"Balance": balance, "Status": "Open" if balance else "Closed"}
        applied = {"DocType": row["Type"], "ReferenceNbr": row["ReferenceNbr"], "AmountPaid": line["AmountPaid"]}
        application = applied | {"Balance": row["UnappliedBalance"], "Status": "Closed"}
        desk.store.put("Bill", bill | paid | {"Applications": [*bill["Applications"], application]})
        history.append(_history(line, bill))
    return row | {"Status": "Closed" if not row["UnappliedBalance"] else "Open", "Details": [], "History": history}


def void_check(desk: Desk, row: Row) -> Row:
    """Void: a voided payment of the same number, and the bills open again."""
    if row["Status"] not in ("Open", "Closed"):
        raise failure(f"Document status is invalid for processing: {row['Status']}.")
    for line in row["History"]:
        bill = desk.store.row("Bill", f"{line['DocType']}/{line['ReferenceNbr']}")
        if bill is not None:
            opened = {"Balance": bill["Balance"] + line["AmountPaid"], "Status": "Open"}
            desk.store.put("Bill", bill | opened)
    voided = {"id": str(uuid4()), "Type": "Voided Payment", "Status": "Closed", "PaymentAmount": -row["PaymentAmount"]}
    desk.store.put("Check", row | voided)
    return row | {"Status": "Voided"}


_BILL_ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        "releasebill": release_bill,
        "release": release_bill,
        "approve": _approve,
        "removehold": _off_hold,
        "releasefromhold": _off_hold,
        "putonhold": _on_hold,
        "reversebill": _reverse,
    }
)
BILL = Rule(
    defaults=MappingProxyType({"Type": "Bill"}),
    derived=frozenset({"Amount", "Balance", "TaxTotal", "Status", "Applications", "LastModifiedDateTime"}),
    derived_rows=MappingProxyType({"Details": frozenset({"Amount"})}),
    row_keys=MappingProxyType({"TaxDetails": "TaxID"}),
    required=("Vendor",),
    types=("Bill", "Credit Adj.", "Debit Adj.", "Prepayment"),
    series=lambda _row: "Bill",
    number="ReferenceNbr",
    complete=complete_bill,
    check=check_bill,
    locked=bill_locked,
    actions=_BILL_ACTIONS,
    long=frozenset({"releasebill", "release"}),
)
CHECK = Rule(
    defaults=MappingProxyType({"Type": "Payment"}),
    derived=frozenset({"UnappliedBalance", "Status", "History", "LastModifiedDateTime"}),
    derived_rows=MappingProxyType({"Details": frozenset({"Balance", "CashDiscountBalance"})}),
    required=("Vendor", "PaymentMethod", "CashAccount"),
    types=("Payment", "Prepayment", "Refund", "Voided Payment"),
    series=lambda _row: "Check",
    number="ReferenceNbr",
    complete=complete_check,
    check=check_check,
    locked=bill_locked,
    actions=MappingProxyType({"releasecheck": release_check, "release": release_check, "voidcheck": void_check}),
    long=frozenset({"releasecheck", "release", "voidcheck"}),
)
