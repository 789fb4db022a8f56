"""The chain itself: what each event binds, and that hashes can be computed with stock Python."""

from __future__ import annotations

import json
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from ml_connector.audit.chain import GENESIS, link
from ml_connector.audit.trail import Trail
from ml_connector.store import tables
from sqlalchemy import select

if TYPE_CHECKING:
    from ml_connector.store import Store

FACTS = {"target_id": "t", "target_label": "T", "mapping": "a+b", "map_version": "1"}
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.integers(min_value=1), texts, st.none() | texts)
def test_a_link_is_computed_by_stock_python(seq: int, run_id: str, key: str | None) -> None:
    stock = json.dumps([GENESIS, seq, run_id, "at", key, "kind", "d"], separators=(",", ":"), ensure_ascii=False)
    assert link(GENESIS, seq, run_id, "at", key, "kind", "d") == sha256(stock.encode()).hexdigest()


def a_run(store: Store, pipeline: str, count: int = 2) -> str:
    with store.transaction() as connection:
        trail = Trail.begin(connection, pipeline, "run", **FACTS)
    with store.transaction() as connection:
        trail.append(connection, [("delivered", f"k{number}", {"n": number}) for number in range(count)])
        trail.end(connection, outcome="finished", balance="in_balance", message="words", exit_code=0)
    return trail.run_id


def the_events(store: Store) -> list[dict[str, Any]]:
    with store.reading() as connection:
        query = select(tables.events).order_by(tables.events.c.seq)
        return [dict(row) for row in connection.execute(query).mappings()]


def test_every_event_follows_the_one_before_it_and_every_run_the_run_before_it(store: Store) -> None:
    a_run(store, "p")
    a_run(store, "p")
    found = the_events(store)
    assert len(found) == 8
    assert [event["previous_hash"] for event in found] == [GENESIS, *(event["hash"] for event in found[:-1])]
    assert [event["seq"] for event in found] == list(range(1, 9))


def test_a_run_binds_its_row_and_the_heads_of_the_other_pipelines(store: Store) -> None:
    a_run(store, "p")
    seen = the_events(store)[-1]
    run_id = a_run(store, "q")
    mine = [event for event in the_events(store) if event["run_id"] == run_id]
    started, ended = json.loads(mine[0]["data"]), json.loads(mine[-1]["data"])
    assert started["heads"] == {"p": [seen["seq"], seen["hash"]]}
    assert (started["id"], started["pipeline"], started["target_id"], started["map_version"]) == (run_id, "q", "t", "1")
    assert started["actor"]
    assert started["host"]
    assert ended["balance"] == "in_balance"
    assert len(ended["tallies"]) == 64
    assert ended["message"].startswith("sha256:"), "a message may hold a vendor's words"


def test_a_transaction_that_is_undone_leaves_no_link(store: Store) -> None:
    with store.transaction() as connection:
        trail = Trail.begin(connection, "p", "run", **FACTS)
    with suppress(ZeroDivisionError), store.transaction() as connection:
        trail.append(connection, [("delivered", "lost", {})])
        raise ZeroDivisionError
    with store.transaction() as connection:
        trail.append(connection, [("delivered", "kept", {})])
    assert [event["business_key"] for event in the_events(store)] == [None, "kept"]
    assert the_events(store)[1]["previous_hash"] == the_events(store)[0]["hash"]
