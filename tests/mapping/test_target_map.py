"""Target maps: which rows, in which order, whose columns."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.finance.records import CanonicalRecord
from ml_connector.mapping import MalformedMap

from tests.mapping.maps import TARGET, anything_goes, target_map

if TYPE_CHECKING:
    from pathlib import Path


def record(**fields: Any) -> CanonicalRecord:
    lines = [
        {"line_number": "1", "amount": Decimal("60.00"), "dimensions": {"cost_center": "210"}},
        {"line_number": "2", "amount": Decimal("40.00"), "dimensions": {"cost_center": None}},
    ]
    known = {"sign": Decimal(-1), "total": Decimal("100.00"), "currency": "NOK", "posting_date": date(2026, 10, 5)}
    return CanonicalRecord(
        record_type="supplier_invoices",
        source_system="books",
        company="NO01",
        source_key="credit_note/77",
        fields=known | {"lines": lines} | fields,
        source={"native": {"word": "x"}},
        document_type="credit_note",
        currency="NOK",
    )


def test_rows_come_in_phases_with_their_owners(tmp_path: Path) -> None:
    header, first, second = target_map(tmp_path).rows(record(), anything_goes)
    assert (header.name, header.phase, header.table, header.via) == ("header", 0, "bill", "table")
    assert header.key == {"id": "books:NO01:supplier_invoices:credit_note/77"}
    assert header.payload == {**header.key, "total": Decimal("-100.00"), "currency": "NOK", "approver": "nobody"}
    assert header.owners == {
        "id": "source",
        "total": "source",
        "currency": "source",
        "approver": "create_only",
        "paid": "target",
    }
    assert [(row.name, row.phase, row.via) for row in (first, second)] == [
        ("line:1", 1, "import"),
        ("line:2", 1, "import"),
    ]
    assert first.key == {**header.key, "position": "1"}
    assert (first.payload["centre"], second.payload["centre"]) == ("210", None)


def test_the_tables_are_told_in_the_order_they_are_written(tmp_path: Path) -> None:
    tables = target_map(tmp_path).tables
    assert list(tables) == ["vendor", "bill", "bill_line"]
    assert tables["bill_line"].via == "import"
    assert tables["bill_line"].key_columns == ("id", "position")
    assert tables["bill"].columns == ("id", "total", "currency", "approver")
    assert tables["bill"].record_types == ("supplier_invoices",)


def test_a_dimension_is_asked_with_text_and_date_and_never_for_nothing(tmp_path: Path) -> None:
    asked: list[Any] = []

    def resolver(*question: Any) -> str:
        asked.append(question)
        return "CC-1"

    rows = target_map(tmp_path).rows(record(), resolver)
    assert asked == [("cost_center", "210", "NO01", date(2026, 10, 5))]
    assert [row.payload.get("centre") for row in rows] == [None, "CC-1", None]


def test_what_the_resolver_raises_goes_through(tmp_path: Path) -> None:
    def parks(*_: Any) -> str:
        raise RecordParked("dimension_missing", "210 is not there")

    with pytest.raises(RecordParked, match="210 is not there"):
        target_map(tmp_path).rows(record(), parks)


def test_a_type_no_entry_names_parks(tmp_path: Path) -> None:
    with pytest.raises(RecordParked) as parked:
        target_map(tmp_path).rows(replace(record(), document_type="prepayment"), anything_goes)
    assert (parked.value.reason, parked.value.value) == ("unmapped_type", "prepayment")
    with pytest.raises(RecordParked, match="does not map customers"):
        target_map(tmp_path).rows(replace(record(), record_type="customers"), anything_goes)


def test_document_types_may_have_their_own_entries(tmp_path: Path) -> None:
    own = (
        TARGET
        + """\
  prepayments:
    __source__: supplier_invoices
    __types__: prepayment
    header:
      __alias__: advance
      __key_properties__: [id]
      id: business_key
      total: total
