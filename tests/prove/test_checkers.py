"""What the proofs look with sees what it is there to see."""

from __future__ import annotations

import json
import random
from collections import Counter
from decimal import Decimal
from pathlib import Path

from ml_connector.audit.trail import Trail
from ml_connector.store import open_store
from sqlalchemy import text

from prove import chain, stream
from prove.flow import Ended, Flow
from prove.landed import Landed
from prove.points import points

ROW, OTHER = (("key", "1"),), (("key", "2"),)


def test_what_is_lost_doubled_or_written_twice_is_seen() -> None:
    clean = Landed({"t": Counter([ROW, OTHER])}, {"s": Counter([ROW])}, {"t.total NOK": Decimal("1.10")})
    same = Landed({"t": Counter([OTHER, ROW])}, {"s": Counter([ROW])}, {"t.total NOK": Decimal("1.100")})
    assert clean.differences(same) == {}
    worse = Landed({"t": Counter([ROW, ROW])}, {"s": Counter([ROW, ROW])}, {"t.total NOK": Decimal("1.11")})
    assert set(clean.differences(worse)) == {"lost", "duplicate", "written_twice", "sums"}


def test_most_points_lie_between_the_first_row_and_the_last_settle() -> None:
    order = ["run.before_begin", "outbox.rows_written", *["settle.after", "settle.durable"] * 9, "run.before_end"]
    chosen = points(order, 40, random.Random(1))
    assert sum(point.dangerous for point in chosen) == 34
    assert {point.seam for point in chosen if not point.dangerous} == {"run.before_begin", "run.before_end"}
    assert all(1 <= point.number <= 9 for point in chosen)


def lines(*messages: dict[str, object]) -> list[str]:
    return [json.dumps(message, separators=(",", ":")) for message in messages]


def state(emitted: int, total: str) -> dict[str, object]:
    totals = {"fetched": "9", "emitted": str(emitted), "dropped": {}, "sums": {"NOK": total}, "complete": emitted == 3}
    return {"type": "STATE", "value": {"ml_connector": {"version": 1, "streams": {"a": totals}}}}


def test_a_stream_goes_on_exactly_after_the_state_that_passed() -> None:
    record = {"type": "RECORD", "stream": "a", "record": {"n": 1}}
    schema = {"type": "SCHEMA", "stream": "a"}
    whole = lines(schema, record, state(1, "10.10"), record, record, state(3, "30.40"))
    assert stream.after(whole, 0) == whole
    rest = stream.after(whole, 1)
    assert [json.loads(line)["type"] for line in rest] == ["SCHEMA", "RECORD", "RECORD", "STATE"]
    totals = json.loads(rest[-1])["value"]["ml_connector"]["streams"]["a"]
    assert (totals["emitted"], totals["sums"]) == ("2", {"NOK": "20.30"})
    assert stream.records(rest) == 2


def test_an_empty_trail_and_an_edited_one_are_broken(tmp_path: Path) -> None:
    flow = Flow(tmp_path)
    assert chain.broken(flow) == ["the trail is empty"]
    store = open_store(flow.store_url)
    with store.transaction() as connection:
        trail = Trail.begin(connection, "p", "run", target_id="t", target_label="t", mapping="m", map_version="1")
        trail.append(connection, [("noted", None, {})])
        trail.end(connection, outcome="finished", balance="in_balance", exit_code=0)
    assert chain.broken(flow) == []
    with store.transaction() as connection:
        connection.execute(text("UPDATE events SET at = '2026-01-01' WHERE kind = 'noted'"))
    store.close()
    assert chain.broken(flow)


def test_a_process_is_known_by_its_faults() -> None:
    assert Ended(0, "", "", 1.0).faults() == []
    spoken = "Traceback (most recent call last): demo-sn-secret"
    assert len(Ended(1, "", spoken, 1.0, hung=True).faults()) == 4
