"""The kit's parts: clock, state, tokens, limits, log and the admin routes."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import requests
from ml_connector_simulators.kit import Clock, Database, Documents, FixedWindow, Tokens, running

from tests.simulators_kit.test_faults import URL, Things, get, post


class TestClock:
    def test_it_starts_where_told_and_can_be_set_forward(self):
        clock = Clock(datetime(2026, 10, 1, 8, tzinfo=timezone(timedelta(hours=2))))
        assert timedelta() <= clock.now() - datetime(2026, 10, 1, 6, tzinfo=UTC) < timedelta(minutes=1)
        clock.advance(86_400)
        assert clock.now() >= datetime(2026, 10, 2, 6, tzinfo=UTC)

    def test_advance_wakes_a_sleeper_in_another_thread(self):
        clock = Clock()
        with ThreadPoolExecutor(1) as pool:
            asleep = pool.submit(asyncio.run, clock.sleep(3600))
            while not clock._sleepers:
                assert not asleep.done()
            clock.advance(10)
            with pytest.raises(TimeoutError):
                asleep.result(timeout=0.1)
            clock.advance(3600)
            asleep.result(timeout=10)


class TestDocuments:
    @pytest.fixture
    def documents(self):
        database = Database(None, Documents.SCHEMA)
        yield Documents(database)
        database.close()

    def test_amounts_keep_their_places(self, documents):
        documents.put("NO01", "invoice", [("1", {"amount": Decimal("1234.7700"), "lines": 2})])
        row = documents.get("NO01", "invoice", "1")
        assert str(row["amount"]) == "1234.7700"
        assert row["lines"] == 2

    def test_order_is_of_the_first_writing(self, documents):
        documents.put("NO01", "invoice", [(str(n), {"n": n}) for n in range(5)])
        documents.put("NO01", "invoice", [("1", {"n": 10})])
        documents.replace("NO01", "invoice", "2", "two", {"n": 20})
        assert [row["n"] for row in documents.all("NO01", "invoice")] == [0, 10, 20, 3, 4]
        assert [row["n"] for row in documents.page("NO01", "invoice", 2, 2)] == [20, 3]
        assert documents.get("NO01", "invoice", "TWO") == {"n": 20}
        assert documents.get("NO01", "invoice", "2") is None

    def test_spaces_and_collections_are_apart(self, documents):
        documents.put("NO01", "invoice", [("1", {"n": 1})])
        documents.put("SE01", "invoice", [("1", {"n": 2})])
        documents.delete("NO01", "invoice", "1")
        assert documents.count("NO01", "invoice") == 0
        assert documents.get("SE01", "invoice", "1") == {"n": 2}

    def test_a_failed_transaction_leaves_nothing(self, documents):
        with pytest.raises(TypeError):
            documents.put("NO01", "invoice", [("1", {"n": 1}), ("2", {"n": object()})])
        assert documents.is_empty()


class TestTokensAndLimits:
    def test_tokens_end_with_their_lifetime_or_at_once(self):
        clock = Clock()
        tokens = Tokens(clock, lifetime=60)
        token = tokens.issue("NO01")
        assert tokens.subject(token) == "NO01"
        clock.advance(61)
        assert tokens.subject(token) is None
        second = tokens.issue("NO01")
        tokens.expire_all()
        assert tokens.subject(second) is None
        assert tokens.subject("never issued") is None

    def test_a_window_counts_each_caller_and_starts_anew(self):
        clock = Clock(datetime(2026, 10, 1, 8, 30, tzinfo=UTC))
        window = FixedWindow(clock, limit=2, seconds=3600)
        assert [window.take("NO01").granted for _ in range(3)] == [True, True, False]
        assert window.take("SE01").remaining == 1
        refused = window.take("NO01")
        assert 1790 <= refused.reset <= 1800
        clock.advance(refused.reset)
        assert window.take("NO01").granted


class TestAdmin:
    @pytest.fixture
    def sim(self):
        with running(Things()) as simulator:
            yield simulator

    def admin(self, sim, method, route, **options):
        return requests.request(method, f"{sim.url}/_sim/{route}", timeout=5, **options)

    def test_the_log_over_http(self, sim):
        get(sim, params={"page": "2"})
        post(sim)
        entries = self.admin(sim, "GET", "requests").json()
        assert [(entry["method"], entry["query"], entry["status"]) for entry in entries] == [
            ("GET", {"page": "2"}, 200),
            ("POST", {}, 201),
        ]
        assert [entry["method"] for entry in self.admin(sim, "GET", "requests?writes=1").json()] == ["POST"]
        assert self.admin(sim, "GET", "requests?path=nothing").json() == []
        assert self.admin(sim, "DELETE", "requests").status_code == 204
        assert sim.log.requests() == []

    def test_faults_over_http(self, sim):
        armed = self.admin(sim, "POST", "faults", json={"kind": "status", "status": 503, "path": URL})
        assert (armed.status_code, armed.json()["times"]) == (201, 1)
        assert get(sim).status_code == 503
        assert self.admin(sim, "GET", "faults").json()[0]["struck"] == 1
        self.admin(sim, "POST", "faults", json={"kind": "html", "times": None})
        assert self.admin(sim, "DELETE", "faults").status_code == 204
        assert get(sim).headers["Content-Type"] == "application/json"
        for wrong in ({"kind": "explode"}, {"kind": "html", "colour": "red"}):
            assert self.admin(sim, "POST", "faults", json=wrong).status_code == 400

    def test_the_clock_over_http(self, sim):
        before = datetime.fromisoformat(self.admin(sim, "GET", "clock").json()["now"])
        after = datetime.fromisoformat(self.admin(sim, "POST", "clock", json={"advance": 3600}).json()["now"])
        assert after - before >= timedelta(hours=1)


def test_the_log_selects_by_path_and_method():
    with running(Things()) as sim:
        get(sim)
        post(sim)
        assert len(sim.log.requests(path="THINGS")) == 2
        assert len(sim.log.requests(method="get")) == 1
        sim.log.clear()
        assert sim.log.requests() == []
