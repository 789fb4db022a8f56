"""The arithmetic a document must obey before anything of it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.finance import money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from ml_connector.finance.records import CanonicalRecord

ADDED = ("net", "tax", "freight", "rounding")
TAKEN_OFF = ("discount", "withholding", "retainage")
_FOOTING = ("supplier_invoices", "customer_invoices", "purchase_orders", "purchase_requests")


def check_document(record: CanonicalRecord) -> None:
    """Refuse a document that does not foot, or a journal that does not balance, at its currency's precision.

    net + tax + freight - discount - withholding - retainage + rounding = total, and the lines add up to the line
    total (the net amount where the source names no line total). Raises RecordRefused with both sums in plain words.
    """
    if record.record_type in _FOOTING:
        _check_sign(record)
        _check_total(record)
        _check_lines(record)
    elif record.record_type == "journal_transactions":
        _check_balance(record)


def check_entities(record: CanonicalRecord) -> None:
    """Park a document with a line of another legal entity or branch than its own."""
    own = record.fields.get("entity")
    for line in record.fields.get("lines") or ():
        other = line.get("entity")
        if own is not None and other is not None and other != own:
            raise RecordParked(
                "other_entity",
                f"Line {line['line_number']} belongs to {other}, the document to {own}.",
                field="entity",
                value=other,
                suggestion="Add a rule for lines of other entities to the target map, or split the document.",
            )


def _check_sign(record: CanonicalRecord) -> None:
    sign = record.fields.get("sign")
    if sign not in (1, -1):
        raise RecordRefused("bad_value", f"The sign is {sign}; it must be 1 or -1.", field="sign", value=str(sign))


def _check_total(record: CanonicalRecord) -> None:
    fields, currency = record.fields, record.currency
    total = fields["total"]
    computed = money.total(*(fields.get(name) for name in ADDED), *_negated(fields, TAKEN_OFF))
    if money.round_money(computed, currency) != money.round_money(total, currency):
        raise _does_not_foot("total", f"{_terms(fields)} = {_amount(computed, currency)}", total, computed, currency)


def _check_lines(record: CanonicalRecord) -> None:
    fields, currency = record.fields, record.currency
    lines: Sequence[Mapping[str, Any]] | None = fields.get("lines")
    if lines is None:
        return
    name = "net" if fields.get("line_total") is None else "line_total"
    expected, computed = fields[name], money.total(*(line.get("amount") for line in lines))
    if money.round_money(computed, currency) != money.round_money(expected, currency):
        words = f"{len(lines)} lines add up to {_amount(computed, currency)}"
        raise _does_not_foot(name, words, expected, computed, currency)


def _check_balance(record: CanonicalRecord) -> None:
    lines = record.fields.get("lines") or ()
    for debit, credit in (("debit", "credit"), ("base_debit", "base_credit")):
        left, right = (money.total(*(line.get(side) for line in lines)) for side in (debit, credit))
        if left != right:
            raise RecordRefused(
                "does_not_foot",
                f"The debits add up to {left} and the credits to {right}: they differ by {abs(left - right)}.",
                field=debit,
                value=str(left),
                suggestion="Correct the journal in the source system.",
            )


def _negated(fields: Mapping[str, Any], names: Iterable[str]) -> Iterable[Decimal | None]:
    for name in names:
        amount = fields.get(name)
        yield None if amount is None else money.EXACT.minus(amount)


def _terms(fields: Mapping[str, Any]) -> str:
    words = [(" + ", name) for name in ADDED] + [(" - ", name) for name in TAKEN_OFF]
    shown = [f"{sign}{name} {fields[name]}" for sign, name in words if name == "net" or fields.get(name)]
    return "".join(shown).removeprefix(" + ")


def _amount(amount: Decimal, currency: str | None) -> str:
    return f"{money.normalise(amount, currency)} {currency or ''}".strip()


def _does_not_foot(name: str, words: str, stated: Decimal, computed: Decimal, currency: str | None) -> RecordRefused:
    label = name.replace("_", " ")
    difference = _amount(money.EXACT.subtract(stated, computed), currency)
    return RecordRefused(
        "does_not_foot",
        f"{words}, but the {label} is {_amount(stated, currency)}: they differ by {difference}.",
        field=name,
        value=str(stated),
        suggestion="Correct the document in the source system; it is read again after that.",
    )
