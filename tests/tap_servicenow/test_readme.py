"""The README's streams are the streams; the vendor's samples are read with the meaning the facts give them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ml_connector.vendors.servicenow.dictionary import Column, Table
from tap_servicenow.rows import RowReader
from tap_servicenow.shape import shape_of
from tap_servicenow.streams import FINANCE, PurchaseRequests

README = (Path(__file__).parents[2] / "taps" / "tap-servicenow" / "README.md").read_text()
SPECS = os.environ.get("SPECS_DIR")


@pytest.mark.parametrize("stream", [PurchaseRequests, *FINANCE], ids=lambda stream: stream.name)
def test_a_stream_is_told_as_it_is(stream):
    amount = f"`{stream.total}`" if stream.total else ""
    words = (stream.__doc__ or "").splitlines()[0]
    assert f"| `{stream.name}` | {amount} | {words} |" in README


def test_it_names_no_stream_more():
    part = README.split("## Streams")[1].split("Keys are")[0]
    assert part.count("\n| `") == len(FINANCE) + 1


def read(rows, **types):
    elements = {name for row in rows for name in row}
    columns = {name: Column(name, name, types.get(name, "string"), None) for name in elements}
    told = []
    shape = shape_of(Table("problem", ("problem",), (columns,)))
    reader = RowReader(shape, lambda *words: told.append(words))
    assert reader.missing(rows) == set()
    return reader.records(rows), told


@pytest.mark.skipif(not SPECS, reason="SPECS_DIR names no folder of vendors' samples")
def test_the_vendors_sample_is_read():
    rows = json.loads((Path(SPECS) / "servicenow" / "table_api.01.json").read_text())["result"]
    types = {"sys_updated_on": "glide_date_time", "active": "boolean", "priority": "integer", "opened_by": "reference"}
    (record,), told = read(rows, **types)
    assert (record["sys_updated_on"], record["active"], record["priority"]) == ("2016-01-19T04:52:04Z", False, 4)
    assert (record["opened_by"], record["parent"]) == ("glide.maint", None)
    assert told == []


def test_money_in_the_recorded_form_is_read():
    """The form of apis/servicenow.md §2.6, recorded from an instance."""
    money = {"display_value": "$509.95", "currency_display_value": "USD;509.95", "value": "509.95"}
    nothing = {"display_value": "", "currency_display_value": "", "value": ""}
    untold = {"display_value": "$1.00", "value": "1.00"}
    elsewhere = {"display_value": "1.234,50 €", "currency_display_value": "EUR;1.234,50", "value": "1334.50"}
    records, told = read([{"cost": each} for each in (money, nothing, elsewhere)], cost="price")
    assert (str(records[0]["cost"]), records[0]["cost__currency"]) == ("509.95", "USD")
    assert records[1] == {"cost": None, "cost__currency": None}
    assert records[2] == {"cost": "EUR;1.234,50", "cost__currency": "EUR"}
    assert told == [("cost", "a text that is no amount; it is kept as it came")]
    columns = {"cost": Column("cost", "Cost", "currency", None)}
    reader = RowReader(shape_of(Table("t", ("t",), (columns,))), lambda *words: None)
    assert reader.missing([{"cost": untold}]) == {"cost", "cost__currency"}
