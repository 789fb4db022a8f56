"""Any edit of any editable field: it reads back as it was set, can be taken back, and never moves money."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_connector.delivery import edits
from ml_connector.errors import ConfigError, RecordRefused
from ml_connector.finance.records import CanonicalRecord
from ml_connector.store.text import decode, encode

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=20)
DATES = st.dates(date(1999, 1, 1), date(2100, 1, 1)).map(date.isoformat)
BY_KIND = {"text": TEXTS, "date": DATES}


def invoice() -> CanonicalRecord:
    lines = [
        {"line_number": str(n), "amount": Decimal("10.10"), "account": "4000", "entity": "10", "tax_code": "1",
         "dimensions": {"cost_center": "100", "project": None}, "description": None}
        for n in range(3)
    ]  # fmt: skip
    fields: dict[str, Any] = {
        "document_type": "invoice", "number": "1", "currency": "NOK", "supplier": "S1", "sign": Decimal(1),
        "document_date": date(2026, 10, 1), "posting_date": date(2026, 10, 1), "due_date": None,
        "total": Decimal("30.30"), "net": Decimal("30.30"), "lines": lines,
        "tax_lines": [{"line_number": "1", "tax_code": "1", "amount": Decimal(0)}],
    }  # fmt: skip
    amount, currency = Decimal("30.30"), "NOK"
    return CanonicalRecord(
        "supplier_invoices", "visma", "NO01", "Invoice/1", fields, {}, "1 Paper", amount=amount, currency=currency
    )


PATHS = {spot.path: spot.field.kind for spot in edits.spots(invoice())}


@st.composite
def settings(draw: st.DrawFn) -> dict[str, str]:
    chosen = draw(st.lists(st.sampled_from(sorted(PATHS)), min_size=1, max_size=6, unique=True))
    return {path: draw(BY_KIND[PATHS[path]]) for path in chosen}


def untouchable(record: CanonicalRecord) -> Any:
    """Return everything of a record that no edit may change."""
    kept = deepcopy(record.fields)
    for path in PATHS:
        for spot in edits.spots(record):
            if spot.path == path and path != "title":
                spot.holder[spot.name] = None
    rest = deepcopy(record.fields), record.amount, record.currency, record.source_key, record.company
    record.fields = kept
    return rest


def test_there_are_paths() -> None:
    assert {"title", "due_date", "lines[0].account", "lines[2].dimensions.cost_center"} <= PATHS.keys()
    assert not [path for path in PATHS if "amount" in path or "tax" in path or "entity" in path]


@given(settings())
def test_an_edit_reads_back_and_moves_no_money(wanted: dict[str, str]) -> None:
    before, record = invoice(), invoice()
    edit = edits.change(record, {}, wanted)
    assert record == before
    stored = decode(encode(edit))
    edits.apply(record, stored)
    now = {spot.path: spot.value for spot in edits.spots(record)}
    for path, text in wanted.items():
        shown = now[path].isoformat() if isinstance(now[path], date) else now[path]
        assert shown == text.strip()
    assert {path for path in now if now[path] != _value(before, path)} == set(edit)
    assert untouchable(record) == untouchable(before)
    edits.apply(record, stored)  # once more does nothing more
    assert {spot.path: spot.value for spot in edits.spots(record)} == now
    source = {path: None if old is None else str(old) for path, (old, _) in edit.items()}
    assert edits.change(invoice(), edit, source) == {}


def _value(record: CanonicalRecord, path: str) -> Any:
    return next(spot.value for spot in edits.spots(record) if spot.path == path)


@given(st.text(max_size=30))
def test_no_text_is_a_way_around_the_list(path: str) -> None:
    try:
        found = edits.find(invoice(), path)
    except ConfigError:
        return
    assert {spot.path for spot in found} <= PATHS.keys()


def test_an_edit_of_a_line_that_is_gone_does_not_fit() -> None:
    record = invoice()
    edit = edits.change(record, {}, {"lines[2].account": "4010"})
    del record.fields["lines"][2]
    with pytest.raises(RecordRefused) as told:
        edits.apply(record, edit)
    assert told.value.reason == edits.DOES_NOT_FIT
