"""Answers in the shape of the vendor's own samples (`SPECS_DIR/servicenow`)."""

import json
import os
import re
from pathlib import Path

import pytest
import requests
from ml_connector_simulators.servicenow import Installation, RateLimit

SPECS = os.environ.get("SPECS_DIR")
pytestmark = pytest.mark.skipif(not SPECS, reason="SPECS_DIR names no folder of vendors' samples")
CENTER = "sn_fcms_intg_imp_cost_center"


def sample(name):
    return json.loads((Path(SPECS) / "servicenow" / name).read_text())


def shape(value):
    """The keys and kinds of a JSON value; a list has the shape of its elements together."""
    if isinstance(value, dict):
        return {name: shape(it) for name, it in value.items()}
    if isinstance(value, list):
        return [shape(it) for it in value[:1]]
    return type(value).__name__


def test_a_single_import(api):
    reply = api.post(CENTER, {"erp_source": "visma:NO01", "code": "110", "name": "Sales"})
    assert shape(reply.json()) == shape(sample("import_set_api.02.json"))
    row = api.sim.table(CENTER)[0]["sys_id"]
    read = api.call("GET", f"/api/now/import/{CENTER}/{row}").json()
    assert shape(read) == shape(sample("import_set_api.01.json"))
    assert read["result"][0].keys() == sample("dlp_import_set.01.json")["result"][0].keys()


def test_insert_multiple(api):
    reply = api.call("POST", f"/api/now/import/{CENTER}/insertMultiple", json={"records": [{"Code": "110"}]})
    wanted = sample("ext_user_mapping_import.01.json")
    assert shape(reply.json()) == shape(wanted) == shape(sample("import_set_api.05.json"))
    assert all(re.fullmatch("[0-9a-f]{32}", value) for value in (*reply.json().values(), *wanted.values()))


def test_tokens(api):
    form = {"client_id": "demo-sn-client", "client_secret": "demo-sn-secret", "grant_type": "password"}
    form |= {"username": "integration.user", "password": "demo-sn-password"}
    answer = requests.post(f"{api.sim.url}/oauth_token.do", data=form, timeout=10).json()
    assert shape(answer) == shape(sample("oauth_token.01.json"))
    refreshed = {**form, "grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
    answer = requests.post(f"{api.sim.url}/oauth_token.do", data=refreshed, timeout=10).json()
    assert shape(answer) == shape(sample("oauth_jwt_bearer.01.json"))


def test_a_rate_limit_refusal(start):
    api = start(Installation(rate_limits=[RateLimit(100, "Table API")]))
    for _ in range(100):
        api.list("sn_fin_erp_source")
    assert api.reply("sn_fin_erp_source").json() == sample("rate_limit.01.json")


def kinds(rows):
    """What the values of rows look like: texts, or objects with these keys."""
    return {
        frozenset(value) if isinstance(value, dict) else type(value).__name__ for row in rows for value in row.values()
    }


def test_rows(api):
    api.masters()
    api.invoice()
    assert kinds(api.list("sn_shop_invoice")) == kinds(sample("table_api.01.json")["result"])
    assert kinds(api.list("sn_shop_invoice")) == kinds(sample("faros_incidentsRest.json"))
    sys_id = api.sim.table("sn_shop_invoice")[0]["sys_id"]
    one = api.call("GET", f"/api/now/table/sn_shop_invoice/{sys_id}").json()
    assert kinds([one["result"]]) == kinds([sample("table_api.02.json")["result"]])
    system = {"sys_id", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count"}
    assert system | {"sys_class_name"} <= one["result"].keys() & sample("table_api.02.json")["result"].keys()


def test_display_values(api):
    api.masters()
    api.invoice()
    rows = api.list("sn_shop_invoice", fields="supplier,supplier.legal_name", display_value="true")
    assert kinds(rows) == kinds(sample("rest_overview.01.json")["result"])


def test_aggregates(api):
    reply = api.call("GET", "/api/now/stats/fx_rate?sysparm_avg_fields=rate&sysparm_group_by=currency")
    ours, theirs = reply.json()["result"], sample("aggregate_api.01.json")["result"]
    assert ours[0].keys() == theirs[0].keys()
    assert shape(ours[0]["groupby_fields"]) == shape(theirs[0]["groupby_fields"])
    assert shape(ours[0]["stats"]["avg"]["rate"]) == shape(theirs[0]["stats"]["avg"]["business_stc"])


def test_batch(api):
    text = (Path(SPECS) / "servicenow" / "batch_api.response.txt").read_text()
    answer = api.batch(("GET", "/api/now/table/sn_fin_erp_source", None))
    (item,) = answer["serviced_requests"]
    assert {*answer, *item, *item["headers"][0]} == set(re.findall(r'"(\w+)":', text))
