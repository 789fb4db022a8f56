"""What we wrote ourselves comes back through a tap: skipped, with its amount; in doubt until its outcome is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector.audit.find import find
from ml_connector.audit.trace import story
from ml_connector.delivery.sink import Identity, State
from ml_connector.store import open_store

from tests.delivery.conftest import SOURCE_MAP, TARGET_MAP, Pipeline, invoice, supplier
from tests.delivery.fake_target import FakeSink, Server

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ml_connector.delivery.sink import Effect, Outcome

ECHO = """
    __echo__:
      {source_system: far, record_type: supplier_invoices, key: [Nbr], reference: supplier_invoice_number}
"""
THERE = TARGET_MAP.replace("    __types__: [invoice, credit_note]\n", "    __types__: [invoice, credit_note]" + ECHO)
BACK = SOURCE_MAP.replace("source_system: erp", "source_system: far")
KEY = "erp:NO01:supplier_invoices:7"
REFERENCE = "erp:NO01/7"  # the key of the row it was written as


class Numbering(FakeSink):
    """A target that gives documents numbers of its own and is read by a tap as the company US01."""

    def identity(self) -> Identity:
        return Identity("far-1", "far", company="US01")

    def send(self, effects: Sequence[Effect]) -> Iterable[Outcome]:
        return map(self._numbered, super().send(effects))

    def settle(self, effects: Sequence[Effect], *, wait: bool) -> Iterable[Outcome]:
        return map(self._numbered, super().settle(effects, wait=wait))

    @staticmethod
    def _numbered(outcome: Outcome) -> Outcome:
        if outcome.target_id is None:
            return outcome
        return replace(outcome, answered={"Nbr": outcome.target_id}, memory={"told": outcome.target_id})


def _accounts(*sources: str) -> list[dict[str, Any]]:
    return [{"source": each, "code": code, "active": "true"} for each in sources for code in ("6300", "6400")]


@pytest.fixture
def there(tmp_path: Path) -> Pipeline:
    """The pipeline that writes into the system far."""
    (tmp_path / "there").mkdir()
    server = Server(masters={"accounts": _accounts("erp:NO01")})
    return Pipeline(tmp_path / "there", server, "there", store_url=f"sqlite:///{tmp_path / 'store.db'}")


@pytest.fixture
def back(tmp_path: Path) -> Pipeline:
    """The pipeline that reads far, into the same store."""
    (tmp_path / "back").mkdir()
    server = Server(masters={"accounts": _accounts("far:US01", "far:US02")})
    return Pipeline(tmp_path / "back", server, "back", store_url=f"sqlite:///{tmp_path / 'store.db'}")


def _write(there: Pipeline, **sink: Any) -> str:
    records = (("suppliers", supplier("S1")), ("supplier_invoices", invoice("7")))
    there.run(*records, sink=Numbering(there.server, **sink), target_map=THERE)
    (row,) = (row for key, row in there.server.tables["invoices"].items() if ("key", "7") in key)
    return str(row["id"])


def _read(back: Pipeline, *records: dict[str, Any]) -> tuple[dict[str, tuple[str, str]], Any]:
    parties = [("suppliers", supplier("S1", "US01")), ("suppliers", supplier("S1", "US02"))]
    report = back.run(*parties, *(("supplier_invoices", record) for record in records), source_map=BACK)
    rows = back.rows("deliveries", pipeline="back", record_type="supplier_invoices")
    return {row["business_key"]: (row["state"], row["reason"]) for row in rows}, report


def _far(number: str, company: str = "US01", reference: str = "theirs") -> dict[str, Any]:
    return invoice(number, company, reference=reference)


def test_what_we_wrote_is_skipped_and_counted_with_its_amount(there: Pipeline, back: Pipeline) -> None:
    number = _write(there)
    states, report = _read(back, _far(number), _far("900"))
    assert states == {
        f"far:US01:supplier_invoices:{number}": ("skipped", "echo"),
        "far:US01:supplier_invoices:900": ("delivered", None),
    }
    assert report.balance == "unproven"  # no totals of the tap; never out of balance
    assert back.server.count("invoices") == 1
    row = back.rows("deliveries", business_key=f"far:US01:supplier_invoices:{number}")[0]
    assert KEY in row["message"]
    again, _ = _read(back, _far(number))
    assert again[f"far:US01:supplier_invoices:{number}"] == ("skipped", "echo")


def test_the_same_number_in_another_company_is_no_echo(there: Pipeline, back: Pipeline) -> None:
    number = _write(there)
    states, _ = _read(back, _far(number, "US02"))
    assert states == {f"far:US02:supplier_invoices:{number}": ("delivered", None)}


def test_while_the_outcome_is_open_what_carries_its_reference_waits(there: Pipeline, back: Pipeline) -> None:
    records = (("suppliers", supplier("S1")), ("supplier_invoices", invoice("7")))
    lost = Numbering(there.server, swallow={KEY}, settle_window=timedelta(hours=1))
    there.run(*records, sink=lost, target_map=THERE)
    assert there.rows("deliveries", business_key=KEY)[0]["state"] == State.IN_DOUBT
    states, report = _read(back, _far("70", reference=REFERENCE), _far("901", reference="other"))
    waiting = "far:US01:supplier_invoices:70"
    assert states == {waiting: ("parked", "echo_in_doubt"), "far:US01:supplier_invoices:901": ("delivered", None)}
    assert report.balance == "unproven"
    there.run(sink=Numbering(there.server), target_map=THERE)  # absent, so it is sent: as id2, and not as 70
    states, _ = _read(back)
    assert states[waiting] == ("delivered", None), "it was another's document that carries our reference"


def test_once_it_is_known_only_the_record_itself_is_the_echo(there: Pipeline, back: Pipeline) -> None:
    number = _write(there, lose={KEY})  # found at the end of the run
    assert there.rows("effects", known_as=f"far:US01:supplier_invoices:{number}")
    copy = _far("902", reference=REFERENCE)  # a person copied our document, reference and all
    states, _ = _read(back, _far(number, reference=REFERENCE), copy)
    assert states[f"far:US01:supplier_invoices:{number}"] == ("skipped", "echo")
    assert states["far:US01:supplier_invoices:902"][1] != "echo"


class Halting(Numbering):
    """Writes an invoice, and then does not call it delivered."""

    state, tells = State.REFUSED, False

    def send(self, effects: Sequence[Effect]) -> Iterable[Outcome]:
        for outcome in super().send(effects):
            halted = outcome.effect.name == "header" and outcome.effect.business_key == KEY
            told = outcome.answered if self.tells else None
            yield replace(outcome, state=self.state, reason="halted", answered=told) if halted else outcome


def _halt(there: Pipeline, state: State, *, tells: bool) -> str:
    sink = Halting(there.server)
    sink.state, sink.tells = state, tells
    records = (("suppliers", supplier("S1")), ("supplier_invoices", invoice("7")))
    there.run(*records, sink=sink, target_map=THERE)
    (row,) = there.server.tables["invoices"].values()
    return str(row["id"])


def test_one_that_was_refused_in_part_is_there_so_what_carries_its_reference_waits(
    there: Pipeline, back: Pipeline
) -> None:
    number = _halt(there, State.REFUSED, tells=False)
    states, _ = _read(back, _far(number, reference=REFERENCE))
    assert states == {f"far:US01:supplier_invoices:{number}": ("parked", "echo_in_doubt")}


def test_one_that_is_there_and_waits_for_a_person_is_known_by_its_key(there: Pipeline, back: Pipeline) -> None:
    number = _halt(there, State.PARKED, tells=True)
    states, _ = _read(back, _far(number, reference="cut off by the target"))
    assert states == {f"far:US01:supplier_invoices:{number}": ("skipped", "echo")}


def test_what_was_delivered_from_there_before_we_wrote_to_it_stays_delivered(there: Pipeline, back: Pipeline) -> None:
    """We wrote to a row that was there: it is no copy of ours, and its changes still arrive."""
    _read(back, _far("id2"))
    assert _write(there) == "id2"
    states, _ = _read(back, _far("id2") | {"tax": 26, "total": 126})
    assert states == {"far:US01:supplier_invoices:id2": ("delivered", None)}
    (row,) = back.server.tables["invoices"].values()
    assert row["total"] == 126


def test_what_a_connector_wants_to_remember_comes_back_with_the_next_change(there: Pipeline) -> None:
    number = _write(there)
    sink = Numbering(there.server, swallow={KEY}, settle_window=timedelta(hours=1))
    changed = ("supplier_invoices", invoice("7", reference="changed", supplier="S1", tax=26, total=126))
    there.run(changed, sink=sink, target_map=THERE)
    assert [effect.memory for effect in sink.sent if effect.name == "header"] == [{"told": number}]
    third = Numbering(there.server)
    there.run(changed, sink=third, target_map=THERE)
    memories = [effect.memory for effect in third.sent if effect.name == "header"]
    assert memories == [{"told": number}], "a lost answer must not make it forget"


def test_trace_tells_the_story_in_both_systems(there: Pipeline, back: Pipeline) -> None:
    number = _write(there)
    mirrored = f"far:US01:supplier_invoices:{number}"
    assert _links(there, KEY) == [("written_as", mirrored, None)]
    _read(back, _far(number))
    assert _links(there, KEY) == [("written_as", mirrored, "echo")]
    assert _links(back, mirrored) == [("written_of", KEY, None)]


def _links(pipeline: Pipeline, key: str) -> list[tuple[str, str, str | None]]:
    store = open_store(pipeline.url)
    with store.transaction() as connection:
        (hit,) = find(connection, key)
        told = story(connection, hit).links
    store.close()
    return [(link["kind"], link["business_key"], link["reason"]) for link in told]
