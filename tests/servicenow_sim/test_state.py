"""State over restarts, and the edits that tests and demos make from outside."""

import sqlite3

import pytest
import requests
from ml_connector_simulators.kit import Fault

CENTER = "sn_fcms_intg_imp_cost_center"


def edit(api, kind, **arguments):
    return requests.post(f"{api.sim.url}/_sim/edit", json={"edit": kind, **arguments}, timeout=10)


def test_a_restart_keeps_rows_numbers_and_imports_under_way(start, tmp_path):
    first = start(data=tmp_path / "instance.db")
    first.masters()
    first.invoice()
    import_set = first.load_many(CENTER, [{"ERP source": "visma:NO01", "Code": "990"}])
    second = start(data=tmp_path / "instance.db")
    assert second.sim.table("sn_shop_invoice") == first.sim.table("sn_shop_invoice")
    assert len(second.list("sys_properties", "name=instance_name")) == 1
    second.sim.process_imports()
    assert second.list(CENTER, f"sys_import_set={import_set}", fields="sys_import_state") == [
        {"sys_import_state": "inserted"}
    ]
    second.invoice("Invoice/2")
    assert [row["number"] for row in second.sim.table("sn_shop_invoice")] == ["INV0001001", "INV0001002"]


def test_a_file_of_another_version_is_refused(start, tmp_path):
    start(data=tmp_path / "instance.db").sim.close()
    with sqlite3.connect(tmp_path / "instance.db") as file:
        file.execute("ALTER TABLE sn_fin_supplier DROP COLUMN registration_number")
    file.close()
    with pytest.raises(ValueError, match=r"instance\.db is of another version"):
        start(data=tmp_path / "instance.db")


def test_people_work_in_the_instance_from_outside(api):
    api.masters()
    api.invoice()
    (row,) = edit(api, "table", table="sn_shop_invoice").json()
    assert edit(api, "update", table="sn_shop_invoice", sys_id=row["sys_id"], state="paid").status_code == 200
    assert api.sim.table("sn_shop_invoice")[0]["state"] == "paid"
    edit(api, "revoke", user="integration.user", role="import_transformer")
    assert api.post(CENTER, {}).status_code == 403
    edit(api, "grant", user="integration.user", role="import_transformer")
    assert api.post(CENTER, {}).status_code == 201
    edit(api, "restrict", operation="read", table="sn_shop_invoice", column="state")
    assert "state" not in api.list("sn_shop_invoice")[0]
    edit(api, "delete", table="sn_shop_invoice", sys_id=row["sys_id"])
    assert api.sim.table("sn_shop_invoice") == []


def test_imports_and_settings_from_outside(api):
    api.load_many(CENTER, [{"ERP source": "visma:NO01", "Code": "990"}])
    assert edit(api, "process_imports").status_code == 200
    assert len(api.sim.table("cmn_cost_center")) == 1
    edit(api, "configure", hibernating=True)
    assert "hibernating" in api.reply("cmn_cost_center").text
    assert edit(api, "configure", sleeping=True).status_code == 400


def test_a_write_that_commits_late_is_there_once_the_clock_says_so(api):
    api.sim.faults.add(Fault("commit_late", path=CENTER, delay=300))
    record = {"erp_source": "visma:NO01", "code": "1"}
    with pytest.raises(requests.Timeout):
        api.session.post(f"{api.sim.url}/api/now/import/{CENTER}", json=record, timeout=0.5)
    assert api.sim.table(CENTER) == []
    api.sim.clock.advance(301)
    api.sim.settle()
    assert len(api.sim.table("cmn_cost_center")) == 1
