"""Every fault as a plain client meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from ml_connector_simulators.kit import Fault, Simulator, running
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

URL = "/things"


class Things(Simulator):
    """A vendor of things: POST adds one, GET lists them; tokens are asked of the store."""

    name = "things"

    def __init__(self):
        super().__init__()
        self.things = []
        self.app = Starlette(routes=[Route(URL, self.list_or_add, methods=["GET", "POST"])])

    async def list_or_add(self, request: Request) -> Response:
        token = request.headers.get("authorization", "")
        if token and self.tokens.subject(token) is None:
            return JSONResponse({"message": "expired"}, 401)
        request.state.caller = self.tokens.subject(token)
        if request.method == "POST":
            self.things.append(await request.json())
            return JSONResponse({"count": len(self.things)}, 201)
        return JSONResponse(self.things or [{"number": n} for n in range(50)])


@pytest.fixture
def sim():
    with running(Things()) as simulator:
        yield simulator


def get(sim, **options):
    return requests.get(sim.url + URL, timeout=5, **options)


def post(sim, timeout=5.0):
    return requests.post(sim.url + URL, json={"number": 1}, timeout=timeout)


def test_no_fault_no_change(sim):
    assert get(sim).json()[0] == {"number": 0}
    assert post(sim).status_code == 201
    assert [(entry.method, entry.status, entry.is_write) for entry in sim.log.requests()] == [
        ("GET", 200, False),
        ("POST", 201, True),
    ]
    assert sim.log.writes()[0].size == len('{"number": 1}')


def test_status_with_headers_and_body_and_nothing_done(sim):
    sim.faults.add(Fault("status", status=429, headers={"Retry-After": "7"}, body={"message": "slow down"}))
    answer = post(sim)
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()) == (429, "7", {"message": "slow down"})
    assert sim.things == []
    assert post(sim).status_code == 201


def test_html_is_a_200(sim):
    sim.faults.add(Fault("html"))
    answer = get(sim)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_truncated_has_consistent_headers_but_broken_json(sim):
    sim.faults.add(Fault("truncated"))
    answer = get(sim)
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_truncated_on_the_wire_breaks_the_read(sim):
    sim.faults.add(Fault("truncated", promise_whole_length=True))
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        get(sim)
    assert get(sim).status_code == 200


def test_reset_is_a_tcp_reset_before_anything_is_done(sim):
    sim.faults.add(Fault("reset"))
    with pytest.raises(requests.ConnectionError) as refusal:
        post(sim)
    assert "ConnectionResetError" in repr(refusal.value)
    assert sim.things == []
    assert sim.log.writes()[0].status is None


def test_timeout_outlasts_the_client_and_does_nothing(sim):
    sim.faults.add(Fault("timeout", seconds=60))
    with pytest.raises(requests.ReadTimeout):
        post(sim, timeout=0.2)
    assert sim.things == []


def test_timeout_that_ends_closes_the_connection(sim):
    sim.faults.add(Fault("timeout", seconds=0.05))
    with pytest.raises(requests.ConnectionError):
        get(sim)


def test_latency_still_answers(sim):
    fault = sim.faults.add(Fault("latency", seconds=0.05))
    assert get(sim).elapsed.total_seconds() >= 0.05
    assert fault.struck == 1


def test_token_expiry_ends_every_token(sim):
    token = sim.tokens.issue("me")
    assert get(sim, headers={"Authorization": token}).status_code == 200
    sim.faults.add(Fault("token_expiry"))
    assert get(sim, headers={"Authorization": token}).status_code == 401
    assert get(sim, headers={"Authorization": sim.tokens.issue("me")}).status_code == 200
    assert [entry.caller for entry in sim.log.requests()] == ["me", None, "me"]


def test_commit_then_drop_commits_once_and_says_nothing(sim):
    sim.faults.add(Fault("commit_then_drop", method="POST"))
    with pytest.raises(requests.ConnectionError):
        post(sim)
    assert sim.things == [{"number": 1}]
    entry = sim.log.writes()[0]
    assert (entry.status, entry.committed, entry.fault) == (None, True, "commit_then_drop")


def test_commit_late_commits_after_the_client_gave_up(sim):
    sim.faults.add(Fault("commit_late", delay=300))
    with pytest.raises(requests.ReadTimeout):
        post(sim, timeout=0.2)
    assert sim.things == []
    with pytest.raises(TimeoutError, match="advance its clock"):
        sim.settle(timeout=0)
    sim.clock.advance(301)
    sim.settle()
    assert sim.things == [{"number": 1}]
    assert sim.log.writes()[0].committed


def test_commit_late_closes_on_a_client_that_waits(sim):
    sim.faults.add(Fault("commit_late", delay=0.05))
    with pytest.raises(requests.ConnectionError):
        post(sim)
    assert sim.things == [{"number": 1}]


def test_a_hanging_request_does_not_keep_the_server_from_ending():
    with running(Things()) as sim:
        sim.faults.add(Fault("timeout", seconds=600))
        with pytest.raises(requests.ReadTimeout):
            get_and_leave_open(sim)
    with pytest.raises(requests.ConnectionError):
        get(sim)


def get_and_leave_open(sim):
    requests.get(sim.url + URL, timeout=0.1)


def test_after_and_times_count_matching_requests_only(sim):
    sim.faults.add(Fault("status", path="^/THINGS$", method="get", after=1, times=2, status=503))
    post(sim)
    assert [get(sim).status_code for _ in range(5)] == [200, 503, 503, 200, 200]


def test_probability_is_repeatable(sim):
    def statuses():
        sim.faults.clear()
        sim.faults.add(Fault("status", probability=0.5, times=None, seed=4, status=503))
        return [get(sim).status_code for _ in range(12)]

    first = statuses()
    assert set(first) == {200, 503}
    assert statuses() == first


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="unknown fault kind 'explode'; one of latency"):
        Fault("explode")
