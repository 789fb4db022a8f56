"""Limits and settings: a rate limit inside a batch, closed APIs, labels that clash, settings that cannot work."""

from __future__ import annotations

import base64
import json

import pytest
from ml_connector.delivery.sink import State
from ml_connector.errors import AuthError, ConfigError, OutOfPatience
from ml_connector.http import Basic, Budget, Client, ClientCredentials, Retry
from ml_connector.mapping import TargetMap
from ml_connector.mapping.loader import search_path
from ml_connector.vendors.servicenow.client import open_client
from ml_connector.vendors.servicenow.errors import classify
from ml_connector_simulators.kit import Fault
from ml_connector_simulators.servicenow import InsertMultiple, Installation, RateLimit
from ml_connector_simulators.servicenow.api.calls import Reply
from singer_sdk.exceptions import ConfigValidationError
from target_servicenow_importset.calls import BATCH, Call, Caller
from target_servicenow_importset.outcomes import imported
from target_servicenow_importset.target import TargetServiceNowImportSet

from tests.target_servicenow.conftest import INVOICE, SUPPLIER, make
from tests.target_servicenow.test_preflight import FORBIDDEN_API, refusal

URL = "https://acme.service-now.com"
SETTINGS = {"instance_url": URL, "mapping": ["a", "b"], "client_id": "id", "client_secret": "a-secret"}


def test_a_rate_limit_inside_a_batch_is_waited_out_before_the_next_call(bench):
    """L5: no request earlier than the Retry-After of a batch's own item."""
    it = bench(Installation(rate_limits=[RateLimit(per_hour=2, api="Import Set API")]), mode="batch")
    effects = [it.supplier(str(n)) for n in range(4)]
    it.sink.check(effects[0])
    outcomes = []
    with pytest.raises(OutOfPatience) as stop:
        outcomes.extend(it.sink.send(effects))
    assert len(it.sim.log.writes()) == 1, "the row turned away is not tried before its time"
    assert stop.value.retry_at is not None
    assert sorted(o.state for o in outcomes) == [State.DELIVERED] * 2 + [State.FAILED] * 2


def test_a_closed_batch_api_does_not_stop_the_rows_of_plain_tables(bench):
    it = bench(mode="insert_multiple")
    it.sim.faults.add(Fault("status", path="/batch$", status=403, times=None, body=FORBIDDEN_API))
    it.sink.prepare(TargetMap.load("servicenow-apo", search_path()))
    keys = [{"erp_source": "visma:NO01", "code": str(n)} for n in range(3)]
    outcomes = it.send(*(make("cmn_cost_center", key, {**key, "name": "Sales"}, via="table") for key in keys))
    assert it.states(outcomes) == [(State.DELIVERED, "created")] * 3


def test_a_label_two_columns_share_stops_auto_as_well_where_it_sends_labels(bench):
    it = bench(Installation(insert_multiple={INVOICE: InsertMultiple(keys="label", synchronous=True)}), mode="auto")
    twin = {"name": INVOICE, "element": "u_twin", "column_label": "ERP number", "internal_type": "string"}
    it.sim.instance.store.insert("sys_dictionary", {**twin, "active": "true"})
    assert "labelled 'ERP number'" in refusal(it)


@pytest.mark.parametrize("where", ["item", "row"])
def test_no_secret_that_a_batch_repeats_is_shown(requests_mock, where):
    told = {"error": {"message": "no a-secret-password here", "detail": None}, "status": "failure"}
    row = {"result": [{"table": "x", "status": "error", "error_message": "a-secret-password"}]}
    item = {
        "id": "1",
        "status_code": 400 if where == "item" else 201,
        "body": encoded(told if where == "item" else row),
    }
    requests_mock.post(URL + BATCH, json={"serviced_requests": [item], "unserviced_requests": []})
    client = Client(URL, auth=Basic("u", "a-secret-password"), classify=classify, retry=Retry(0, 0, 0), patience=1)
    effect = make("imp_user", {"u_key": "1"}, {"u_key": "1"})
    (outcome,) = Caller(client).batch([Call(effect, "POST", "/api/now/import/imp_user", {"u_key": "1"}, imported)])
    assert outcome.state is State.REFUSED
    assert "a-secret-password" not in outcome.message


