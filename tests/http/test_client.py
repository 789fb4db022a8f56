"""The client against mocked answers: verdicts, waits, patience."""

from decimal import Decimal

import pytest
import requests
import requests_mock as rm
from ml_connector.errors import (
    AuthError,
    BadAnswer,
    ConfigError,
    Forbidden,
    InDoubt,
    OutOfPatience,
    RecordParked,
    RecordRefused,
)
from ml_connector.http import ApiKey, Basic, Budget, Client, Consequence, NotJson, PasswordGrant, Verdict, by_status

from tests.http.conftest import AT_ONCE, FakeClock

URL = "https://erp.example"


@pytest.fixture
def client(clock: FakeClock):
    return Client(URL, auth=Basic("anna", "hidden!"), budget=Budget(clock=clock), retry=AT_ONCE)


def answering(consequence: Consequence, *, unprocessed: bool = False):
    """Return a client whose error table always says the same of anything but a 2xx."""

    def classify(reply):
        verdict = Verdict(consequence, "the_code", "the words", unprocessed=unprocessed)
        return by_status(reply) if reply.status < 300 else verdict

    clock = FakeClock()
    return Client(URL, auth=Basic("a", "bbbb"), classify=classify, budget=Budget(clock=clock), retry=AT_ONCE)


def test_numbers_with_a_fraction_are_exact(client: Client, requests_mock: rm.Mocker):
    requests_mock.get(f"{URL}/a", text='{"n": 0.10, "big": 12345678901234567890.123456789}')
    assert client.request("GET", "/a").json() == {
        "n": Decimal("0.10"),
        "big": Decimal("12345678901234567890.123456789"),
    }


def test_conditions_are_encoded_once_and_money_is_sent_exactly(client: Client, requests_mock: rm.Mocker):
    requests_mock.post(f"{URL}/a", status_code=201)
    client.request("POST", "/a", params={"condition": ">="}, json={"amount": Decimal("0.10")})
    assert requests_mock.last_request.query == "condition=%3e%3d"
    assert requests_mock.last_request.text == '{"amount":0.10}'


def test_a_call_with_a_budget_of_its_own_holds_no_other_back(
    client: Client, requests_mock: rm.Mocker, clock: FakeClock
):
    requests_mock.post(f"{URL}/rare", [{"status_code": 429, "headers": {"Retry-After": "200"}}, {"text": "{}"}])
    requests_mock.get(f"{URL}/a", text="[]")
    rare = Budget(2, clock=clock)
    client.request("POST", "/rare", budget=rare)
    assert clock.slept == [200]
    client.request("GET", "/a")
    assert clock.slept == [200]
    with pytest.raises(OutOfPatience):
        client.request("POST", "/rare", budget=rare)
    client.request("GET", "/a")


def test_an_empty_answer_has_no_json(client: Client, requests_mock: rm.Mocker):
    requests_mock.post(f"{URL}/a", status_code=201, headers={"Ipp-Request-Id": "r1"})
    reply = client.request("POST", "/a", json={})
    assert reply.json() is None
    assert reply.request_id == "r1"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_reads_are_repeated_through_transient_faults(client: Client, requests_mock: rm.Mocker, status: int):
    requests_mock.get(f"{URL}/a", [{"status_code": status}] * 5 + [{"text": "[]"}])
    assert client.request("GET", "/a").json() == []


@pytest.mark.parametrize(("header", "wait"), [("7", 7), ("0", 0), ("Mon, 02 Nov 2026 12:00:09 GMT", 9)])
def test_the_next_request_goes_out_exactly_when_the_server_allows(
    client: Client, clock: FakeClock, requests_mock: rm.Mocker, header: str, wait: int
):
    requests_mock.get(f"{URL}/a", [{"status_code": 429, "headers": {"Retry-After": header}}, {"text": "[]"}])
    client.request("GET", "/a")
    assert clock.passed == wait


