"""The shipped maps: sound, and the same totals whichever target they go to."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_connector.finance import money
from ml_connector.mapping import RowPlan, check_maps, search_path
from ml_connector.mapping.expressions import Expression
from ml_connector.mapping.stream_map import StreamMap
from tap_visma.streams import STREAMS

from tests.mapping.maps import anything_goes
from tests.mapping.visma import TARGETS, Invoice, servicenow, visma

LINES = st.lists(
    st.tuples(
        st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9).map(str),
        st.sampled_from([0, 12, 15, 25]),
    ),
    min_size=1,
    max_size=6,
)
INVOICES = st.builds(
    Invoice,
    lines=LINES,
    type=st.sampled_from(["Invoice", "DebitAdj", "CreditAdj", "Prepayment"]),
    inclusive=st.just(False),
    currency=st.sampled_from(["NOK", "EUR", "SEK"]),
    rate=st.sampled_from(["1", "11.735", "0.8421"]),
    discount=st.sampled_from(["0", "150.00"]),
    withholding=st.sampled_from(["0", "212.50"]),
    rounding=st.sampled_from(["0", "-0.25", "0.49"]),
    settled=st.sampled_from([None, "0"]),
)
INCLUSIVE = st.builds(Invoice, lines=LINES, mode=st.just("Gross"), inclusive=st.just(True))

HEADER = {
    "servicenow-s2p": {
        "total": "u_amount_invoiced",
        "net": "u_subtotal",
        "tax": "Tax amount",
        "shipping": "u_shipping_amount",
        "other": "u_other_charges",
        "discounts": "u_discounts",
        "currency": "u_currency",
    },
    "servicenow-apo": {
        "total": "amount_invoiced",
        "net": "subtotal",
        "tax": "tax_amount",
        "shipping": "shipping_amount",
        "other": "other_charges",
        "discounts": "discounts",
        "currency": "currency",
    },
}
LINE = {"servicenow-s2p": ("u_line_amount_invoiced", "u_tax_amount"), "servicenow-apo": ("line_amount", "supplier_tax")}


@pytest.mark.parametrize("target", TARGETS)
def test_there_is_nothing_wrong_with_them(target: str) -> None:
    findings = check_maps("tap_visma", target, search_path())
    assert [str(each) for each in findings if each.severity != "note"] == []


def test_every_native_field_is_one_visma_has() -> None:
    types = {stream.name: {**stream.types(), "_company": "string"} for stream in STREAMS}
    assert set(visma().streams) <= set(types)
    unknown = [
        f"{stream}: {path} ({expression.place})"
        for stream, maps in visma().streams.items()
        for each in maps
        for expression, row in expressions(each, types[stream])
        for path in expression.compiled.paths
        if not exists(types[stream] if path.startswith("record.") else row, path.removeprefix("record."))
    ]
    assert unknown == []


def expressions(stream_map: StreamMap, types: Any) -> Iterator[tuple[Expression, Any]]:
    """Every expression of a stream with the types of the row it reads."""
    fields = stream_map.fields
    for column in (*stream_map.key, *stream_map.header, *fields.columns):
        yield column.expression, types
    for _, expression in stream_map.variables:
        yield expression, types
    for nested in fields.rows.values():
        assert nested.each
        yield nested.each, types
        for columns in (nested.columns, *nested.objects.values()):
            yield from ((column.expression, types[nested.each.text]) for column in columns)


def exists(types: Any, path: str) -> bool:
    for name in path.split("."):
        types = types[0] if isinstance(types, list) else types
        if not isinstance(types, dict) or name not in types:
            return False
        types = types[name]
    return True


def figures(name: str, plans: list[RowPlan]) -> dict[str, Any]:
    """The document's money, whatever a target calls its columns."""
    header = next(plan.payload for plan in plans if plan.name == "header")
    line_column, tax_column = LINE[name]
    return {
        **{meaning: header[column] for meaning, column in HEADER[name].items()},
        "lines": money.total(*(plan.payload[line_column] for plan in plans if plan.name.startswith("line:"))),
        "taxes": money.total(*(plan.payload[tax_column] for plan in plans if plan.name.startswith("tax:"))),
    }


@settings(max_examples=150, deadline=None)
@given(INVOICES | INCLUSIVE)
def test_both_target_maps_carry_the_same_totals_and_lose_none(invoice: Invoice) -> None:
    record = invoice.map()
    assert abs(record.amount or 0) == abs(invoice.total())
    told = [figures(name, servicenow(name).rows(record, anything_goes)) for name in TARGETS]
    assert told[0] == told[1]
    sums = told[0]
    assert sums["total"] == invoice.total()
    assert sums["lines"] == sum((Decimal(amount) for amount, _ in invoice.lines), Decimal(0))
    assert sums["taxes"] == sums["tax"] == invoice.vat()
    assert sums["net"] + sums["tax"] + sums["shipping"] + sums["other"] - sums["discounts"] == sums["total"]


@pytest.mark.parametrize("name", TARGETS)
def test_every_row_carries_the_whole_business_key(name: str) -> None:
    companies = [Invoice([("100.00", 25)], changes={"_company": company}).map() for company in ("NO01", "SE01")]
    keys = [
        {(plan.table, *plan.key.values()) for plan in servicenow(name).rows(record, anything_goes)}
        for record in companies
    ]
    assert len(keys[0]) == len(keys[1]) == 3
    assert not keys[0] & keys[1], "two companies would overwrite each other's rows"


@pytest.mark.parametrize("name", TARGETS)
def test_a_credit_note_is_told_by_its_type(name: str) -> None:
    def invoice_type(native: str) -> Any:
        [header, *_] = servicenow(name).rows(Invoice([("100.00", 25)], type=native).map(), anything_goes)
        return header.payload["u_invoice_type" if name == "servicenow-s2p" else "invoice_type"]

    types = [invoice_type(native) for native in ("Invoice", "DebitAdj", "CreditAdj", "Prepayment")]
    assert types == [None, "credit_memo", "debit_memo", "prepayment"]


@pytest.mark.parametrize("name", TARGETS)
def test_references_are_proven_at_the_posting_date(name: str) -> None:
    asked = []

    def resolver(*question: Any) -> str:
        asked.append((question[0], question[1], question[2], str(question[3])))
        return f"proven {question[1]}"

    [header, line, *_] = servicenow(name).rows(Invoice([("100.00", 25)]).map(), resolver)
    told = {value for plan in (header, line) for value in plan.payload.values() if str(value).startswith("proven")}
    assert told == {"proven 50001", "proven 210", "proven 6300"}
    assert set(asked) == {
        ("supplier", "50001", "NO01", "2026-10-05"),
        ("cost_center", "210", "NO01", "2026-10-05"),
        ("gl_account", "6300", "NO01", "2026-10-05"),
    }