@pytest.mark.parametrize(
    "answer", [["x"], {"serviced_requests": ["1"]}, {"serviced_requests": [{"id": "1", "status_code": "?"}]}]
)
def test_a_batch_answer_of_another_shape_leaves_its_rows_in_doubt(requests_mock, answer):
    requests_mock.post(URL + BATCH, json=answer)
    client = Client(URL, auth=Basic("u", "p"), classify=classify, retry=Retry(0, 0, 0), patience=1)
    effect = make("imp_user", {"u_key": "1"}, {"u_key": "1"})
    outcomes = Caller(client).batch([Call(effect, "POST", "/api/now/import/imp_user", {"u_key": "1"}, imported)])
    assert [o.state for o in outcomes] == [State.IN_DOUBT]
    assert requests_mock.call_count == 1


def encoded(body):
    return base64.b64encode(json.dumps(body).encode()).decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_concurrency", 0),
        ("batch_size", -1),
        ("max_requests_per_hour", 0),
        ("patience", -1),
        ("request_timeout", 0),
        ("settle_window", -1),
    ],
)
def test_a_number_that_cannot_work_is_refused_by_name(name, value):
    with pytest.raises(ConfigValidationError) as refused:
        TargetServiceNowImportSet(config={**SETTINGS, name: value})
    assert name in str(refused.value.errors)


@pytest.mark.parametrize("url", ["acme.service-now.com", "", "ftp://acme", f"{URL}/nav_to.do", f"{URL}/?x=1"])
def test_an_address_that_is_no_instance_is_refused_by_name(url):
    with pytest.raises(ConfigError, match=r"instance_url.*https://acme\.service-now\.com"):
        TargetServiceNowImportSet(config={**SETTINGS, "instance_url": url}).open_sink()


def test_an_address_may_end_with_a_slash():
    assert TargetServiceNowImportSet(config={**SETTINGS, "instance_url": f"{URL}/"}).open_sink()


def test_missing_credentials_are_told_in_words_no_filter_mangles():
    with pytest.raises(ConfigError) as refused:
        open_client(
            {"instance_url": URL, "auth_method": "client_credentials", "client_id": "x"}, agent="test", budget=Budget()
        )
    assert "client_secret:" not in str(refused.value), "what follows a colon is masked as a secret"


def test_a_sleeping_instance_is_told_as_such_when_it_is_asked_for_a_token(bench):
    it = bench()
    config = {"instance_url": it.sim.url, "auth_method": "client_credentials", "max_concurrency": 1}
    limits = {"request_timeout": 5, "patience": 5}
    settings = {**config, **limits, "client_id": "demo-sn-client", "client_secret": "x"}
    it.sink._reader._client = open_client(settings, agent="test", budget=Budget(max_concurrency=1))
    it.sim.configure(hibernating=True)
    with pytest.raises(AuthError, match="wake it"):
        it.sink.identity()


def test_an_instance_without_a_name_is_known_by_its_host(bench):
    it = bench()
    it.sim.set_property("instance_name", "")
    assert it.sink.identity().id


def test_a_token_is_renewed_in_the_middle_of_a_batch_and_no_row_goes_twice(bench):
    """An item answered 401 was not carried out; the others were."""
    it = bench(mode="batch")
    it.client._auth = ClientCredentials(it.sim.url + "/oauth_token.do", "demo-sn-client", "demo-sn-secret")
    router = it.sim._router
    turned_away = {"error": {"message": "User Not Authenticated", "detail": None}, "status": "failure"}
    answered = router.answer
    seen = []

    def answer(session, call):
        if "/import/" in call.path:
            seen.append(call.path)
        if len(seen) in {2, 3} and "/import/" in call.path:
            return Reply(401, turned_away)
        return answered(session, call)

    object.__setattr__(router, "answer", answer)
    outcomes = it.send(*(it.supplier(str(n)) for n in range(5)))
    assert it.states(outcomes) == [(State.DELIVERED, "created")] * 5
    assert len(it.sim.table(SUPPLIER)) == 5
