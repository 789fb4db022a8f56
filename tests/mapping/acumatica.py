"""Acumatica's documents and ServiceNow's purchase requests as their taps send them, and the shipped maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from ml_connector.finance.checks import check_document
from ml_connector.finance.records import CanonicalRecord
from ml_connector.mapping import SourceMap, TargetMap, search_path
from ml_connector.mapping.stream_map import Skipped

CENT = Decimal("0.01")


@cache
def shipped(name: str, **variables: Any) -> SourceMap:
    """A shipped source map."""
    return SourceMap.load(name, search_path(), dict(variables))


@cache
def target(name: str) -> TargetMap:
    """A shipped target map."""
    return TargetMap.load(name, search_path())


def mapped(stream: str, record: dict[str, Any], source: str = "tap_acumatica", **variables: Any) -> CanonicalRecord:
    """Map one record and check it."""
    [found] = shipped(source, **variables).apply(stream, record)
    assert isinstance(found, CanonicalRecord), found
    check_document(found)
    return found


def left_out(stream: str, record: dict[str, Any], source: str = "tap_servicenow", **variables: Any) -> str:
    """The rule that leaves a record out."""
    [found] = shipped(source, **variables).apply(stream, record)
    assert isinstance(found, Skipped), found
    return found.rule


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


@dataclass
class Document:
    """What a bill and an order have in common: lines as (amount, tax per cent), reckoned as Acumatica does."""

    lines: list[tuple[str, int]]
    inclusive: bool = False
    discount: str = "0"
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def detail(self) -> Decimal:
        return sum((Decimal(amount) for amount, _ in self.lines), Decimal(0))

    @property
    def taxes(self) -> list[Decimal]:
        return [cents(Decimal(amount) * rate / (100 + rate if self.inclusive else 100)) for amount, rate in self.lines]

    @property
    def total(self) -> Decimal:
        return self.detail + (0 if self.inclusive else sum(self.taxes)) - Decimal(self.discount)

    def tax_details(self) -> list[dict[str, Any]]:
        return [
            {"TaxID": f"T{rate}", "TaxRate": Decimal(rate), "TaxableAmount": Decimal(amount), "TaxAmount": tax}
            for (amount, rate), tax in zip(self.lines, self.taxes, strict=True)
        ]


@dataclass
class Bill(Document):
    """A record of the stream bills."""

    type: str = "Bill"

    def record(self) -> dict[str, Any]:
        return {
            "_company": "US01",
            "id": "7483d952-ba9a-ee11-8359-0690322d016b",
            "Type": self.type,
            "ReferenceNbr": "000123",
            "Vendor": "V000001",
            "VendorRef": "A-17",
            "Status": "Open",
            "Hold": False,
            "Date": "2026-10-05",
            "DueDate": "2026-11-04",
            "PostPeriod": "102026",
            "CurrencyID": "USD",
            "BranchID": "MAIN",
            "Terms": "30D",
            "Amount": self.total.quantize(Decimal("0.0001")),
            "Balance": self.total,
            "TaxTotal": sum(self.taxes, Decimal(0)),
            "LastModifiedDateTime": "2026-10-05T10:00:00+00:00",
            "Details": [bill_line(amount) for amount, _ in self.lines],
            "TaxDetails": self.tax_details(),
            **self.changes,
        }

    def map(self, **variables: Any) -> CanonicalRecord:
        return mapped("bills", self.record(), **variables)


def bill_line(amount: str, **changes: Any) -> dict[str, Any]:
    return {
        "Account": "61000",
        "Subaccount": "ADM-000",
        "CostCode": "0100",
        "Branch": "MAIN",
        "Amount": Decimal(amount),
        "ExtendedCost": Decimal(amount),
        "Qty": Decimal(1),
        "UnitCost": Decimal(amount),
        "Description": "Office expenses",
        "TransactionDescription": "Paper",
        "POOrderType": "Normal",
        "POOrderNbr": "PO000007",
        "POLine": 2,
        **changes,
    }


@dataclass
class Order(Document):
    """A record of the stream purchase_orders."""

    def record(self) -> dict[str, Any]:
        return {
            "_company": "US01",
            "Type": "Normal",
            "OrderNbr": "PO000007",
            "VendorID": "V000001",
            "VendorRef": "PR0001/0123456789ab",
            "Status": "Open",
            "Hold": False,
            "Date": "2026-10-05",
            "PromisedOn": "2026-10-20",
            "CurrencyID": "USD",
            "Branch": "MAIN",
            "LineTotal": self.detail,
            "TaxTotal": sum(self.taxes, Decimal(0)),
            "OrderTotal": self.total,
            "Details": [
                {
                    "LineNbr": number,
                    "InventoryID": "PAPER",
                    "LineDescription": "Paper",
                    "OrderQty": Decimal(1),
                    "UOM": "EA",
                    "UnitCost": Decimal(amount),
                    "ExtendedCost": Decimal(amount),
                    "Account": "61000",
                    "Subaccount": "ADM-000",
                    "BranchID": "MAIN",
                    "Completed": False,
                    "Cancelled": False,
                }
                for number, (amount, _) in enumerate(self.lines, 1)
            ],
            **self.changes,
        }


def check(**changes: Any) -> dict[str, Any]:
    """A record of the stream checks."""
    return {
        "_company": "US01",
        "Type": "Payment",
        "ReferenceNbr": "000900",
        "Vendor": "V000001",
        "Status": "Closed",
        "Hold": False,
        "ApplicationDate": "2026-10-20",
        "CurrencyID": "USD",
        "PaymentMethod": "CHECK",
        "PaymentRef": "4711",
        "PaymentAmount": Decimal("100.00"),
        "UnappliedBalance": Decimal(0),
        "Details": [],
        "History": [{"DocType": "Bill", "ReferenceNbr": "000123", "AmountPaid": Decimal("100.00")}],
        **changes,
    }


@dataclass
class Request:
    """A record of the stream purchase_requests: lines as (quantity, unit price)."""

    lines: list[tuple[str, str]]
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        return sum((self.amount(each) for each in self.lines), Decimal(0))

    @staticmethod
    def amount(line: tuple[str, str]) -> Decimal:
        return cents(Decimal(line[0]) * Decimal(line[1]))

    def record(self) -> dict[str, Any]:
        return {
            "_company": "dev1",
            "sys_id": "ab" * 16,
            "number": "PR0001001",
            "short_description": "Paper for the office",
            "status": "approved",
            "supplier": "cd" * 16,
            "supplier_number": "V000001",
            "supplier_erp_source": "acumatica:US01",
            "cost_center_code": "ADM",
            "total_amount": self.total,
            "total_amount__currency": "USD",
            "expected_delivery_date": "2026-12-01",
            "sys_created_on": "2026-11-01T10:00:00Z",
            "sys_updated_on": "2026-11-02T10:00:00Z",
            "lines": [self.line(number, each) for number, each in enumerate(self.lines, 1)],
            **self.changes,
        }

    def line(self, number: int, line: tuple[str, str]) -> dict[str, Any]:
        return {
            "line_number": number,
            "product_name": "Paper A4",
            "product_number": "PAPER",
            "supplier_part_number": "NP-80",
            "purchased_quantity": Decimal(line[0]),
            "uom": "EA",
            "unit_price": Decimal(line[1]),
            "unit_price__currency": "USD",
            "total_line_amount": self.amount(line),
            "total_line_amount__currency": "USD",
            "cost_center_code": "SAL" if number == 1 else None,
            "ledger_account_number": "61000",
            "ledger_account_code": "61000",
        }

    def map(self, **variables: Any) -> CanonicalRecord:
        return mapped("purchase_requests", self.record(), "tap_servicenow", **variables)
