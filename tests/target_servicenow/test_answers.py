"""Documented and recorded answers, one by one, and what each means (apis/servicenow.md §3 to §5, specs/servicenow)."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from ml_connector.delivery.answers import UNREADABLE
from ml_connector.delivery.sink import State
from ml_connector.errors import BadAnswer, ConfigError, Forbidden, InDoubt, OutOfPatience, RecordRefused
from ml_connector.http import Basic, Client, Consequence, Retry
from ml_connector.vendors.servicenow.errors import RULES, classify, fault, judge
from target_servicenow_importset.calls import BATCH, Call, Caller
from target_servicenow_importset.outcomes import CAUSES, UNKNOWN_CAUSE, imported, staged, written

from tests.target_servicenow.conftest import make

URL = "https://acme.service-now.com"
DELIVERED, PARKED, REFUSED, SENT, IN_DOUBT = (State.DELIVERED, State.PARKED, State.REFUSED, State.SENT, State.IN_DOUBT)
SAMPLES = Path(os.environ.get("SPECS_DIR", "/nonexistent")) / "servicenow"


def effect(table="imp_user", **more):
    return make(table, {"u_key": "1"}, {"u_key": "1"}, **more)


def envelope(message, detail=None):
    return {"error": {"message": message, "detail": detail}, "status": "failure"}


def result(status, **more):
    return {
        "import_set": "ISET1",
        "staging_table": "imp_user",
        "result": [{"table": "sys_user", "status": status, **more}],
    }


@pytest.mark.parametrize(
    ("answer", "state", "told"),
    [
        (result("inserted", sys_id="a"), DELIVERED, "created"),
        (result("updated", sys_id="a"), DELIVERED, "updated"),
        (result("ignored", sys_id="a", status_message="No field values changed"), DELIVERED, "unchanged"),
        (result("ignored", sys_id="a"), DELIVERED, "unchanged"),
        (result("ignored", status_message="Row transform ignored by onBefore script"), REFUSED, "transform_script"),
        (
            result(
                "error",
                error_message="Target record not found",
                status_message="Row transform ignored by onBefore script",
            ),
            REFUSED,
            "transform_script",
        ),
        (result("error", error_message='ReferenceError: "x" is not defined.'), REFUSED, "transform_script"),
        (result("error", error_message="Unable to resolve supplier value: 5"), PARKED, "reference_not_found"),
        (result("error", error_message="Reference value rejected"), PARKED, "reference_not_found"),
        (result("error", error_message="Choice value rejected"), REFUSED, "choice_rejected"),
        (result("error", error_message="Something else"), REFUSED, "transform_error"),
        (result("error"), REFUSED, "transform_error"),
        (result("skipped", sys_id="staging-row"), REFUSED, "no_coalesce_value"),
        (result("a new word", sys_id="a"), REFUSED, "transform_error"),
        (
            {"result": [{"transform_map": "", "status": "error", "error_message": "Invalid table "}]},
            PARKED,
            "transform_inactive",
        ),
        (None, SENT, "outcome_unreadable"),
        ({}, SENT, "outcome_unreadable"),
        ({"result": []}, SENT, "outcome_unreadable"),
        ({"result": None}, SENT, "outcome_unreadable"),
    ],
)
def test_the_answer_to_a_single_import(answer, state, told):
    outcome = imported(effect(), answer)
    assert (outcome.state, outcome.action or outcome.reason) == (state, told)
    assert bool(outcome.target_id) == (state is DELIVERED)
    assert outcome.suggestion or state is DELIVERED


def test_of_several_transform_maps_the_worst_counts():
    both = {
        "result": [
            {"status": "inserted", "sys_id": "a", "table": "x"},
            {"status": "error", "error_message": "no", "table": "y"},
        ]
    }
    assert imported(effect(), both).state is REFUSED


def test_an_import_set_in_asynchronous_mode_answers_with_the_staging_row():
    outcome = imported(
        effect(),
        result("inserted", sys_id="row-1")
        | {"result": [{"table": "imp_user", "status": "inserted", "sys_id": "row-1"}]},
    )
    assert (outcome.state, outcome.handle, outcome.target_id) == (SENT, {"staging_row": "row-1"}, None)


@pytest.mark.parametrize(
    ("row", "errors", "state", "told"),
    [
        ({"sys_import_state": "pending"}, "", SENT, ""),
        ({"sys_import_state": "inserted", "sys_target_sys_id": "t"}, "", DELIVERED, "created"),
        ({"sys_import_state": "ignored", "sys_target_sys_id": "t"}, "", DELIVERED, "unchanged"),
        ({"sys_import_state": "error"}, "reference value rejected", PARKED, "reference_not_found"),
        ({"sys_import_state": "error"}, "list reference value rejected", PARKED, "reference_not_found"),
        ({"sys_import_state": "error"}, "invalid target record or field", REFUSED, "invalid_target"),
        ({"sys_import_state": "skipped"}, "", REFUSED, "no_coalesce_value"),
        ({}, "", SENT, "outcome_unreadable"),
        ({"sys_import_state": ""}, "", SENT, "outcome_unreadable"),
    ],
)
def test_a_staging_row(row, errors, state, told):
    outcome = staged(effect(), {"sys_id": "r", **row}, errors)
    assert (outcome.state, outcome.action or outcome.reason) == (state, told)


@pytest.mark.parametrize("answer", [None, {}, {"result": {}}, {"result": []}])
def test_a_table_write_that_shows_no_row_is_not_believed(answer):
    assert written(effect(), answer, created=True).state is SENT


@pytest.mark.parametrize(
    ("status", "body", "read", "write"),
    [
        (200, {"result": []}, "ok", "ok"),
        (200, {"result": [], "error": {"message": "Transaction cancelled"}, "status": "failure"}, "retry", "retry"),
        (400, envelope("Invalid table imp_x"), "config", "config"),
        (400, envelope("Requested URI does not represent any resource"), "config", "config"),
        (400, envelope("Exception while reading request"), "stop", "refuse"),
        (401, envelope("User Not Authenticated"), "reauth", "reauth"),
        (403, envelope("User Not Authorized", "Failed API level ACL Validation"), "forbidden", "forbidden"),
        (
            403,
            envelope("Operation Failed", "ACL Exception Insert Failed due to security constraints"),
            "forbidden",
            "forbidden",
        ),
        (
            403,
            envelope("Operation Failed", "ACL Exception Update Failed due to security constraints"),
            "forbidden",
            "park",
        ),
        (403, envelope("Insufficient rights to query records"), "forbidden", "in_doubt"),
        (404, envelope("No Record found"), "stop", "refuse"),
        (405, None, "stop", "stop"),
        (415, envelope("Unsupported Media Type"), "stop", "stop"),
        (429, envelope("Rate limit exceeded"), "retry", "retry"),
        (500, None, "retry", "retry"),
        (502, None, "retry", "retry"),
        (418, None, "stop", "stop"),
    ],
)
def test_the_error_table(status, body, read, write):
    assert judge(status, body, safe=True).consequence == read
    assert judge(status, body, safe=False).consequence == write


def test_every_consequence_of_a_refused_write_has_an_error_of_its_own():
    expected = {
        "refuse": RecordRefused,
        "forbidden": Forbidden,
        "config": ConfigError,
        "stop": BadAnswer,
        "in_doubt": InDoubt,
        "retry": InDoubt,
    }
    for rule in RULES:
        verdict = judge(rule.status, envelope(rule.words or "x"), safe=False)
        assert isinstance(fault(verdict, "POST"), expected.get(verdict.consequence, Exception))
        assert verdict.code == rule.code
    assert {rule.write for rule in RULES} <= set(Consequence)


def client(**options):
    return Client(
        URL, auth=Basic("u", "a-secret-password"), classify=classify, retry=Retry(0, 0, 0), patience=1, **options
    )


def batch_answer(*items, unserviced=()):
    serviced = [
        {"id": str(n), "status_code": status, "body": encoded(body)}
        for n, (status, body) in enumerate(items, 1)
        if status
    ]
    return {"batch_request_id": "1", "serviced_requests": serviced, "unserviced_requests": list(unserviced)}


def encoded(body):
    return base64.b64encode(body if isinstance(body, bytes) else json.dumps(body).encode()).decode()


def calls(number):
    return [Call(effect(), "POST", "/api/now/import/imp_user", {"u_key": "1"}, imported) for _ in range(number)]


OK = (201, result("inserted", sys_id="t"))


@pytest.mark.parametrize(
    ("item", "state", "told"),
    [
        (OK, DELIVERED, "created"),
        ((201, b""), SENT, "outcome_unreadable"),
        ((201, b"<html>"), IN_DOUBT, "answer_lost"),
        ((500, envelope("oops")), IN_DOUBT, "answer_lost"),
        ((400, envelope("Exception while reading request")), REFUSED, "bad_request"),
        (
            (403, envelope("Operation Failed", "ACL Exception Update Failed due to security constraints")),
            PARKED,
            "update_forbidden",
        ),
        ((403, envelope("other")), IN_DOUBT, "answer_lost"),
        ((None, None), IN_DOUBT, "answer_lost"),
    ],
)
def test_each_item_of_a_batch_has_its_own_outcome(requests_mock, item, state, told):
    requests_mock.post(URL + BATCH, json=batch_answer(OK, item, OK))
    outcomes = list(Caller(client()).batch(calls(3)))
    assert sorted((o.state, o.action or o.reason) for o in outcomes) == sorted(
        [(DELIVERED, "created")] * 2 + [(state, told)]
    )
    assert requests_mock.call_count == 1


def test_an_item_nobody_mentions_is_in_doubt_and_not_sent_again(requests_mock):
    requests_mock.post(URL + BATCH, json={"batch_request_id": "1"})
    assert [o.state for o in Caller(client()).batch(calls(2))] == [IN_DOUBT] * 2
    assert requests_mock.call_count == 1


@pytest.mark.parametrize("shape", [["2", "3"], [{"id": "2"}, {"id": "3"}]])
def test_only_what_was_not_serviced_is_sent_again(requests_mock, shape):
    again = batch_answer((None, None), OK, OK)
    requests_mock.post(URL + BATCH, [{"json": batch_answer(OK, unserviced=shape)}, {"json": again}])
    assert [o.state for o in Caller(client()).batch(calls(3))] == [DELIVERED] * 3
    ids = [[item["id"] for item in sent.json()["rest_requests"]] for sent in requests_mock.request_history]
    assert ids == [["1", "2", "3"], ["2", "3"]]


def test_a_batch_too_large_is_parted_until_the_row_that_spoils_it_stands_alone(requests_mock):
    def answer(request, context):
        keys = [json.loads(base64.b64decode(item["body"]))["u_key"] for item in request.json()["rest_requests"]]
        context.status_code = 413 if "bad" in keys else 200
        return batch_answer(*[OK] * len(keys))

    requests_mock.post(URL + BATCH, json=answer)
    sent = calls(8)
    sent[5].body["u_key"] = "bad"
    outcomes = {o.effect.id: o.state for o in Caller(client()).batch(sent)}
    assert [outcomes[call.effect.id] for call in sent] == [REFUSED if n == 5 else DELIVERED for n in range(8)]


@pytest.mark.parametrize("status", [418, 403])
def test_an_item_that_concerns_the_whole_run_stops_it_after_every_outcome(requests_mock, status):
    requests_mock.post(
        URL + BATCH, json=batch_answer(OK, (status, envelope("x", "Failed API level ACL Validation")), OK)
    )
    outcomes = []
    with pytest.raises((BadAnswer, Forbidden)):
        outcomes.extend(Caller(client()).batch(calls(3)))
    assert [o.state for o in outcomes] == [DELIVERED, IN_DOUBT, DELIVERED]


def test_no_secret_in_any_message(requests_mock):
    requests_mock.post(URL + BATCH, status_code=500, text="a-secret-password")
    requests_mock.post(URL + "/api/now/import/imp_user", status_code=403, json=envelope("a-secret-password"))
    (lost,) = Caller(client()).batch(calls(1))
    (denied,) = Caller(client()).one(calls(1)[0])
    assert lost.state is denied.state is IN_DOUBT
    assert "a-secret-password" not in lost.message + denied.message


def test_a_server_that_stays_busy_ends_the_run_not_the_row(requests_mock):
    requests_mock.post(URL + BATCH, status_code=429, json=envelope("Rate limit exceeded"))
    with pytest.raises(OutOfPatience):
        list(Caller(client()).batch(calls(1)))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="SPECS_DIR does not hold ServiceNow's recorded samples")
@pytest.mark.parametrize("name", ["import_set_api.01.json", "import_set_api.02.json", "dlp_import_set.01.json"])
def test_the_vendors_own_samples_are_read(name):
    answer = json.loads((SAMPLES / name).read_text())
    outcome = imported(effect(table=answer["staging_table"]), answer)
    assert (outcome.state, outcome.action, outcome.target_id) == (DELIVERED, "created", answer["result"][0]["sys_id"])


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="SPECS_DIR does not hold ServiceNow's recorded samples")
def test_the_vendors_rate_limit_sample_is_read():
    verdict = judge(429, json.loads((SAMPLES / "rate_limit.01.json").read_text()), safe=True)
    assert verdict.consequence is Consequence.RETRY
    assert "100 requests per hour" in verdict.message


def test_every_reason_a_row_can_end_with_is_explained():
    text = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
    of_rows = {Consequence.REFUSE, Consequence.PARK}
    reasons = {cause.reason for cause in (*CAUSES, UNKNOWN_CAUSE)} | {UNREADABLE}
    reasons |= {rule.code for rule in RULES if rule.write in of_rows}
    assert {"reference_not_found", "bad_request"} <= reasons
    assert sorted(reason for reason in reasons if f"| `{reason}` |" not in text) == []
