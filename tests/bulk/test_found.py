"""A run that died between the target's commit and its event: the next run tells of its batches, once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ml_connector.audit.batches import find_batch
from ml_connector.store import open_store

from tests.bulk.conftest import Killed, Pipeline, load


def die(pipeline: Pipeline, *told: str) -> str:
    """Run until some batches are told, and die."""
    with pipeline.books() as books:
        for batch in told:
            books.loaded(load(batch, delivered=1))
        raise Killed
    return books.run_id  # type: ignore[unreachable]  # the block's exception is swallowed


def events(pipeline: Pipeline, kind: str) -> list[dict[str, Any]]:
    return pipeline.rows("events", kind=kind)


def test_what_the_trail_lacks_is_told_once(local: Pipeline) -> None:
    dead = die(local, "batch-1")
    with local.books() as books:
        assert books.broken() == [dead]
        loads = [load("batch-1", delivered=1), load("batch-2", delivered=3)]
        assert books.found(dead, loads) == 1
        assert books.broken() == []
    (found,) = events(local, "batch_found")
    assert (found["business_key"], found["run_id"]) == ("batch-2", books.run_id)
    told = json.loads(found["data"])
    assert (told["run"], told["new"], told["table"]) == (dead, 3, "SUPPLIER_INVOICES")
    (ended,) = events(local, "run_checked")
    assert json.loads(ended["data"]) == {"outcome": "never ended", "batches": 2, "found": 1}
    assert local.findings() == []
    store = open_store(local.url)
    with store.reading() as connection:
        story = find_batch(connection, "batch-2")
    store.close()
    assert story is not None
    assert (story.run["id"], story.run["outcome"]) == (dead, "running")


def test_runs_that_ended_and_other_pipelines_are_left_alone(local: Pipeline) -> None:
    with local.books() as books:
        books.loaded(load("batch-1", delivered=1))
    with local.books() as books:
        assert books.broken() == []


def test_a_run_that_broke_off_is_checked_too(local: Pipeline) -> None:
    with pytest.raises(ValueError, match="the answer was lost"), local.books() as books:
        raise ValueError("the answer was lost")
    stopped = books.run_id
    with local.books() as books:
        assert books.broken() == [stopped]
        assert books.found(stopped, [load("batch-1", delivered=1)]) == 1
    (checked,) = events(local, "run_checked")
    assert json.loads(checked["data"]) == {"outcome": "stopped", "batches": 1, "found": 1}


def test_a_run_that_dies_before_it_tells_leaves_it_to_the_next(local: Pipeline) -> None:
    first, second = die(local), die(local)
    with local.books() as books:
        assert books.broken() == [first, second]
        for dead in books.broken():
            books.found(dead, [])
    with local.books() as books:
        assert books.broken() == []
    assert events(local, "batch_found") == []
