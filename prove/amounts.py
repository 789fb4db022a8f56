"""Supplier invoices of any amount that an ERP could hold, drawn by Hypothesis, and what must arrive of them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from ml_connector.finance.money import precision

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

WIDE = Context(prec=60)
CURRENCIES = ("NOK", "EUR", "USD", "JPY", "ISK", "KWD", "BHD", "CLF")
"""With two decimals, none, three and four."""

DIGITS = (1, 4, 7, 9, 12, 16, 17, 19, 23, 26, 27, 27)  # of a line; four of 27 make a total of 28
IN_CURRENCY = ("", "InCurrency")  # exchange rate 1: Visma states both


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice in a currency: the amounts of its lines, and its tax, in minor units."""

    currency: str
    lines: tuple[int, ...]
    tax: int
    zeros: int  # idle decimals that the ERP writes behind an amount

    def amount(self, units: int) -> Decimal:
        """Return minor units as an amount."""
        return Decimal(units).scaleb(-precision(self.currency), WIDE)

    def text(self, units: int) -> Decimal:
        """Return the amount as the ERP writes it."""
        amount = self.amount(units)
        exponent = int(amount.as_tuple().exponent) - self.zeros
        return amount.quantize(Decimal(1).scaleb(exponent), context=WIDE)

    @property
    def net(self) -> int:
        """The sum of the lines."""
        return sum(self.lines)

    @property
    def total(self) -> int:
        """What is to be paid, in minor units."""
        return self.net + self.tax

    @property
    def digits(self) -> int:
        """How many digits the total has."""
        return len(str(abs(self.total)))


def documents() -> SearchStrategy[Document]:
    """Return invoices; as many digits as any other number of digits, so that large amounts are not rare."""
    return _of(st.sampled_from(DIGITS).flatmap(lambda digits: st.integers(-(10**digits) + 1, 10**digits - 1)))


def largest() -> SearchStrategy[Document]:
    """Return invoices whose lines have as many digits as there may be."""
    most = max(DIGITS)
    return _of(st.integers(10 ** (most - 1), 10**most - 1))


def _of(units: SearchStrategy[int]) -> SearchStrategy[Document]:
    lines = st.lists(units, min_size=1, max_size=3).map(tuple)
    return st.builds(Document, st.sampled_from(CURRENCIES), lines, units, st.integers(0, 2))


def row(model: dict[str, Any], number: str, document: Document) -> dict[str, Any]:
    """Return the invoice as Visma would hold it, like a model in all else."""
    invoice = copy.deepcopy(model)
    invoice |= dict.fromkeys(("referenceNumber", "supplierReference", "paymentRefNo", "description"), number)
    invoice |= {"currencyId": document.currency, "exchangeRate": Decimal(1), "taxCalculationMode": "Net"}
    totals = {
        "detailTotal": document.net,
        "vatTotal": document.tax,
        "vatTaxableTotal": document.net,
        "balance": document.total,
    }
    for name, units in totals.items():
        invoice |= {f"{name}{suffix}": document.text(units) for suffix in IN_CURRENCY}
    invoice["amount"], invoice["vatAmount"] = document.text(document.total), document.text(document.tax)
    (tax,) = invoice["taxDetailLines"]
    invoice["taxDetailLines"] = [
        tax | {"taxableAmount": document.text(document.net), "vatAmount": document.text(document.tax)}
    ]
    first = invoice["invoiceLines"][0]
    invoice["invoiceLines"] = [_line(first, place, document.text(units)) for place, units in enumerate(document.lines)]
    return invoice


def _line(model: dict[str, Any], place: int, amount: Decimal) -> dict[str, Any]:
    line = model | {"lineNumber": place + 1, "quantity": Decimal(1)}
    for name in ("cost", "unitCost"):
        line |= {f"{name}{suffix}": amount for suffix in IN_CURRENCY}
    return line | dict.fromkeys(("poNumber", "poLineNr", "poReceiptNbr", "poReceiptLineNbr"))


def is_model(invoice: dict[str, Any]) -> bool:
    """Say whether an invoice is plain enough to be the model of others."""
    plain = invoice["documentType"] == "Invoice" and invoice["status"] == "Open" and invoice["currencyId"] == "NOK"
    lines = invoice["invoiceLines"]
    single = len(invoice["taxDetailLines"]) == 1 and not any(line.get("poNumber") for line in lines)
    zero = ("discountTotal", "withholdingTax", "roundingDiff")
    return plain and single and not any(Decimal(invoice[name]) for name in zero)
