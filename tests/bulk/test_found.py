"""A run that died between the target's commit and its event: the next run tells of its batches, once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ml_connector.audit.batches import find_batch
from ml_connector.store import open_store

from tests.bulk.conftest import Bulk, Killed, load


def die(pipeline: Bulk, *told: str) -> str:
    """Run until after some batches are told, and die."""
    with pytest.raises(Killed), pipeline.run() as run:
        for batch in told:
            run.books.loaded(load(batch, delivered=1))
        raise Killed
    return run.books.run_id


def events(pipeline: Bulk, kind: str) -> list[dict[str, Any]]:
    return pipeline.rows("events", kind=kind)


def test_what_the_trail_lacks_is_told_once(local: Bulk) -> None:
    dead = die(local, "batch-1")
    with local.run() as run:
        assert run.books.died() == [dead]
        loads = [load("batch-1", delivered=1), load("batch-2", delivered=3)]
        assert run.books.found(dead, loads) == 1
        assert run.books.died() == []
    (found,) = events(local, "batch_found")
    assert (found["business_key"], found["run_id"]) == ("batch-2", run.books.run_id)
    told = json.loads(found["data"])
    assert (told["run"], told["new"], told["table"]) == (dead, 3, "SUPPLIER_INVOICES")
    (ended,) = events(local, "run_never_ended")
    assert json.loads(ended["data"]) == {"batches": 2, "found": 1}
    assert local.broken() == []
    store = open_store(local.url)
    with store.reading() as connection:
        story = find_batch(connection, "batch-2")
    store.close()
    assert story is not None
    assert (story.run["id"], story.run["outcome"]) == (dead, "running")


def test_runs_that_ended_and_other_pipelines_are_left_alone(local: Bulk) -> None:
    with local.run() as run:
        run.books.loaded(load("batch-1", delivered=1))
    with local.run() as run:
        assert run.books.died() == []


def test_a_run_that_dies_before_it_tells_leaves_it_to_the_next(local: Bulk) -> None:
    first, second = die(local), die(local)
    with local.run() as run:
        assert run.books.died() == [first, second]
        for dead in run.books.died():
            run.books.found(dead, [])
    with local.run() as run:
        assert run.books.died() == []
    assert events(local, "batch_found") == []
