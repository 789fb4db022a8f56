"""Which tables are streams: by settings, by what the instance has, by the catalog."""

from __future__ import annotations

import json

import pytest
from ml_connector.errors import ConfigError
from tap_servicenow.streams import FINANCE
from tap_servicenow.tap import TapServiceNow

from tests.tap_servicenow.conftest import CENTERS, HEADERS, REQUESTS, config_of, run
from tests.tap_visma.conftest import captured


def tap(sim, catalog=None, **settings):
    return TapServiceNow(config=config_of(sim, **settings), catalog=catalog)


def catalog_of(sim, **settings):
    with captured() as out:
        tap(sim, **settings).run_discovery()
    return json.loads(out())


def test_the_finance_tables_that_are_there_are_the_default(shared):
    streams = tap(shared).streams
    names = {stream.name for stream in FINANCE}
    assert {"sn_fin_supplier", "sn_shop_invoice", "sn_shop_purchase_order", CENTERS, REQUESTS} <= set(streams)
    assert set(streams) - {REQUESTS} == {name for name in names if name in shared.instance.schema}
    tiers = [stream.tier for stream in streams.values()]
    assert tiers == sorted(tiers)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"tables": ["sys_user", CENTERS]}, {"sys_user", CENTERS, REQUESTS}),
        ({"tables": ["sn_shop_purchase_order*"]}, {"sn_shop_purchase_order", "sn_shop_purchase_order_line", REQUESTS}),
        ({"tables": ["*_cost_center", "cmn_*", CENTERS], "exclude_tables": ["*_imp_*"]}, {CENTERS, REQUESTS}),
        ({"tables": ["sys_user", CENTERS], "exclude_tables": ["sys_*", REQUESTS]}, {CENTERS}),
        ({"exclude_tables": ["*_*"]}, set()),
    ],
)
def test_tables_are_named_patterned_and_excluded(shared, settings, expected):
    assert set(tap(shared, **settings).streams) == expected


def test_finance_and_others(shared):
    streams = tap(shared, tables=["finance", "sys_user"]).streams
    assert {"sys_user", "sn_fin_supplier"} <= set(streams)


def test_a_table_that_is_not_there_is_told(shared):
    with pytest.raises(ConfigError, match=r"x_acme_thing.*`tables`"):
        tap(shared, tables=["finance", "x_acme_thing"])
    with pytest.raises(ConfigError, match=r"no table like x_acme_\*"):
        tap(shared, tables=["finance", "x_acme_*"])


def test_the_catalog_names_keys_and_the_replication_key(shared):
    catalog = {stream["stream"]: stream for stream in catalog_of(shared)["streams"]}
    supplier, journal = catalog["sn_fin_supplier"], catalog[REQUESTS]
    assert supplier["key_properties"] == ["_company", "sys_id"]
    assert supplier["replication_key"] == "sys_updated_on"
    assert journal["replication_key"] == "modified_on"
    by_crumb = {tuple(entry["breadcrumb"]): entry["metadata"] for entry in supplier["metadata"]}
    assert by_crumb["properties", "email"]["inclusion"] == "unsupported"
    assert by_crumb["properties", "sys_id"]["inclusion"] == "automatic"


def test_with_a_catalog_only_what_is_selected_is_looked_up(sim):
    catalog = catalog_of(sim)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if entry["breadcrumb"] == []:
                entry["metadata"]["selected"] = stream["stream"] == HEADERS
    sim.log.clear()
    output = run(tap(sim, catalog))
    assert set(output.schemas) == {HEADERS}
    asked = [request.query["sysparm_query"] for request in sim.log.requests(path="/api/now/table/sys_dictionary")]
    assert not any("sn_fin_supplier" in query for query in asked)


def test_a_parent_table_reads_the_rows_of_its_children(sim):
    sim.add("sn_shop_purchase_order", erp_number="1")
    sim.add("sn_shop_purchase_requisition", erp_number="2")
    records = run(tap(sim, tables=["sn_shop_order"], exclude_tables=[REQUESTS])).records["sn_shop_order"]
    assert "sn_shop_purchase_order" in {record["sys_class_name"] for record in records}


def test_a_column_of_one_installation_is_read_as_any_other(start):
    sim = start(renamed={(CENTERS, "code"): "u_code"})
    sim.add(CENTERS, u_code="110")
    records = run(tap(sim, tables=[CENTERS], exclude_tables=[REQUESTS])).records[CENTERS]
    assert [record["u_code"] for record in records] == ["110"]