def test_one_throttled_request_holds_the_others_back(client: Client, clock: FakeClock, requests_mock: rm.Mocker):
    requests_mock.get(f"{URL}/a", [{"status_code": 429, "headers": {"Retry-After": "5"}}, {"text": "[]"}])
    requests_mock.get(f"{URL}/b", text="[]")
    client.budget.hold(5)
    client.request("GET", "/b")
    assert clock.passed == 5


def test_a_wait_beyond_patience_stops_at_once(client: Client, clock: FakeClock, requests_mock: rm.Mocker):
    requests_mock.get(f"{URL}/a", status_code=429, headers={"Retry-After": "301"})
    with pytest.raises(OutOfPatience) as error:
        client.request("GET", "/a")
    assert clock.slept == []
    assert error.value.retry_at == clock.after(301)
    assert requests_mock.call_count == 1


def test_patience_ends(clock: FakeClock, requests_mock: rm.Mocker):
    def slow_fault(request, context):
        clock.passed += 60
        context.status_code = 503
        return ""

    requests_mock.get(f"{URL}/a", text=slow_fault)
    client = Client(URL, auth=Basic("a", "b"), budget=Budget(clock=clock), retry=AT_ONCE, patience=300)
    with pytest.raises(OutOfPatience, match="gave up after 300 s"):
        client.request("GET", "/a")
    assert requests_mock.call_count == 5


@pytest.mark.parametrize("status", [500, 502, 504, 503, 408])
def test_a_write_that_may_have_acted_is_in_doubt_and_not_repeated(
    client: Client, requests_mock: rm.Mocker, status: int
):
    requests_mock.post(f"{URL}/a", status_code=status)
    with pytest.raises(InDoubt):
        client.request("POST", "/a", json={})
    assert requests_mock.call_count == 1


@pytest.mark.parametrize(
    "turned_away",
    [
        {"status_code": 429},
        {"status_code": 429, "headers": {"Retry-After": "3"}},
        {"status_code": 503, "headers": {"Retry-After": "3"}},
    ],
)
def test_a_write_that_was_turned_away_is_repeated(client: Client, requests_mock: rm.Mocker, turned_away: dict):
    requests_mock.post(f"{URL}/a", [turned_away, {"status_code": 201}])
    assert client.request("POST", "/a", json={}).status == 201


def test_a_write_marked_safe_is_repeated_like_a_read(client: Client, requests_mock: rm.Mocker):
    requests_mock.post(f"{URL}/a", [{"status_code": 500}, {"text": "[]"}])
    assert client.request("POST", "/a", json={}, safe=True).json() == []


def test_the_table_may_assert_that_a_write_was_not_processed(requests_mock: rm.Mocker):
    requests_mock.post(f"{URL}/a", [{"status_code": 500}, {"status_code": 201}])
    assert answering(Consequence.RETRY, unprocessed=True).request("POST", "/a", json={}).status == 201


@pytest.mark.parametrize(
    "fault",
    [requests.ReadTimeout, requests.ConnectionError("reset"), requests.exceptions.ChunkedEncodingError("cut")],
)
def test_a_lost_answer_to_a_write_is_in_doubt(client: Client, requests_mock: rm.Mocker, fault: Exception):
    requests_mock.post(f"{URL}/a", exc=fault)
    with pytest.raises(InDoubt):
        client.request("POST", "/a", json={})
    assert requests_mock.call_count == 1


def test_a_write_lost_while_another_fault_is_handled_is_still_in_doubt(client: Client, requests_mock: rm.Mocker):
    """The fault being handled never left; the lost write did."""
    requests_mock.post(f"{URL}/a", exc=requests.ConnectionError("reset"))

    def write_while_handling_a_fault() -> None:
        try:
            requests.get("http://127.0.0.1:1", timeout=1)
        except requests.ConnectionError:
            client.request("POST", "/a", json={})

    requests_mock.get("http://127.0.0.1:1", exc=requests.ConnectTimeout)
    with pytest.raises(InDoubt):
        write_while_handling_a_fault()
    assert requests_mock.request_history[-1].method == "POST"
    assert requests_mock.call_count == 2


