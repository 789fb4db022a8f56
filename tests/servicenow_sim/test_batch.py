"""Batch calls: order, limits, what counts as a write."""

import base64
import json

import pytest
import requests
from ml_connector_simulators.kit import Fault
from ml_connector_simulators.servicenow import Installation

CENTER = "sn_fcms_intg_imp_cost_center"
IMPORT = f"/api/now/import/{CENTER}"


def post(code, **columns):
    return ("POST", IMPORT, {"erp_source": "visma:NO01", "code": code, **columns})


def body(item):
    return json.loads(base64.b64decode(item["body"]))


def test_items_run_in_order_and_each_has_its_answer(api):
    query = "/api/now/table/cmn_cost_center?sysparm_query=code%3D110&sysparm_fields=name"
    calls = (post("110", name="a"), ("GET", query, None), post("110", name="b"), ("GET", query, None))
    answer = api.batch(*calls, ("GET", "/api/now/table/u_nowhere", None))
    assert answer["batch_request_id"] == "1"
    assert answer["unserviced_requests"] == []
    items = answer["serviced_requests"]
    assert [(it["id"], it["status_code"], it["status_text"]) for it in items] == [
        ("0", 201, "Created"),
        ("1", 200, "OK"),
        ("2", 201, "Created"),
        ("3", 200, "OK"),
        ("4", 400, "Bad Request"),
    ]
    assert body(items[0])["result"][0]["status"] == "inserted"
    assert [body(items[it])["result"] for it in (1, 3)] == [[{"name": "a"}], [{"name": "b"}]]
    assert {"name": "X-Total-Count", "value": "1"} in items[1]["headers"]


def test_response_headers_can_be_left_out(api):
    answer = api.batch(post("110"), exclude_response_headers=True)
    assert answer["serviced_requests"][0]["headers"] == []


def test_what_the_time_does_not_allow_is_unserviced(start):
    api = start(Installation(batch_item_seconds=10))
    answer = api.batch(*(post(str(number)) for number in range(5)))
    assert [it["id"] for it in answer["serviced_requests"]] == ["0", "1", "2"]
    assert answer["unserviced_requests"] == ["3", "4"]
    assert len(api.sim.table(CENTER)) == 3


def test_an_item_that_is_too_large_ends_the_batch(api):
    answer = api.batch(post("110"), post("120", name="x" * 5 * 1024 * 1024), post("130"))
    assert answer["unserviced_requests"] == ["1", "2"]
    assert [row["code"] for row in api.sim.table(CENTER)] == ["110"]


def test_a_batch_of_reads_is_no_write(api):
    api.batch(("GET", "/api/now/table/cmn_cost_center", None))
    assert api.sim.log.writes() == []
    api.batch(("GET", "/api/now/table/cmn_cost_center", None), post("110"))
    assert [it.path for it in api.sim.log.writes()] == ["/api/now/v1/batch"]


def test_items_keep_the_callers_rights(api):
    api.sim.roles().discard("import_transformer")
    (item,) = api.batch(post("110"))["serviced_requests"]
    assert item["status_code"] == 403


def test_a_batch_without_requests_is_refused(api):
    assert api.call("POST", "/api/now/v1/batch", json={}).status_code == 400


def test_a_lost_answer_has_written_its_rows(api):
    api.sim.faults.add(Fault("commit_then_drop", path="batch"))
    with pytest.raises(requests.ConnectionError):
        api.batch(post("110"), post("120"))
    assert [row["code"] for row in api.sim.table("cmn_cost_center")] == ["110", "120"]
