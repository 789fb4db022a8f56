"""What is refused before the first record: posting, unknown and computed fields, keys that cannot be looked up."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ml_connector.delivery.sink import State
from ml_connector.errors import ConfigError, Forbidden
from ml_connector.mapping import TargetMap, search_path
from ml_connector_simulators.acumatica import Settings
from target_acumatica.policy import ACTIONS, POSTING

from tests.target_acumatica.conftest import make, order

HEAD = "target: test\nvia: entity\nstream_maps:\n"
ORDER = """
  purchase_orders:
    __types__: [order]
    header:
      __alias__: {entity}
      __key_properties__: [{key}]
      {key}: concat(number, '/', fingerprint(business_key))
      {column}: {value}
      Details:
        __each__: lines
        {line}: quantity
"""


def mapped(folder: Path, **changes: str) -> TargetMap:
    words = {
        "entity": "PurchaseOrder",
        "key": "VendorRef",
        "column": "Description",
        "value": "title",
        "line": "OrderQty",
    }
    (folder / "own.yml").write_text(HEAD + ORDER.format(**{**words, **changes}))
    return TargetMap.load("own", [folder])


@pytest.mark.parametrize("entity", sorted(POSTING))
def test_what_posts_is_refused_whatever_the_settings_say(bench, tmp_path, entity):
    it = bench(entities=("PurchaseOrder", entity))
    with pytest.raises(ConfigError, match="never writes it"):
        it.sink.prepare(mapped(tmp_path, entity=entity))
    problem = it.sink.check(make(entity, {"BatchNbr": "1"}, {"BatchNbr": "1"}))
    assert (problem.reason, problem.state) == ("entity_not_allowed", State.PARKED)
    assert it.sim.log.requests() == []


def test_no_allowed_action_posts_approves_or_voids():
    assert not [name for name in ACTIONS if re.search("^Release(?!FromHold)|Approve|Void|Reverse|Post|Pay", name)]


def test_an_entity_that_is_not_allowed_is_told_and_parked(bench, tmp_path, caplog):
    it = bench(entities=("Vendor",))
    it.sink.prepare(mapped(tmp_path))
    assert "PurchaseOrder is not among the `entities`" in caplog.text
    problem = it.sink.check(order("REQ1"))
    assert (problem.reason, problem.state) == ("entity_not_allowed", State.PARKED)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"entity": "PurchaseOrders"}, "no such entity"),
        ({"column": "Descriptions"}, "similar: Description"),
        ({"column": "OrderTotal", "value": "total"}, "computes it"),
        ({"line": "Quantity"}, "PurchaseOrderDetail has no such field"),
        ({"line": "QtyOnReceipts"}, "computes it"),
        ({"column": "Detail", "value": "{X: title}"}, "has no Detail to write into"),
    ],
)
def test_what_the_contract_does_not_have_is_named(bench, tmp_path, changes, words):
    it = bench(entities=("PurchaseOrder", "PurchaseOrders"))
    with pytest.raises(ConfigError, match=words) as stop:
        it.sink.prepare(mapped(tmp_path, **changes))
    assert "nothing was sent" in str(stop.value)
    assert it.sim.log.writes() == []


def test_all_mistakes_are_told_at_once(bench, tmp_path):
    it = bench()
    with pytest.raises(ConfigError) as stop:
        it.sink.prepare(mapped(tmp_path, column="Nope", line="NopeEither"))
    assert str(stop.value).count("\n  - ") == 2


@pytest.mark.parametrize("version", ["22.200.001", "23.200.001", "24.200.001"])
def test_the_shipped_map_fits_each_version(bench, version):
    it = bench(config={"endpoint_version": version}, entities=("PurchaseOrder", "Vendor", "Customer"))
    it.sink.identity()
    it.sink.prepare(TargetMap.load("acumatica", search_path()))
    assert it.sim.log.writes() == []


def test_a_version_that_is_not_there_names_those_that_are(bench):
    it = bench(config={"endpoint_version": "25.200.001"})
    with pytest.raises(ConfigError, match=r"24\.200\.001"):
        it.sink.identity()


def test_an_entity_that_may_not_be_read_stops_before_anything_is_written(bench, tmp_path):
    it = bench(Settings(forbidden={"PurchaseOrder"}))
    with pytest.raises(Forbidden, match="may not be read"):
        it.sink.prepare(mapped(tmp_path))


def test_a_reference_that_cannot_be_looked_up_stops_before_anything_is_written(bench, tmp_path):
    it = bench(Settings(unoptimized={"PurchaseOrder": {"VendorRef": "Document"}}))
    with pytest.raises(ConfigError, match="cannot be looked up"):
        it.sink.prepare(mapped(tmp_path))


def test_a_branch_that_is_none_of_the_tenants_stops(bench):
    it = bench(config={"branch": "NORTH"})
    with pytest.raises(ConfigError, match="MAIN, WEST"):
        it.sink.identity()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"reference": "R" * 41}, "too_long"),
        ({"reference": " "}, "empty_key"),
        ({"reference": "REQ1 "}, "not_representable"),
        ({"Date": "yesterday"}, "not_representable"),
        ({"Hold": "maybe"}, "not_representable"),
        ({"Details": [{"__row__": "1"}, {"__row__": "1"}]}, "not_representable"),
        ({"Details": [{"__row__": "1", "OrderQty": "many"}]}, "not_representable"),
    ],
)
def test_a_document_that_would_not_arrive_as_it_is_is_refused(bench, changes, reason):
    it = bench()
    reference = changes.pop("reference", "REQ1")
    assert it.sink.check(order(reference, **changes)).reason == reason
    assert it.sim.log.writes() == []


def test_masters_are_looked_up_in_few_requests_as_texts(bench):
    it = bench()
    vendors = [(row["VendorID"],) for row in it.sim.rows("Vendor")]
    found = it.sink.lookup("Vendor", ["VendorID"], [*vendors, ("NO'SUCH",)], ["Status"])
    assert found.keys() == set(vendors)
    assert found["OLDMILLSTA",][0]["Status"] == "Inactive"
    assert (
        it.sink.lookup("Item", ["InventoryID"], [("apples",)], ["ItemStatus"])["apples",][0]["ItemStatus"] == "Active"
    )
    branches = it.sink.lookup("Branch", ["BranchID"], [("MAIN",), ("NORTH",)], ["BranchStatus"])
    assert [row["BranchStatus"] for row in branches["MAIN",]] == ["true"]
    assert len(it.sim.log.requests("/Vendor$")) == 1
    assert it.sim.log.writes() == []
    assert json.dumps(sorted(branches)) == '[["MAIN"]]'
