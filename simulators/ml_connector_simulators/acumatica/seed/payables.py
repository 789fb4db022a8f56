"""The month's bills and checks: ordinary ones by chance, problems and rarities by number."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_connector_simulators.acumatica.company import NOT_TAXED, TAXABLE
from ml_connector_simulators.acumatica.rules.payables import release_bill, release_check, void_check
from ml_connector_simulators.acumatica.seed.books import day_of, identity
from ml_connector_simulators.acumatica.seed.chart import COST_CENTRES, INACTIVE_ACCOUNT, INACTIVE_SUBACCOUNT, REGIONS
from ml_connector_simulators.acumatica.seed.desk import Clerk
from ml_connector_simulators.acumatica.seed.masters import trades

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from ml_connector_simulators.acumatica.seed.books import Books, Row

BILLS = 80
CHECKS = 38
PROBLEMS: Mapping[str, str] = MappingProxyType(
    {
        "inactive_subaccount": "Bill/000013",
        "inactive_account": "Bill/000021",
        "duplicate_vendor_ref": "Bill/000042",  # of Bill/000012, same vendor and amount
        "inactive_vendor": "Bill/000033",
        "vendor_reference_missing": "Bill/000029",
        "long_description": "Bill/000050",
        "project_and_cost_code": "Bill/000016",
        "voided_check": "Check/000007",
        "partly_paid": "Bill/000009",
    }
)
_TYPES = {
    5: "Credit Adj.",
    18: "Credit Adj.",
    24: "Debit Adj.",
    36: "Debit Adj.",
    58: "Debit Adj.",
    47: "Prepayment",
    70: "Prepayment",
}
_ON_HOLD = frozenset({11, 39, 67, 78})
_BALANCED = frozenset({52, 76, 79})
_BIG = {"15": 900, "60": 4000, "61": 1800, "64": 1400, "66": 2500}
_VOIDED = 7


def bills(books: Books) -> None:
    """Write the bills; the first of the receipts are billed by some of them."""
    clerk = Clerk(books, "bills")
    receipts = list(clerk.shelf.rows("PurchaseReceipt"))
    for index in range(BILLS):
        on = day_of(index, BILLS)
        row = draft(clerk.chance, books, index) | {"Date": on.isoformat(), "ReferenceNbr": f"{index + 1:06d}"}
        if index % 7 == 3 and index not in _TYPES and receipts:  # noqa: PLR2004  one in seven bills a receipt
            _of_receipt(row, receipts.pop(0))
        _twist(clerk, index + 1, row)
        bill = clerk.enter("Bill", row, on)
        if index not in _ON_HOLD | _BALANCED:
            clerk.act(release_bill, bill, on)


def draft(chance: random.Random, books: Books, index: int) -> Row:
    """What somebody types in of an ordinary bill."""
    usable = [row for row in books.rows["Vendor"] if row["Status"] == "Active"]
    vendor = usable[index * 7 % len(usable)]
    account = trades()[vendor["VendorID"]]
    return {
        "Type": _TYPES.get(index, "Bill"),
        "Vendor": vendor["VendorID"],
        "VendorRef": f"{chance.randrange(10_000, 100_000)}-{index}",
        "Description": f"{vendor['VendorName']}, October 2026",
        "Hold": index in _ON_HOLD,
        "Details": [line(chance, account, vendor["TaxZone"]) for _ in range(chance.choice((1, 1, 2, 2, 3, 4)))],
    }


def line(chance: random.Random, account: str, zone: str) -> Row:
    """One line: with a quantity, or only an amount."""
    cost = Decimal(chance.randrange(_BIG.get(account[:2], 120) * 20, _BIG.get(account[:2], 120) * 180)) / 100
    row: Row = {
        "Account": account,
        "Subaccount": f"{chance.choice(tuple(COST_CENTRES))}-{chance.choice(tuple(REGIONS))}",
    }
    row |= {"TransactionDescription": "Delivered in October", "TaxCategory": NOT_TAXED if zone == "EXEMPT" else TAXABLE}
    if chance.random() < 0.4:  # noqa: PLR2004
        return row | {"ExtendedCost": cost}
    return row | {"Qty": Decimal(chance.choice((1, 1, 2, 3, 10))), "UnitCost": cost, "UOM": "EA"}


def _of_receipt(row: Row, receipt: Row) -> None:
    row["Vendor"], row["Description"] = receipt["VendorID"], f"Receipt {receipt['ReceiptNbr']}"
    row["Details"] = [
        {"POReceiptType": "Receipt", "POReceiptNbr": receipt["ReceiptNbr"], "POReceiptLine": each["LineNbr"]}
        | {"POOrderType": each["POOrderType"], "POOrderNbr": each["POOrderNbr"], "POLine": each["POLineNbr"]}
        for each in receipt["Details"]
    ]


def _twist(clerk: Clerk, number: int, row: Row) -> None:
    """Put the problems in their places."""
    match number:
        case 13:
            row["Details"][0]["Subaccount"] = INACTIVE_SUBACCOUNT
        case 16:
            row["Details"][0] |= {"Project": "WHEXT26", "ProjectTask": "01", "CostCode": "02100"}
        case 21:
            row["Details"][0]["Account"] = INACTIVE_ACCOUNT
        case 29:
            row["VendorRef"] = None
        case 33:
            row["Vendor"] = "OLDMILLSTA"
        case 42:
            first = clerk.shelf.row("Bill", "Bill/000012") or clerk.shelf.row("Bill", "Bill/000011") or {}
            row |= {name: first[name] for name in ("Vendor", "VendorRef", "Description")}
            kept = (
                "Account",
                "Subaccount",
                "TransactionDescription",
                "TaxCategory",
                "Qty",
                "UnitCost",
                "ExtendedCost",
                "UOM",
            )
            row["Details"] = [{name: each.get(name) for name in kept} for each in first["Details"]]
        case 50:
            row["Description"] = "Repairs after the storm of 3 October: roof, gutters, and the gate in the yard. " * 6
        case 60:
            row |= {"PostPeriod": "112026"}


def checks(books: Books) -> None:
    """Pay the first bills; one check is voided, one pays only a part, one waits."""
    clerk = Clerk(books, "checks")
    payable = [row for row in clerk.shelf.rows("Bill") if row["Status"] == "Open" and row["Type"] == "Bill"]
    for number, bill in enumerate(payable[:CHECKS], 1):
        on = min(date.fromisoformat(bill["Date"]) + timedelta(days=6), date(2026, 10, 31))
        amount = bill["Balance"] / 2 if f"Bill/{bill['ReferenceNbr']}" == PROBLEMS["partly_paid"] else bill["Balance"]
        amount = amount.quantize(Decimal("0.01"))
        lines = [{"DocType": "Bill", "ReferenceNbr": bill["ReferenceNbr"], "AmountPaid": amount}]
        row = {"ReferenceNbr": f"{number:06d}", "Vendor": bill["Vendor"], "PaymentAmount": amount, "Details": lines}
        row |= {
            "PaymentRef": f"{20_000 + number}",
            "Description": f"Payment of {bill['VendorRef']}",
            "Hold": number == CHECKS,
        }
        check = clerk.enter("Check", row | {"ApplicationDate": on.isoformat()}, on)
        if number < CHECKS:
            clerk.act(release_check, check, on)
        if number == _VOIDED:
            clerk.act(void_check, check, on)
            books.rows["Check"][-1]["id"] = identity("Check", "void")
