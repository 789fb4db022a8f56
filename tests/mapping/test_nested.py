"""Nested values of a target map: objects and lists in one column, with everything that is checked of a flat one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from ml_connector.errors import RecordRefused
from ml_connector.finance.records import CanonicalRecord
from ml_connector.mapping.loader import MalformedMap
from ml_connector.mapping.nested import flat
from ml_connector.mapping.target_map import TargetMap

if TYPE_CHECKING:
    from pathlib import Path

MAP = """
target: documents
via: entity
dimensions:
  item: {source: gl_accounts.number, table: Item, key: {ItemID: value}, missing: park, inactive: park}
stream_maps:
  purchase_orders:
    __echo__: {source_system: erp, record_type: purchase_orders, key: [Type, Nbr], reference: supplier_reference}
    header:
      __alias__: Order
      __key_properties__: [Ref]
      Ref: concat(number, '/', fingerprint(business_key))
      Contact: {Name: supplier_name, Address: {Country: "'NO'"}}
      Details:
        __each__: lines
        __filter__: quantity > 0
        Item: dimension('item', item, record.company, record.posting_date)
        Qty: quantity
        Where: {Site: record.entity, Amount: amount}
"""


def _load(tmp_path: Path, text: str = MAP) -> TargetMap:
    (tmp_path / "documents.yml").write_text(text)
    return TargetMap.load("documents", [tmp_path])


def _order(*lines: dict) -> CanonicalRecord:
    fields = {"number": "7", "supplier_name": "Paper AS", "entity": "MAIN", "posting_date": date(2026, 10, 1)}
    return CanonicalRecord("purchase_orders", "shop", "US01", "7", {**fields, "lines": list(lines)}, {})


def _line(number: str, quantity: int, **more: object) -> dict:
    return {"line_number": number, "quantity": Decimal(quantity), "item": f"I{number}", "amount": Decimal(5), **more}


def test_a_document_is_one_row_with_its_lines_inside(tmp_path: Path) -> None:
    record = _order(_line("1", 2), _line("2", 0), _line("30", 1))
    (row,) = _load(tmp_path).rows(record, lambda _name, code, *_: code.lower())
    assert row.payload["Contact"] == {"Name": "Paper AS", "Address": {"Country": "NO"}}
    assert row.payload["Details"] == [
        {"__row__": "1", "Item": "i1", "Qty": Decimal(2), "Where": {"Site": "MAIN", "Amount": Decimal(5)}},
        {"__row__": "30", "Item": "i30", "Qty": Decimal(1), "Where": {"Site": "MAIN", "Amount": Decimal(5)}},
    ]
    assert row.key == {"Ref": row.payload["Ref"]}
    assert row.payload["Ref"][:2] == "7/"
    assert len(row.payload["Ref"]) == 14
    assert flat(row.payload)["Details.30.Where.Amount"] == Decimal(5)
    assert not any("__row__" in name for name in flat(row.payload))


def test_the_table_use_names_what_is_inside(tmp_path: Path) -> None:
    columns = _load(tmp_path).tables["Order"].columns
    assert columns == ("Ref", "Contact.Name", "Contact.Address.Country", "Details.Item", "Details.Qty",
                       "Details.Where.Site", "Details.Where.Amount")  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Qty: quantity", "Qty: quantty", "have no such field"),
        ("__each__: lines", "__each__: rows", "have no such list"),
        ("__filter__: quantity > 0", "__owner: x\n        __owned__: 1", "does not exist here"),
        ("reference: supplier_reference", "reference: number", "no reference of ours comes back"),
        ("Site: record.entity", "Site: entity.nowhere", "have no such field"),
    ],
)
def test_a_mistake_inside_is_found_before_the_first_record(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(MalformedMap, match=said):
        _load(tmp_path, MAP.replace(old, new))


def test_what_does_not_fit_into_one_column_is_refused_inside_too(tmp_path: Path) -> None:
    text = MAP.replace("Qty: quantity", "Qty: record.source")
    with pytest.raises(RecordRefused, match="does not fit into one column"):
        _load(tmp_path, text).rows(_order(_line("1", 1)), lambda _name, code, *_: code)