"""
    )
    maps = target_map(tmp_path, own)
    [row] = maps.rows(replace(record(), document_type="prepayment"), anything_goes)
    assert (row.table, len(maps.rows(record(), anything_goes))) == ("advance", 3)
    with pytest.raises(MalformedMap, match="shares document types with supplier_invoices on line 18"):
        target_map(tmp_path, own.replace("__types__: prepayment", "__types__: [prepayment, invoice]"))


def test_a_line_of_another_entity_parks_unless_a_rule_exists(tmp_path: Path) -> None:
    lines = [{"line_number": "1", "amount": Decimal(1), "entity": "20", "dimensions": {}}]
    with pytest.raises(RecordParked, match="Line 1 belongs to 20"):
        target_map(tmp_path).rows(record(entity="10", lines=lines), anything_goes)
    ruled = TARGET.replace("    __types__:", "    __other_entities__: send\n    __types__:")
    assert len(target_map(tmp_path, ruled).rows(record(entity="10", lines=lines), anything_goes)) == 2


def test_two_rows_of_one_name_are_refused(tmp_path: Path) -> None:
    lines = [{"line_number": "1", "amount": Decimal(1)}, {"line_number": "1", "amount": Decimal(2)}]
    with pytest.raises(RecordRefused, match="line:1"):
        target_map(tmp_path).rows(record(lines=lines), anything_goes)


def test_rows_can_be_filtered(tmp_path: Path) -> None:
    text = TARGET.replace("__each__: lines", "__each__: lines\n      __filter__: amount > 50")
    assert [row.name for row in target_map(tmp_path, text).rows(record(), anything_goes)] == ["header", "line:1"]


def test_a_key_column_is_never_empty(tmp_path: Path) -> None:
    text = TARGET.replace("__key_properties__: [id]", "__key_properties__: [id, code]").replace(
        "currency: currency", "code: title"
    )
    with pytest.raises(RecordRefused, match="code is empty, but the row is identified by it"):
        target_map(tmp_path, text).rows(record(), anything_goes)


def test_a_column_holds_one_value(tmp_path: Path) -> None:
    text = TARGET.replace("currency: currency", "currency: source.native")
    with pytest.raises(RecordRefused, match="a dict does not fit into one column"):
        target_map(tmp_path, text).rows(record(), anything_goes)


def test_the_native_record_can_be_read(tmp_path: Path) -> None:
    text = TARGET.replace("currency: currency", "currency: source.native.word")
    assert target_map(tmp_path, text).rows(record(), anything_goes)[0].payload["currency"] == "x"


def test_frozen_states_tell_where_to_look(tmp_path: Path) -> None:
    frozen = """\
    __frozen_states__:
      table: live_bill
      key: {source: erp_source, external: source_key}
      column: state
      states: [approved, paid]
    __types__:"""
    maps = target_map(tmp_path, TARGET.replace("    __types__:", frozen))
    found = maps.record_types["supplier_invoices"].frozen(record())
    assert found is not None
    assert (found.table, found.column, found.states) == ("live_bill", "state", {"approved", "paid"})
    assert found.key(record()) == {"source": "books:NO01", "external": "credit_note/77"}


def test_the_version_follows_the_text_and_its_crosswalks(tmp_path: Path) -> None:
    text = TARGET.replace("currency: currency", "currency: crosswalk('c.csv', currency, posting_date)")
    (tmp_path / "c.csv").write_text("company,value,target,valid_from,valid_to,note\n*,NOK,kr,,,\n")
    first = target_map(tmp_path, text)
    assert first.rows(record(), anything_goes)[0].payload["currency"] == "kr"
    (tmp_path / "c.csv").write_text("company,value,target,valid_from,valid_to,note\nNO01,NOK,NKr,,,\n")
    second = target_map(tmp_path, text)
    assert second.rows(record(), anything_goes)[0].payload["currency"] == "NKr"
    assert first.version != second.version