def test_a_write_that_never_left_is_repeated(client: Client, requests_mock: rm.Mocker):
    requests_mock.post(f"{URL}/a", [{"exc": requests.ConnectTimeout}, {"status_code": 201}])
    assert client.request("POST", "/a", json={}).status == 201


@pytest.mark.parametrize("body", ["<html>Maintenance</html>", '[{"a": 1}, {"a"', "NaN", '{"a": 1} trailing'])
def test_an_answer_that_is_no_json_is_read_again_but_not_for_ever(client: Client, requests_mock: rm.Mocker, body: str):
    requests_mock.get(f"{URL}/a", [{"text": body}, {"text": "[]"}])
    assert client.request("GET", "/a").json() == []
    requests_mock.get(f"{URL}/b", text=body)
    with pytest.raises(NotJson):
        client.request("GET", "/b")
    requests_mock.post(f"{URL}/a", text=body)
    with pytest.raises(InDoubt):
        client.request("POST", "/a", json={})


@pytest.mark.parametrize(
    ("consequence", "error"),
    [
        (Consequence.REFUSE, RecordRefused),
        (Consequence.PARK, RecordParked),
        (Consequence.IN_DOUBT, InDoubt),
        (Consequence.CONFIG, ConfigError),
        (Consequence.FORBIDDEN, Forbidden),
        (Consequence.REAUTH, AuthError),
        (Consequence.STOP, BadAnswer),
    ],
)
def test_each_consequence_has_its_error_with_the_vendors_words(
    requests_mock: rm.Mocker, consequence: Consequence, error: type[Exception]
):
    requests_mock.post(f"{URL}/a", status_code=422)
    with pytest.raises(error, match="the words"):
        answering(consequence).request("POST", "/a", json={})
    assert requests_mock.call_count == 1


def test_every_consequence_is_handled():
    """A consequence added to the enumeration without an error would end in a KeyError at a customer's."""
    with rm.Mocker() as mocker:
        mocker.post(f"{URL}/a", status_code=422)
        for consequence in set(Consequence) - {Consequence.OK}:
            with pytest.raises(Exception, match=r"the words|the_code"):
                answering(consequence).request("POST", "/a", json={})


def test_an_unknown_status_stops_with_its_code(client: Client, requests_mock: rm.Mocker):
    requests_mock.get(f"{URL}/a", status_code=418, text="teapot")
    with pytest.raises(BadAnswer, match=r"teapot.*http_418"):
        client.request("GET", "/a")


def test_a_redirect_is_not_followed(client: Client, requests_mock: rm.Mocker):
    requests_mock.post(f"{URL}/a", status_code=302, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(BadAnswer, match="302"):
        client.request("POST", "/a", json={})
    assert requests_mock.call_count == 1


def test_a_netrc_entry_does_not_replace_the_token(requests_mock: rm.Mocker, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine erp.example login wrong password wrong\n")
    monkeypatch.setenv("NETRC", str(netrc))
    requests_mock.get(f"{URL}/a", text="[]")
    Client(URL, auth=ApiKey("Authorization", "Key right")).request("GET", "/a")
    assert requests_mock.last_request.headers["Authorization"] == "Key right"


def test_the_password_grant_sends_the_user_in_the_form(requests_mock: rm.Mocker):
    requests_mock.post(f"{URL}/token", json={"access_token": "t0ken", "expires_in": 60})
    requests_mock.get(f"{URL}/a", text="[]")
    auth = PasswordGrant(f"{URL}/token", "id", "secret", username="anna", password="pass")
    Client(URL, auth=auth).request("GET", "/a")
    form = "grant_type=password&username=anna&password=pass&client_id=id&client_secret=secret"
    assert sorted(requests_mock.request_history[0].text.split("&")) == sorted(form.split("&"))


@pytest.mark.parametrize("path", ["", "nonsense"])
def test_a_malformed_address_is_a_setting_to_correct(path: str):
    with pytest.raises(ConfigError):
        Client(path, auth=Basic("a", "b"), retry=AT_ONCE).request("GET", "/a")
