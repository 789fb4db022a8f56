"""Invoices and payments of customers (apis/acumatica.md §4)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_connector_simulators.acumatica.amounts import cents, money
from ml_connector_simulators.acumatica.errors import failure
from ml_connector_simulators.acumatica.rules.lines import (
    NOTHING,
    check_period,
    default,
    due,
    extended,
    number_lines,
    period,
    settle_taxes,
    total,
)
from ml_connector_simulators.acumatica.rules.payables import RELEASED, bill_locked
from ml_connector_simulators.acumatica.rules.rule import Rule

if TYPE_CHECKING:
    from ml_connector_simulators.acumatica.rules.rule import Desk
    from ml_connector_simulators.acumatica.store import Row


def complete_invoice(desk: Desk, row: Row, _old: Row | None) -> None:
    """Take what is missing from the customer and the items; add up."""
    customer = desk.store.row("Customer", row.get("Customer") or "") or {}
    default(row, Type="Invoice", Date=desk.today.isoformat(), Hold=True, LinkBranch=desk.branch, LocationID="MAIN")
    default(row, Terms=customer.get("Terms") or "NET30", LinkARAccount="11000", Project="X", Details=[], TaxDetails=[])
    default(row, DueDate=due(row["Date"], row["Terms"]), PostPeriod=period(row["Date"]), DiscountDetails=[])
    default(row, ApplicationsDefault=[], ApplicationsCreditMemo=[], BillToContact={}, ShipToContact={})
    default(row, BillingPrinted=False, BillToContactOverride=False, ShipToContactOverride=False)
    number_lines(row["Details"])
    for line in row["Details"]:
        _invoice_line(desk, row, line)
    settle_taxes(row, customer.get("TaxZone"), "Amount")
    if row.get("Status") not in RELEASED:
        row["Amount"] = row["Balance"] = total(row["Details"], "Amount") + row["TaxTotal"]
        row["Status"] = "On Hold" if row["Hold"] else "Balanced"


def _invoice_line(desk: Desk, row: Row, line: Row) -> None:
    item = desk.store.row("StockItem", line.get("InventoryID") or "") or {}
    default(line, Branch=row["LinkBranch"], UOM=item.get("SalesUOM"), UnitPrice=item.get("DefaultPrice"), Qty=1)
    default(line, Account=item.get("SalesAccount") or "40000", Subaccount=item.get("SalesSubaccount") or "SAL-000")
    default(line, TransactionDescription=item.get("Description"), TaxCategory=item.get("TaxCategory"))
    line["ExtendedPrice"] = extended(line, "Qty", "UnitPrice")
    line["DiscountAmount"] = money(line.get("DiscountAmount") or 0)
    line["Amount"] = cents(line["ExtendedPrice"] - line["DiscountAmount"])


def check_invoice(desk: Desk, row: Row, old: Row | None) -> None:
    """The posting period must be open."""
    check_period(desk, row, old, "ClosedInAR")


def release_invoice(_desk: Desk, row: Row) -> Row:
    """Release: Balanced becomes Open."""
    if row["Status"] != "Balanced":
        raise failure(f"Document status is invalid for processing: {row['Status']}.")
    return row | {"Status": "Open"}


def complete_payment(desk: Desk, row: Row, _old: Row | None) -> None:
    """What is missing; what is still available."""
    default(row, Type="Payment", ApplicationDate=desk.today.isoformat(), Hold=False, PaymentMethod="CHECK")
    default(row, CashAccount="10200", CurrencyID="USD", Branch=desk.branch, PaymentAmount=NOTHING, NoteID=row["id"])
    default(row, DocumentsToApply=[], OrdersToApply=[], ApplicationHistory=[], Charges=[], CreditCardProcessingInfo=[])
    default(
        row, CreditCardTransactionInfo=[], IsNewCard=False, SaveCard=False, IsCCPayment=False, BranchID=row["Branch"]
    )
    applied = sum((line.get("AmountPaid") or NOTHING for line in row["DocumentsToApply"]), NOTHING)
    row |= {"PaymentAmount": money(row["PaymentAmount"]), "AppliedToDocuments": money(applied)}
    row["AppliedToOrders"] = NOTHING
    if row.get("Status") not in RELEASED:
        row["AvailableBalance"] = row["PaymentAmount"] - row["AppliedToDocuments"]
        row["Status"] = "On Hold" if row["Hold"] else "Balanced"


INVOICE = Rule(
    defaults=MappingProxyType({"Type": "Invoice"}),
    derived=frozenset({"Amount", "Balance", "TaxTotal", "Status", "CreatedDateTime", "LastModifiedDateTime"}),
    derived_rows=MappingProxyType({"Details": frozenset({"Amount", "ExtendedPrice", "LastModifiedDateTime"})}),
    row_keys=MappingProxyType({"Details": "LineNbr", "TaxDetails": "TaxID"}),
    required=("Customer",),
    types=("Invoice", "Credit Memo", "Debit Memo"),
    series=lambda _row: "Invoice",
    number="ReferenceNbr",
    complete=complete_invoice,
    check=check_invoice,
    locked=bill_locked,
    actions=MappingProxyType({"releaseinvoice": release_invoice, "release": release_invoice}),
    long=frozenset({"releaseinvoice", "release"}),
)
PAYMENT = Rule(
    defaults=MappingProxyType({"Type": "Payment"}),
    derived=frozenset({"AvailableBalance", "AppliedToDocuments", "AppliedToOrders", "Status", "LastModifiedDateTime"}),
    required=("CustomerID",),
    types=("Payment", "Prepayment", "Refund"),
    series=lambda _row: "Payment",
    number="ReferenceNbr",
    complete=complete_payment,
    locked=bill_locked,
    actions=MappingProxyType({"releasepayment": release_invoice, "release": release_invoice}),
    long=frozenset({"releasepayment", "release"}),
)
