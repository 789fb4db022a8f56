"""A document foots at its currency's precision, or it is refused with its sums in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.finance import money
from ml_connector.finance.checks import ADDED, TAKEN_OFF, check_document, check_entities
from ml_connector.finance.documents import duplicate_key
from ml_connector.finance.records import CanonicalRecord

PARTS = (*ADDED, *TAKEN_OFF)


def document(record_type: str = "supplier_invoices", currency: str = "NOK", **fields: Any) -> CanonicalRecord:
    amounts = {
        name: Decimal(value) if isinstance(value, str) and name in {*PARTS, "total"} else value
        for name, value in fields.items()
    }
    return CanonicalRecord(
        record_type=record_type,
        source_system="visma",
        company="NO01",
        source_key="Invoice/1",
        fields={"sign": Decimal(1), "supplier": "50001", "net": Decimal(0), **amounts},
        source={},
        currency=currency,
        amount=amounts.get("total"),
    )


def lines(*amounts: str) -> list[dict[str, Any]]:
    return [{"line_number": str(number), "amount": Decimal(amount)} for number, amount in enumerate(amounts, 1)]


def test_every_part_of_the_footing_counts() -> None:
    check_document(
        document(
            net="100.00",
            tax="25.00",
            freight="10.00",
            rounding="-0.25",
            discount="5.00",
            withholding="2.00",
            retainage="1.00",
            total="126.75",
            lines=lines("60.00", "40.00"),
        )
    )


@pytest.mark.parametrize("name", PARTS)
def test_a_cent_too_much_in_any_part_is_refused(name: str) -> None:
    parts = dict.fromkeys(PARTS, Decimal("10.00")) | {name: Decimal("10.01")}
    with pytest.raises(RecordRefused) as refused:
        check_document(document(**parts, total=Decimal("10.00")))
    assert refused.value.reason == "does_not_foot"
    assert "they differ by" in refused.value.message


def test_the_refusal_tells_the_sums_in_words() -> None:
    with pytest.raises(RecordRefused) as refused:
        check_document(document(net="77240.94", tax="19310.24", discount="0.00", total="96651.18"))
    assert refused.value.message == (
        "net 77240.94 + tax 19310.24 = 96551.18 NOK, but the total is 96651.18 NOK: they differ by 100.00 NOK."
    )
    assert refused.value.field == "total"


@pytest.mark.parametrize(
    ("currency", "total", "foots"),
    [("JPY", "100.4", True), ("JPY", "100.6", False), ("KWD", "100.001", False), ("NOK", "100.001", True)],
)
def test_sums_are_compared_at_the_currencys_precision(currency: str, total: str, foots: bool) -> None:
    record = document(currency=currency, net="100", total=total)
    if foots:
        check_document(record)
    else:
        with pytest.raises(RecordRefused):
            check_document(record)


AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12)


@given(st.dictionaries(st.sampled_from(PARTS), AMOUNTS), st.lists(AMOUNTS, max_size=5), AMOUNTS, st.booleans())
def test_exactly_the_documents_that_foot_pass(
    parts: dict[str, Decimal], line_amounts: list[Decimal], off: Decimal, right: bool
) -> None:
    parts["net"] = sum(line_amounts, Decimal(0))
    true_total = sum((parts.get(name, Decimal(0)) for name in ADDED), Decimal(0)) - sum(
        (parts.get(name, Decimal(0)) for name in TAKEN_OFF), Decimal(0)
    )
    total = true_total if right else true_total + off
    record = document(**parts, total=total, lines=lines(*map(str, line_amounts)))
    if total == true_total:
        check_document(record)
    else:
        with pytest.raises(RecordRefused, match="differ by"):
            check_document(record)


@given(st.lists(AMOUNTS, max_size=6), AMOUNTS)
def test_lines_must_add_up(line_amounts: list[Decimal], stated: Decimal) -> None:
    computed = money.total(*line_amounts)
    record = document(net=stated, total=stated, lines=lines(*map(str, line_amounts)))
    if computed == stated:
        check_document(record)
    else:
        with pytest.raises(RecordRefused, match=f"{len(line_amounts)} lines add up to"):
            check_document(record)


def test_inclusive_lines_add_up_to_the_line_total() -> None:
    check_document(
        document(net="80.00", tax="20.00", total="100.00", line_total=Decimal("100.00"), lines=lines("100.00"))
    )
    with pytest.raises(RecordRefused):
        check_document(document(net="80.00", tax="20.00", total="100.00", lines=lines("100.00")))


def test_a_document_without_any_line_does_not_pass_for_one_whose_lines_are_not_known() -> None:
    check_document(document(net="80.00", total="80.00"))
    with pytest.raises(RecordRefused, match="0 lines add up to 0"):
        check_document(document(net="80.00", total="80.00", lines=[]))


@pytest.mark.parametrize("sign", [None, Decimal(0), Decimal(2), Decimal("-0.5")])
def test_a_sign_is_one_or_minus_one(sign: Decimal | None) -> None:
    with pytest.raises(RecordRefused, match="sign"):
        check_document(document(net="1.00", total="1.00", sign=sign))


def test_a_journal_balances_in_both_currencies() -> None:
    def line(**sides: str) -> dict[str, Decimal]:
        return {name: Decimal(value) for name, value in sides.items()}

    balanced = [
        line(debit="10.00", credit="0", base_debit="110.00"),
        line(debit="0", credit="10.00", base_credit="110.00"),
    ]
    check_document(document("journal_transactions", lines=balanced))
    for odd in ({"debit": Decimal("10.01")}, {"base_debit": Decimal("110.01")}):
        with pytest.raises(RecordRefused, match=r"differ by 0\.01"):
            check_document(document("journal_transactions", lines=[{**balanced[0], **odd}, balanced[1]]))


def test_masters_are_not_footed() -> None:
    check_document(document("suppliers"))


def test_a_line_of_another_entity_parks() -> None:
    ours, other = {"line_number": "1", "entity": "10"}, {"line_number": "2", "entity": "20"}
    check_entities(document(entity="10", lines=[ours, {"line_number": "3", "entity": None}]))
    check_entities(document(entity=None, lines=[ours, other]))
    with pytest.raises(RecordParked, match="Line 2 belongs to 20, the document to 10") as parked:
        check_entities(document(entity="10", lines=[ours, other]))
    assert parked.value.reason == "other_entity"


def key(number: str | None, total: str, **changes: Any) -> str | None:
    record = document(total=total, supplier_invoice_number=number, **changes)
    return duplicate_key(record)


def test_the_same_supplier_number_and_amount_is_a_suspected_duplicate() -> None:
    assert key("INV-00 17", "125.00") == key("inv0017", "125.0000") is not None


def test_anything_else_is_none() -> None:
    assert (
        len(
            {
                key("17", "125.00"),
                key("18", "125.00"),
                key("17", "125.01"),
                key("17", "-125.00"),
                key("17", "125.00", supplier="2"),
            }
        )
        == 5
    )
    assert key(None, "125.00") is key("--", "125.00") is None
    voided = document(total="125.00", supplier_invoice_number="17")
    voided.source_state = "voided"
    assert duplicate_key(voided) is None
    elsewhere = document(total="125.00", supplier_invoice_number="17")
    elsewhere.company = "SE01"
    assert duplicate_key(elsewhere) != key("17", "125.00")


@pytest.mark.parametrize(
    "record_type", ["supplier_invoices", "customer_invoices", "purchase_orders", "purchase_requests"]
)
def test_every_document_with_a_total_must_foot(record_type: str) -> None:
    check_document(document(record_type, net="100.00", total="100.00", lines=lines("60.00", "40.00")))
    with pytest.raises(RecordRefused, match=r"differ by -0\.01 NOK"):
        check_document(document(record_type, net="100.00", total="100.00", lines=lines("60.00", "40.01")))
