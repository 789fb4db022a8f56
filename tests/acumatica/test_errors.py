"""The error table: what an answer of Acumatica means, read and written (apis/acumatica.md §5)."""

import json

import pytest
from ml_connector.http import Consequence
from ml_connector.vendors.acumatica.errors import blocked_fields, classify, field_errors

from tests.acumatica.samples import needed, parsed, reply, sample

OK, RETRY, REAUTH, FORBIDDEN, REFUSE, PARK, IN_DOUBT, CONFIG, STOP = Consequence
PAGE = b"<!DOCTYPE html><html><head><title>API Login Limit</title></head><body>...</body></html>"


def thrown(kind, words, **more):
    return json.dumps(
        {"message": "An error has occurred.", "exceptionMessage": words, "exceptionType": kind, "stackTrace": "at X"}
        | more
    ).encode()


TABLE = {
    "accepted": (200, b"[]", OK, OK),
    "done": (204, b"", OK, OK),
    "under way": (202, b"", OK, OK),
    "broken contract": (302, b"", CONFIG, CONFIG),
    "bad request": (400, b'{"message":"The request is invalid.","modelState":{"":["empty"]}}', STOP, REFUSE),
    "signed out": (401, b"", REAUTH, REAUTH),
    "no rights": (403, b"", FORBIDDEN, FORBIDDEN),
    "no such entity": (404, b"", CONFIG, REFUSE),
    "precondition": (412, b"", STOP, REFUSE),
    "throttled": (429, b"The custom error module does not recognize this error.", RETRY, RETRY),
    "gateway": (502, b"<html>Bad Gateway</html>", RETRY, RETRY),
    "teapot": (418, b"", STOP, STOP),
    "an error page": (500, b"<html>Runtime Error</html>", RETRY, IN_DOUBT),
    "nothing told": (500, b'{"message":"An error has occurred."}', RETRY, IN_DOUBT),
    "business logic": (500, thrown("PX.Data.PXException", "The period is closed."), STOP, REFUSE),
    "not theirs": (500, thrown("System.NullReferenceException", "Object reference not set"), STOP, IN_DOUBT),
    "words are no kind": (500, thrown("System.Exception", "in PX.Data.PXGraph"), STOP, IN_DOUBT),
    "database": (500, thrown("PX.Data.PXDatabaseException", "The connection is broken"), RETRY, IN_DOUBT),
    "time-out": (500, thrown("System.Data.SqlClient.SqlException", "Execution Timeout Expired."), RETRY, IN_DOUBT),
    "locked": (500, thrown("PX.Data.PXLockViolationException", "Another process has updated it."), RETRY, PARK),
    "wrong type in a filter": (
        500,
        thrown("Microsoft.Data.OData.ODataException", "incompatible types"),
        STOP,
        IN_DOUBT,
    ),
    "wrong password": (500, thrown("PX.Data.PXException", "Error: Invalid credentials."), REAUTH, REAUTH),
}


@pytest.mark.parametrize("case", TABLE)
def test_table(case):
    status, body, read, write = TABLE[case]
    headers = {"Location": "/ui/error"}
    assert classify(reply(status, body, headers=headers)).consequence is read
    assert classify(reply(status, body, headers=headers, method="PUT")).consequence is write


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, PAGE), (500, thrown("PX.Data.PXException", "API Login Limit")), (429, b"API login limit"), (403, PAGE)],
)
def test_no_free_seat_is_waited_for_whatever_its_shape(status, body):
    for method in ("GET", "PUT"):
        verdict = classify(reply(status, body, method=method))
        assert (verdict.consequence, verdict.code, verdict.unprocessed) == (RETRY, "api_login_limit", True)
        assert "seats" in verdict.message


def test_a_record_that_speaks_of_the_limit_is_a_record():
    rows = b'[{"id":"1","Description":{"value":"API Login Limit"}}]'
    assert classify(reply(200, rows)).consequence is OK


def test_the_inner_exception_is_judged_and_told_and_no_stack():
    inner = {
        "exceptionType": "PX.Data.PXSetupNotEnteredException",
        "exceptionMessage": "Not set up.",
        "stackTrace": "t",
    }
    verdict = classify(reply(500, thrown("System.Exception", "An error occurred.", innerException=inner)))
    assert (verdict.consequence, verdict.code) == (FORBIDDEN, "not_set_up")
    assert verdict.message.startswith("An error occurred. Not set up.")
    assert "at X" not in verdict.message


def test_errors_of_an_echoed_entity_are_told_by_path():
    entity = {
        "error": "Inserting raised errors.",
        "Vendor": {"value": "X", "error": "no such vendor"},
        "Details": [{"Qty": {"value": 1}}, {"error": "bad row", "Project": {"value": "T", "error": "no project"}}],
        "MainContact": {"Address": {"Country": {"error": "is empty"}}},
    }
    assert list(field_errors(entity)) == [
        ("", "Inserting raised errors."),
        ("Vendor", "no such vendor"),
        ("Details[2]", "bad row"),
        ("Details[2].Project", "no project"),
        ("MainContact.Address.Country", "is empty"),
    ]


@needed
def test_samples_mean_what_the_facts_say():
    found = {
        "test_no_entity_500_body.json": (REFUSE, "no_entity"),
        "test_optimization_500_body.json": (REFUSE, "cannot_optimize"),
        "test_setup_not_entered_500_body.json": (FORBIDDEN, "not_set_up"),
        "recorded_POST_auth_login_500.json": (REAUTH, "sign_in"),
    }
    for name, meaning in found.items():
        verdict = classify(reply(500, sample(name)))
        assert (verdict.consequence, verdict.code) == meaning, name
    for name in (
        "recorded_PUT_Customer_400.json",
        "recorded_PUT_SalesOrder_400.json",
        "recorded_PUT_StockItem_400.json",
    ):
        verdict = classify(reply(400, sample(name), method="PUT"))
        assert verdict.consequence is REFUSE
        assert "The request body should not be empty." in verdict.message
    words = parsed("test_optimization_500_body.json")["exceptionMessage"]
    assert blocked_fields(words) == ["RealGainAcctID"]


@needed
def test_a_recorded_422_becomes_field_errors():
    verdict = classify(reply(422, sample("test_PUT_Bill_422_detail_error.json"), method="PUT"))
    assert (verdict.consequence, verdict.code) == (REFUSE, "field_errors")
    assert verdict.message.startswith("Inserting  'AP Transactions' record raised")
    assert "Details[1].Project: Project 'TES2323T  ' cannot be found in the system." in verdict.message
