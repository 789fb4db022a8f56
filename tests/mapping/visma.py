"""Visma supplier invoices as tap-visma sends them, and the shipped maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from ml_connector.finance.checks import check_document
from ml_connector.finance.records import CanonicalRecord
from ml_connector.mapping import SourceMap, TargetMap, search_path

CENT = Decimal("0.01")
TARGETS = ("servicenow-s2p", "servicenow-apo")


@cache
def visma() -> SourceMap:
    """The shipped source map."""
    return SourceMap.load("tap_visma", search_path())


@cache
def servicenow(name: str) -> TargetMap:
    """A shipped target map."""
    return TargetMap.load(name, search_path())


@dataclass
class Invoice:
    """A supplier invoice: lines as (amount, VAT per cent); totals are reckoned as Visma does (apis/visma.md §3.1)."""

    lines: list[tuple[str, int]]
    type: str = "Invoice"
    number: str = "100001"
    mode: str = "Net"
    inclusive: bool = False
    currency: str = "NOK"
    rate: str = "1"
    discount: str = "0"
    withholding: str = "0"
    rounding: str = "0"
    settled: str | None = None  # what is still open, in document currency; None: nothing is settled
    changes: dict[str, Any] = field(default_factory=dict)

    def vat(self, rate: Decimal = Decimal(1)) -> Decimal:
        return sum((cents(self._vat(amount, per_cent) * rate) for amount, per_cent in self.lines), Decimal(0))

    def _vat(self, amount: str, per_cent: int) -> Decimal:
        base = 100 + per_cent if self.inclusive else 100
        return cents(Decimal(amount) * per_cent / base)

    def total(self, rate: Decimal = Decimal(1)) -> Decimal:
        """What is owed."""
        detail = sum((cents(Decimal(amount) * rate) for amount, _ in self.lines), Decimal(0))
        off = cents(Decimal(self.discount) * rate) + cents(Decimal(self.withholding) * rate)
        return detail + (0 if self.inclusive else self.vat(rate)) - off + cents(Decimal(self.rounding) * rate)

    def record(self) -> dict[str, Any]:
        """The native record."""
        rate = Decimal(self.rate)
        document, company = self._totals(Decimal(1)), self._totals(rate)
        amounts = {f"{name}InCurrency": value for name, value in document.items()} | company
        open_part = self.total() if self.settled is None else Decimal(self.settled)
        amounts |= {
            "amount": self.total(rate),
            "balanceInCurrency": open_part,
            "balance": self.total(rate) if self.settled is None else cents(open_part * rate),
        }
        return {
            "_company": "NO01",
            "documentType": self.type,
            "referenceNumber": self.number,
            "supplier": {"internalId": 1, "number": "50001", "name": "Nordic Paper AS"},
            "supplierReference": "A-17",
            "status": "Open",
            "hold": False,
            "date": "2026-10-05T00:00:00",
            "dueDate": "2026-11-04T00:00:00",
            "financialPeriod": "202610",
            "currencyId": self.currency,
            "exchangeRate": rate.quantize(Decimal("0.00000001")),
            "taxCalculationMode": self.mode,
            "branchNumber": {"number": "10", "name": "Nordlys Handel AS"},
            "lastModifiedDateTime": "2026-10-05T10:00:00.123",
            "invoiceLines": [line(n, amount, rate) for n, (amount, _) in enumerate(self.lines, 1)],
            "taxDetailLines": [self._tax(n, amount, vat) for n, (amount, vat) in enumerate(self.lines, 1)],
            **{name: value.quantize(Decimal("0.0001")) for name, value in amounts.items()},
            **self.changes,
        }

    def _totals(self, rate: Decimal) -> dict[str, Decimal]:
        detail = sum((cents(Decimal(amount) * rate) for amount, _ in self.lines), Decimal(0))
        discount = cents(Decimal(self.discount) * rate)
        return {
            "detailTotal": detail,
            "vatTotal": self.vat(rate),
            "vatTaxableTotal": detail - (self.vat(rate) if self.inclusive else 0) - discount,
            "vatExemptTotal": Decimal(0),
            "discountTotal": discount,
            "withholdingTax": cents(Decimal(self.withholding) * rate),
            "roundingDiff": cents(Decimal(self.rounding) * rate),
        }

    def _tax(self, record_id: int, amount: str, per_cent: int) -> dict[str, Any]:
        vat = self._vat(amount, per_cent)
        taxable = Decimal(amount) - (vat if self.inclusive else 0)
        code = {"number": f"IN{per_cent:02d}", "description": f"{per_cent} %"}
        return {"recordId": record_id, "vatId": code, "vatRate": per_cent, "taxableAmount": taxable, "vatAmount": vat}

    def map(self) -> CanonicalRecord:
        """Map it by the shipped source map and check it."""
        [record] = visma().apply("supplier_invoices", self.record())
        assert isinstance(record, CanonicalRecord)
        check_document(record)
        return record


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def line(number: int, amount: str, rate: Decimal = Decimal(1), **changes: Any) -> dict[str, Any]:
    """One line."""
    segments = [
        {"segmentId": 1, "segmentDescription": "Cost centre", "segmentValue": "210"},
        {"segmentId": 2, "segmentDescription": "Product group", "segmentValue": "00"},
    ]
    return {
        "lineNumber": number,
        "transactionDescription": f"Line {number}",
        "quantity": Decimal("1.0000"),
        "uom": "EA",
        "unitCostInCurrency": Decimal(amount),
        "costInCurrency": Decimal(amount),
        "cost": cents(Decimal(amount) * rate),
        "account": {"number": "6300"},
        "subaccount": {"subaccountNumber": "21000", "segments": segments},
        "vatCode": {"id": "1"},
        "branchNumber": {"number": "10"},
        **changes,
    }
