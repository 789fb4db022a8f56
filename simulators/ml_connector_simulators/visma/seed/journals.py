"""The journal: what every released document posted, and what the accountants posted by hand; every batch balances."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector_simulators.visma.seed.drafts import tax_lines, totals
from ml_connector_simulators.visma.seed.values import amount, cents, day, instant, periods

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ml_connector_simulators.visma.seed.company import Books, Row
    from ml_connector_simulators.visma.seed.drafts import Draft, DraftLine, Totals

_HEAD_OFFICE = "510"  # the cost centre of what belongs to no one's budget
_BY_HAND = (
    (
        date(2026, 10, 12),
        "Lønn / Lön",
        (("5000", "410", "412000"), ("5000", "210", "388000"), ("2600", "510", "-800000")),
    ),
    (date(2026, 10, 30), "Avskrivning / Avskrivning", (("6000", "210", "41250"), ("1250", "510", "-41250"))),
    (date(2026, 10, 30), "Periodisering / Periodisering", (("7500", "510", "18000"), ("1700", "510", "-18000"))),
)


@dataclass
class Posting:
    """One line of a batch: a debit when positive, a credit when negative."""

    account: str
    cost_centre: str
    in_currency: Decimal
    in_base: Decimal
    vat_category: str | None = None


@dataclass
class Batch:
    """One journal batch before it has a number."""

    module: str
    on: date
    at: datetime
    currency: str
    rate: Decimal
    description: str
    postings: list[Posting]
    reference: str = ""
    party: str = ""
    subledger_type: str = field(default="")


def journal(
    books: Books,
    drafts: Iterable[Draft],
    sales: Iterable[Row],
    payments: Iterable[Row],
    receipts: Iterable[Row],
    *,
    bought_late: Iterable[Draft] = (),
    sold_late: Iterable[Row] = (),
) -> Iterator[Row]:
    """Every batch of the month; numbers count per module, so that two modules share a number.

    What was bought and sold late comes after all others, so that it does not move their numbers.
    """
    numbers: dict[str, int] = {}
    batches = [_purchase(books, draft) for draft in drafts if not draft.hold]
    batches += [_sale(row) for row in sales]
    batches += [_payment(books, row) for row in payments]
    batches += [_receipt(row) for row in receipts]
    batches += [_by_hand(books, *entry) for entry in _BY_HAND]
    batches += [_purchase(books, draft) for draft in bought_late]
    batches += [_sale(row) for row in sold_late]
    for batch in batches:
        numbers[batch.module] = numbers.get(batch.module, 0) + 1
        yield _row(books, batch, f"{numbers[batch.module]:06d}")


def _purchase(books: Books, draft: Draft) -> Batch:
    taxes = tax_lines(books.company, draft)
    in_currency, in_base = totals(draft, taxes, Decimal(1)), totals(draft, taxes, draft.rate)
    sign = -1 if draft.type == "DebitAdj" else 1
    net_in_currency, net_in_base = _net(books, draft, in_currency, Decimal(1)), _net(books, draft, in_base, draft.rate)
    postings = [
        Posting(line.account, line.cost_centre, sign * in_document, sign * in_company, line.vat_category)
        for line, in_document, in_company in zip(draft.lines, net_in_currency, net_in_base, strict=True)
    ]
    for account, part, side in (
        ("2710", "vat", 1),
        ("7790", "discount", -1),
        ("2600", "withholding", -1),
        ("7795", "rounding", 1),
        ("2400", "total", -1),
    ):
        document, company = getattr(in_currency, part), getattr(in_base, part)
        postings.append(Posting(account, _HEAD_OFFICE, sign * side * document, sign * side * company))
    return Batch(
        module="AP",
        on=draft.on,
        at=draft.entered + timedelta(hours=2),
        currency=draft.currency,
        rate=draft.rate,
        description=draft.supplier["name"][:60],
        postings=postings,
        reference=draft.number,
        party=draft.supplier["number"],
        subledger_type=draft.type,
    )


def _net(books: Books, draft: Draft, sums: Totals, rate: Decimal) -> list[Decimal]:
    """What each line costs without VAT; in Gross mode the last line takes what rounding leaves."""
    if not draft.gross:
        return [cents(line.cost * rate) for line in draft.lines]
    per_cent = {category: percent for category, _, _, percent in books.company.vat_rates}

    def net(line: DraftLine) -> Decimal:
        return cents(line.cost * rate * 100 / (100 + per_cent[line.vat_category]))

    parts = [net(line) for line in draft.lines[:-1]]
    return [*parts, sums.detail - sums.vat - sum(parts, Decimal(0))]


def _sale(row: Row) -> Batch:
    sign = -1 if row["documentType"] == "CreditNote" else 1
    postings = [
        Posting(
            line["account"]["number"],
            line["subaccount"]["segments"][0]["segmentValue"],
            -sign * line["amountInCurrency"],
            -sign * line["amount"],
            line["vatCode"]["id"],
        )
        for line in row.get("invoiceLines") or row["lines"]
    ]
    postings.append(Posting("2700", _HEAD_OFFICE, -sign * row["vatTotalInCurrency"], -sign * row["vatTotal"]))
    postings.append(Posting("1500", _HEAD_OFFICE, sign * row["amountInCurrency"], sign * row["amount"]))
    return Batch(
        module="AR",
        on=date.fromisoformat(row["documentDate"][:10]),
        at=datetime.fromisoformat(row["lastModifiedDateTime"]),
        currency=row["currencyId"],
        rate=row["exchangeRate"],
        description=row["customer"]["name"],
        postings=postings,
        reference=row["referenceNumber"],
        party=row["customer"]["number"],
        subledger_type=row["documentType"],
    )


def _receipt(row: Row) -> Batch:
    in_currency, in_base = row["paymentAmountInCurrency"], row["paymentAmount"]
    return Batch(
        module="AR",
        on=date.fromisoformat(row["applicationDate"][:10]),
        at=datetime.fromisoformat(row["lastModifiedDateTime"]),
        currency=row["currency"],
        rate=in_base / in_currency,
        description=row["customer"]["name"],
        postings=[
            Posting("1920", _HEAD_OFFICE, in_currency, in_base),
            Posting("1500", _HEAD_OFFICE, -in_currency, -in_base),
        ],
        reference=row["refNbr"],
        party=row["customer"]["number"],
        subledger_type="Payment",
    )


def _payment(books: Books, row: Row) -> Batch:
    rate = books.rate(row["currency"]["id"])
    paid, in_base = row["paymentAmount"], amount(cents(row["paymentAmount"] * rate))
    return Batch(
        module="AP",
        on=date.fromisoformat(row["applicationDate"][:10]),
        at=datetime.fromisoformat(row["lastModifiedDateTime"]),
        currency=row["currency"]["id"],
        rate=rate,
        description=row["supplier"]["name"][:60],
        postings=[Posting("2400", _HEAD_OFFICE, paid, in_base), Posting("1920", _HEAD_OFFICE, -paid, -in_base)],
        reference=row["refNbr"],
        party=row["supplier"]["number"],
        subledger_type="Payment",
    )


def _by_hand(books: Books, on: date, texts: str, entries: tuple[tuple[str, str, str], ...]) -> Batch:
    description = books.text(dict(zip(("no", "sv"), texts.split(" / "), strict=True)))
    postings = [Posting(account, centre, Decimal(value), Decimal(value)) for account, centre, value in entries]
    at = datetime(on.year, on.month, on.day, 15, 30)  # noqa: DTZ001  Visma's times have no zone
    return Batch("GL", on, at, books.company.currency, Decimal(1), description, postings)


def _row(books: Books, batch: Batch, number: str) -> Row:
    lines = [_line(books, batch, index, posting) for index, posting in enumerate(_nonzero(batch), 1)]
    debit, debit_in_currency = _sum(lines, "debitAmount"), _sum(lines, "debitAmountInCurrency")
    return {
        "module": f"Module{batch.module}",
        "batchNumber": number,
        "status": "Posted",
        "hold": False,
        "transactionDate": day(batch.on),
        **periods(batch.on),
        "ledger": "1",
        "ledgerDescription": "Actual",
        "currencyId": batch.currency,
        "exchangeRate": amount(batch.rate),
        "autoReversing": False,
        "reversingEntry": False,
        "description": batch.description,
        "originalBatchNumber": "",
        "debitTotal": debit,
        "debitTotalInCurrency": debit_in_currency,
        "creditTotal": _sum(lines, "creditAmount"),
        "creditTotalInCurrency": _sum(lines, "creditAmountInCurrency"),
        "controlTotal": debit,
        "controlTotalInCurrency": debit_in_currency,
        "createVatTransaction": False,
        "skipVatAmountValidation": False,
        "lastModifiedDateTime": instant(batch.at),
        "branch": books.branch()["number"],
        "journalTransactionLines": lines,
        "attachments": [],
    }


def _nonzero(batch: Batch) -> list[Posting]:
    return [posting for posting in batch.postings if posting.in_base or posting.in_currency]


def _sum(lines: list[Row], name: str) -> Decimal:
    return amount(sum((line[name] for line in lines), Decimal(0)))


def _line(books: Books, batch: Batch, number: int, posting: Posting) -> Row:
    return {
        "lineNumber": number,
        "accountNumber": posting.account,
        "description": books.account(posting.account)["description"],
        "subaccount": books.subaccount(posting.cost_centre),
        "referenceNumber": batch.reference,
        "debitAmount": amount(max(posting.in_base, Decimal(0))),
        "debitAmountInCurrency": amount(max(posting.in_currency, Decimal(0))),
        "creditAmount": amount(max(-posting.in_base, Decimal(0))),
        "creditAmountInCurrency": amount(max(-posting.in_currency, Decimal(0))),
        "transactionDescription": batch.description,
        **({"vatCode": {"id": posting.vat_category, "description": ""}} if posting.vat_category else {}),
        "branch": books.branch()["number"],
        "customerSupplier": batch.party,
        "transactionType": batch.subledger_type,
        "module": f"Module{batch.module}",
        "quantity": amount(0),
    }
