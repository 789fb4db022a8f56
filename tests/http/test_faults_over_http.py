"""The client over real HTTP: tokens, faults on the wire, nothing written twice."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from ml_connector.errors import AuthError, InDoubt, OutOfPatience, Retryable, TooMuch, Unreachable
from ml_connector.http import Basic, Budget, Client
from ml_connector_simulators.kit import Fault

from tests.http.conftest import AT_ONCE, SECRET, FakeClock, LittleApi, client_of


def test_threads_share_one_token(api: LittleApi, client: Client):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.request("GET", "/things"), range(32)))
    assert len(api.forms) == 1
    assert api.forms[0] | {"client_secret": SECRET, "tenant_id": "t1", "client_id": "us"} == api.forms[0]


def test_an_expired_token_is_renewed_once_for_all_threads(api: LittleApi, client: Client):
    client.request("GET", "/things")
    api.tokens.expire_all()
    at_once = threading.Barrier(8)

    def read(_: int) -> None:
        at_once.wait(10)
        client.request("GET", "/things")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(8)))
    assert len(api.forms) == 2


def test_a_write_is_replayed_after_a_renewal(api: LittleApi, client: Client):
    api.faults.add(Fault("token_expiry", path="/things", method="POST"))
    client.request("POST", "/things", json={"n": 1})
    assert api.things == [{"n": 1}]


def test_a_token_is_renewed_before_it_ends(api: LittleApi, clock: FakeClock):
    api.tokens.lifetime = 1  # used for half its life only
    client = client_of(api, clock)
    client.request("GET", "/things")
    clock.passed += 0.4
    client.request("GET", "/things")
    assert len(api.forms) == 1
    clock.passed += 0.2
    client.request("GET", "/things")
    assert len(api.forms) == 2


def test_a_second_401_is_a_set_up_fault(api: LittleApi, client: Client):
    api.faults.add(Fault("status", path="/things", times=None, status=401, body={"message": "no"}))
    with pytest.raises(AuthError):
        client.request("GET", "/things")
    assert len(api.forms) == 2


def test_a_wrong_secret_is_named_and_not_shown(api: LittleApi):
    with pytest.raises(AuthError, match="invalid_client") as error:
        client_of(api, secret="wr0ng-secret").request("GET", "/things")
    assert "Look at the tenant." in str(error.value)
    assert "wr0ng" not in str(error.value)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", path="/token", status=503, times=2),
        Fault("status", path="/token", status=429, headers={"Retry-After": "0"}, times=2),
        Fault("reset", path="/token", times=2),
        Fault("truncated", path="/token", times=2),
        Fault("truncated", path="/token", times=2, promise_whole_length=True),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_transient_faults_of_the_token_endpoint_are_ridden_out(api: LittleApi, client: Client, fault: Fault):
    api.faults.add(fault)
    assert client.request("GET", "/things").status == 200


def test_no_token_is_asked_for_earlier_than_the_server_allows(api: LittleApi, clock: FakeClock):
    api.faults.add(Fault("status", path="/token", status=429, headers={"Retry-After": "9"}, times=2))
    client_of(api, clock, budget=Budget(clock=clock)).request("GET", "/things")
    assert clock.slept == [9, 9]


def test_threads_that_wait_for_a_token_are_held_back_with_the_one_that_asked(api: LittleApi):
    refused = Fault("status", path="/token", status=429, headers={"Retry-After": "3000"}, times=None)
    api.faults.add(refused)
    client = client_of(api)
    at_once = threading.Barrier(8)

    def read(_: int) -> None:
        at_once.wait(10)
        with pytest.raises(OutOfPatience):
            client.request("GET", "/things")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(8)))
    assert refused.struck == 1


def test_a_login_page_instead_of_a_token_is_a_set_up_fault(api: LittleApi, client: Client):
    api.faults.add(Fault("html", path="/token", times=None))
    with pytest.raises(AuthError, match="token URL"):
        client.request("GET", "/things")


READ_FAULTS: list[dict[str, object]] = [
    {"kind": "status", "status": 500, "times": 3},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}, "times": 3},
    {"kind": "reset", "times": 3},
    {"kind": "timeout", "seconds": 30},
    {"kind": "truncated", "times": 2},
    {"kind": "truncated", "times": 2, "promise_whole_length": True},
    {"kind": "html", "times": 2},
    {"kind": "token_expiry"},
    {"kind": "commit_then_drop", "times": 2},
]


@pytest.mark.parametrize("fault", READ_FAULTS, ids=lambda fault: fault["kind"])
def test_a_read_survives(api: LittleApi, fault: dict[str, object]):
    armed = api.faults.add(Fault(path="/things", **fault))
    with client_of(api, timeout=(5, 0.5)) as client:
        assert len(client.request("GET", "/things").json()) == 1
    assert armed.struck == armed.times


@pytest.mark.parametrize(
    ("kind", "stored"),
    [("reset", 0), ("timeout", 0), ("truncated", 1), ("commit_then_drop", 1), ("html", 0)],
)
def test_a_write_whose_answer_is_lost_is_sent_once_and_in_doubt(api: LittleApi, kind: str, stored: int):
    api.faults.add(Fault(kind, path="/things", method="POST", seconds=30, promise_whole_length=True))
    with client_of(api, timeout=(5, 0.5)) as client, pytest.raises(InDoubt):
        client.request("POST", "/things", json={"n": 1})
    assert len(api.things) == stored
    assert len(api.log.requests(path="/things", method="POST")) == 1


def test_nobody_listening_is_unreachable_for_reads_and_writes():
    client = Client("http://127.0.0.1:1", auth=Basic("a", "bbbb"), retry=AT_ONCE)
    for method in ("GET", "POST"):
        with pytest.raises(Unreachable, match="no connection"):
            client.request(method, "/things")


def test_an_unknown_host_is_unreachable():
    client = Client("http://no-such-host.invalid", auth=Basic("a", "bbbb"), retry=AT_ONCE)
    with pytest.raises(Unreachable):
        client.request("GET", "/things")


def test_out_of_patience_is_a_kind_of_retryable():
    assert issubclass(OutOfPatience, Retryable)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("timeout", path="/things", seconds=20),
        Fault("status", path="/things", status=504),
        Fault("status", path="/things", status=408),
        Fault("status", path="/things", status=200, body='[{"n": 1}'),
    ],
    ids=["timeout", "504", "408", "broken"],
)
def test_who_can_ask_for_less_is_told_at_once_that_it_was_too_much(api: LittleApi, fault: Fault):
    client = client_of(api, timeout=(5, 0.5))
    api.faults.add(fault)
    with pytest.raises(TooMuch):
        client.request("GET", "/things", divisible=True)
    assert fault.struck == fault.seen == 1


@pytest.mark.parametrize("fault", ["html", "reset"])
def test_what_is_no_matter_of_size_is_repeated_for_divisible_requests_too(api: LittleApi, fault: str):
    api.faults.add(Fault(fault, path="/things"))
    assert client_of(api).request("GET", "/things", divisible=True).status == 200
