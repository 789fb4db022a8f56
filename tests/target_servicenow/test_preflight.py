"""Before the first record: everything missing is told at once, and nothing has been written."""

from __future__ import annotations

import logging

import pytest
from ml_connector.errors import ConfigError, Forbidden
from ml_connector.mapping import TargetMap
from ml_connector.mapping.loader import search_path
from ml_connector_simulators.kit import Fault
from ml_connector_simulators.servicenow import Installation, RateLimit

from tests.target_servicenow.conftest import INVOICE, LINE, SUPPLIER


@pytest.mark.parametrize("name", ["servicenow-s2p", "servicenow-apo"])
def test_the_shipped_maps_fit_the_delivered_instance(bench, name):
    it = bench()
    it.sink.prepare(TargetMap.load(name, search_path()))
    assert it.sim.log.writes() == []


def refusal(it, name="servicenow-s2p") -> str:
    with pytest.raises(ConfigError) as refused:
        it.sink.prepare(TargetMap.load(name, search_path()))
    assert it.sim.log.writes() == []
    return str(refused.value)


def test_every_missing_table_and_column_is_named_in_one_message(bench):
    it = bench(
        Installation(
            absent=frozenset({SUPPLIER, "sn_fin_gl_account"}),
            renamed={(INVOICE, "u_erp_number"): "u_their_number", (LINE, "u_uom"): "u_measure"},
        )
    )
    message = refusal(it)
    for missing in (f"{SUPPLIER}: the instance has no such table", "sn_fin_gl_account: ", "'u_erp_number'", "'u_uom'"):
        assert missing in message
    assert "u_their_number (ERP number)" in message, "what the column is called here"
    assert "servicenow-s2p" in message


def test_a_renamed_column_is_found_by_its_label(bench):
    it = bench(Installation(renamed={(SUPPLIER, "legal_name"): "u_legal"}))
    it.sink.prepare(TargetMap.load("servicenow-s2p", search_path()))
    it.send(it.supplier("50001", "Nordic Paper AS"))
    assert it.sim.table(SUPPLIER)[0]["u_legal"] == "Nordic Paper AS"


def test_without_coalesce_every_repeat_would_be_a_double(bench):
    message = refusal(bench(Installation(without_coalesce=frozenset({SUPPLIER}))))
    assert "coalesces on nothing" in message
    assert "erp_source, supplier_number" in message


def test_a_key_that_is_coalesced_on_in_part_mixes_companies(bench):
    it = bench()
    (entry,) = (
        e
        for e in it.sim.table("sys_transform_entry", source_field="u_erp_source", coalesce="true")
        if e["map"] == it.sim.table("sys_transform_map", source_table=INVOICE)[0]["sys_id"]
    )
    it.sim.update("sys_transform_entry", entry["sys_id"], coalesce="false")
    assert (
        "coalesces on u_external_invoice_number, the map's key is u_erp_source, u_external_invoice_number"
        in refusal(it)
    )


def test_no_active_transform_map(bench):
    assert f"{SUPPLIER}: no active transform map" in refusal(bench(Installation(inactive_maps=frozenset({SUPPLIER}))))


def test_a_dictionary_that_may_not_be_read_names_the_table(bench):
    it = bench()
    it.sim.revoke("integration.user", "personalize_dictionary")
    with pytest.raises(Forbidden, match="sys_db_object"):
        it.sink.prepare(TargetMap.load("servicenow-s2p", search_path()))


def test_what_is_not_ideal_is_told_and_does_not_stop(bench, caplog):
    it = bench()
    for table in ("sys_import_set", "sys_transform_entry", INVOICE):
        it.sim.instance.store.insert(table, {})
        it.sim.restrict("read", table)
    with caplog.at_level(logging.WARNING):
        it.sink.prepare(TargetMap.load("servicenow-s2p", search_path()))
    assert "sys_import_set: outcomes cannot be read" in caplog.text
    assert f"{INVOICE}: outcomes cannot be read" in caplog.text
    assert "matched by their key cannot be checked" in caplog.text


def test_a_label_two_columns_share_is_no_key_for_insert_multiple(bench):
    it = bench(mode="insert_multiple")
    it.sim.instance.store.insert(
        "sys_dictionary",
        {
            "name": SUPPLIER,
            "element": "u_twin",
            "column_label": "Legal name",
            "internal_type": "string",
            "active": "true",
        },
    )
    assert "Legal name" in refusal(it)


def test_without_the_batch_api_rows_go_one_by_one(bench, caplog):
    it = bench(mode="auto")
    it.sim.faults.add(Fault("status", path="/batch$", status=403, times=None, body=FORBIDDEN_API))
    it.sink.prepare(TargetMap.load("servicenow-s2p", search_path()))
    assert "one by one" in caplog.text
    it.send(*(it.supplier(str(n)) for n in range(3)))
    assert len(it.sim.log.writes("/import/")) == 3
    assert it.sim.log.writes("/batch") == []


def test_mode_batch_without_the_batch_api_is_a_set_up_error(bench):
    it = bench(mode="batch")
    it.sim.faults.add(Fault("status", path="/batch$", status=403, times=None, body=FORBIDDEN_API))
    assert "mode is batch" in refusal(it)


FORBIDDEN_API = {
    "error": {"message": "User Not Authorized", "detail": "Failed API level ACL Validation"},
    "status": "failure",
}


def test_identity_is_the_instances_own_name(bench):
    it = bench()
    assert it.sink.identity().id == "mlconnectordemo"
    it.sim.set_property("instance_name", "otherinstance")
    assert it.sink.identity().id == "otherinstance"


def test_identity_falls_back_to_the_host_and_says_so(bench, caplog):
    it = bench()
    it.sim.restrict("read", "sys_properties")
    identity = it.sink.identity()
    assert identity.id == it.sim.url.removeprefix("http://")
    assert "stands for the instance's name" in caplog.text


def test_ping_tells_each_permission(bench):
    it = bench()
    assert all(check.ok for check in it.sink.ping())
    it.sim.revoke("integration.user", "personalize_dictionary")
    it.sim.revoke("integration.user", "import_transformer")
    it.sim.faults.add(Fault("status", path="/batch$", status=403, times=None, body=FORBIDDEN_API))
    checks = {check.name: check for check in it.sink.ping()}
    assert [name for name, check in checks.items() if not check.ok] == ["read sys_db_object", "read sys_dictionary"]
    assert "sys_dictionary" in checks["read sys_dictionary"].suggestion
    assert "one by one" in checks["batch calls"].detail
    assert "hidden" in checks["read sys_transform_map"].detail


def test_ping_writes_nothing(bench):
    it = bench(Installation(rate_limits=[RateLimit(per_hour=1000)]))
    list(it.sink.ping())
    assert it.sim.log.writes() == []
