"""A person's edit: applied wherever its version is met, void when the source changes, never of money; and drops."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector.audit import actions
from ml_connector.audit.actions import action
from ml_connector.audit.purge import purge
from ml_connector.cli.canonical import Reading
from ml_connector.cli.dead_decide import edit_wish
from ml_connector.cli.desk import Stop
from ml_connector.cli.letters import Letter, find_letters
from ml_connector.delivery import carry_out, decisions, edits
from ml_connector.delivery.decisions import Wish
from ml_connector.errors import ConfigError, EnvironmentFault
from ml_connector.finance.catalog import RECORD_TYPES
from ml_connector.finance.editable import EDITABLE
from ml_connector.mapping import SourceMap, TargetMap
from ml_connector.store import open_store

from tests.delivery.conftest import KEY, S1, SOURCE_MAP, Pipeline, invoice
from tests.delivery.fake_target import FakeSink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector.audit.actions import Action

WRONG = ({"nr": 1, "amount": 60, "account": "6300"}, {"nr": 2, "amount": 40, "account": "7777"})
PARKED = ("supplier_invoices", invoice("100", lines=WRONG))


@contextmanager
def deciding(pipeline: Pipeline) -> Iterator[Action]:
    store = open_store(pipeline.url)
    try:
        with action(store, pipeline.url, pipeline.name, "dead", "fake-1") as act:
            yield act
    finally:
        store.close()


def letter_of(pipeline: Pipeline, number: int) -> Letter:
    store = open_store(pipeline.url)
    with store.reading() as connection:
        (letter,) = find_letters(connection, ids=[number])
    store.close()
    return letter


def edit(pipeline: Pipeline, number: int = 1, /, *, wait: bool = False, undo: bool = False, **wanted: str) -> None:
    reading = Reading(SourceMap.load("erp", [pipeline.folder]), TargetMap.load("fake", [pipeline.folder]))
    paths = {path.replace("__", "."): value for path, value in wanted.items()}
    with deciding(pipeline) as act:
        wish = edit_wish(reading, find_letters(act.connection, ids=[number])[0], paths, "moved", undo=undo)
        carry_out.submit(act, [wish], wait=wait)


def to_6400(pipeline: Pipeline, **options: Any) -> None:
    edit(pipeline, **{"lines[1]__account": "6400"}, **options)


def drop(pipeline: Pipeline, number: int = 1) -> None:
    with deciding(pipeline) as act:
        letter = find_letters(act.connection, ids=[number])[0]
        carry_out.submit(act, [Wish(number, letter.business_key, decisions.DROP, "paid by hand", {})], wait=False)


def accounts(pipeline: Pipeline) -> list[str]:
    return [row["account"] for row in pipeline.server.tables["invoice_lines"].values()]


def events(pipeline: Pipeline, kind: str) -> list[dict[str, Any]]:
    return [json.loads(row["data"]) for row in pipeline.rows("events", kind=kind, business_key=KEY)]


@pytest.fixture
def parked(pipeline: Pipeline) -> Pipeline:
    pipeline.run(S1, PARKED)
    assert pipeline.state_of(KEY) == ("parked", "account_missing")
    return pipeline


def test_an_edit_is_delivered_and_holds_whatever_meets_the_version_again(parked: Pipeline) -> None:
    to_6400(parked)
    assert parked.run(PARKED).counts == {"received": 1, "carried_in": 1, "superseded": 1, "delivered": 1}
    assert accounts(parked) == ["6300", "6400"]
    assert letter_of(parked, 1).closed_by == "settled"
    (told,) = events(parked, "edit")
    assert told["changes"] == {"lines[1].account": ["7777", "6400"]}
    assert told["reason"] == "moved"
    (delivered,) = events(parked, "delivered")
    assert delivered["edited"] == ["lines[1].account"]
    assert parked.run(PARKED).counts == {"received": 1, "unchanged": 1}
    writes = parked.server.writes.total()
    parked.run(PARKED, resend=True)
    parked.run(PARKED, source_map=SOURCE_MAP + "# another version of the map\n")
    assert accounts(parked) == ["6300", "6400"]
    assert parked.server.writes.total() > writes  # it was sent again, with the edit


def test_a_parked_record_is_delivered_with_its_edit_by_the_next_run_that_looks_again(parked: Pipeline) -> None:
    to_6400(parked)
    assert parked.run().counts == {"carried_in": 1, "delivered": 1}
    assert accounts(parked) == ["6300", "6400"]


def test_an_edit_is_void_when_the_source_record_changes_and_stays_so(parked: Pipeline) -> None:
    to_6400(parked)
    newer = ("supplier_invoices", invoice("100", lines=WRONG, reference="corrected"))
    parked.run(newer)
    assert parked.state_of(KEY) == ("parked", "account_missing")
    assert events(parked, "edit_void") == [{"letter": 1, "fields": ["lines[1].account"]}]
    assert [row["edit"] for row in parked.rows("dead_letters")] == [None, None]
    assert [row["state"] for row in parked.rows("decisions")] == ["void"]
    parked.run(PARKED)  # back to what it was
    parked.run(PARKED)
    assert parked.state_of(KEY) == ("parked", "account_missing")
    assert len(events(parked, "edit_void")) == 1
    assert parked.server.count("invoices") == 0


def test_an_edit_that_the_map_outgrew_is_refused_not_forced(parked: Pipeline) -> None:
    to_6400(parked)
    parked.run(PARKED, source_map=SOURCE_MAP.replace("account: account", "account: concat('X', account)"))
    assert parked.state_of(KEY) == ("refused", edits.DOES_NOT_FIT)
    assert parked.server.count("invoices") == 0


def test_an_edit_survives_that_the_letter_closes_and_opens_again(parked: Pipeline) -> None:
    to_6400(parked)
    parked.run(PARKED)
    assert letter_of(parked, 1).closed_by == "settled"
    sink = FakeSink(parked.server, refuse={KEY: "locked"})
    parked.run(PARKED, sink=sink, resend=True)
    again = letter_of(parked, 1)
    assert again.is_open
    assert list(again.edits) == ["lines[1].account"]
    to = [effect.payload["account"] for effect in sink.sent if effect.name == "line:2"]
    assert set(to) <= {"6400"}


def test_several_edits_add_up_and_can_be_taken_back(parked: Pipeline) -> None:
    to_6400(parked)
    edit(parked, title="Paper, October", due_date="2026-11-30")
    assert set(letter_of(parked, 1).edits) == {"lines[1].account", "title", "due_date"}
    edit(parked, **{"lines[1]__account": "7777"})  # what the source says
    assert set(letter_of(parked, 1).edits) == {"title", "due_date"}
    edit(parked, undo=True)
    assert letter_of(parked, 1).edit is None
    with pytest.raises(Stop, match="changes nothing"):
        edit(parked, undo=True)
    assert [event["changes"].get("title") for event in events(parked, "edit")] == [None, "changed", None, "changed"]
    parked.run(PARKED)
    assert parked.state_of(KEY) == ("parked", "account_missing")


def test_a_bank_account_in_a_text_is_sealed_in_the_store(parked: Pipeline) -> None:
    iban = "NO93 8601 1117 947"
    edit(parked, title=f"pay to {iban}")
    kept = "".join(str(parked.rows(name)) for name in ("dead_letters", "decisions", "events"))
    assert "sealed:v1:" in kept
    assert iban not in kept
    edit(parked, **{"lines[1]__account": "6400"})
    assert set(letter_of(parked, 1).edits) == {"title", "lines[1].account"}
    assert parked.run().counts == {"carried_in": 1, "delivered": 1}


def test_edits_at_the_same_moment_lose_nothing(parked: Pipeline) -> None:
    start = Barrier(4)

    def one(number: int) -> str:
        start.wait()
        try:
            edit(parked, title=f"by person {number}")
        except EnvironmentFault as fault:
            return str(fault)
        return ""

    with ThreadPoolExecutor(4) as people:
        refusals = list(people.map(one, range(4)))
    kept = [json.loads(row["data"]) for row in sorted(parked.rows("decisions"), key=lambda row: row["id"])]
    assert len(kept) == refusals.count("") >= 1
    assert all("another process" in words for words in refusals if words)
    assert letter_of(parked, 1).edits == kept[-1]["edit"]
    for before, after in pairwise(kept):
        assert after["changes"]["title"][0] == before["edit"]["title"][1]  # each saw what the one before had done


def test_an_edit_of_every_line_at_once(parked: Pipeline) -> None:
    edit(parked, **{"lines[*]__gl_account": "6400"})
    parked.run()
    assert accounts(parked) == ["6400", "6400"]


REFUSED = (
    ("total", "1", "cannot be edited"),
    ("net", "1", "cannot be edited"),
    ("tax", "1", "cannot be edited"),
    ("lines[0].amount", "1", "cannot be edited"),
    ("currency", "EUR", "cannot be edited"),
    ("supplier", "S2", "cannot be edited"),
    ("company", "SE01", "cannot be edited"),
    ("number", "9", "cannot be edited"),
    ("sign", "-1", "cannot be edited"),
    ("document_type", "credit_note", "cannot be edited"),
    ("supplier_invoice_number", "x", "cannot be edited"),
    ("lines[0].tax_code", "x", "cannot be edited"),
    ("lines[0].line_number", "x", "cannot be edited"),
    ("lines[7].account", "6400", "Did you mean"),
    ("account", "6400", "Did you mean"),
    ("lines.account", "6400", "Did you mean"),
    ("__class__", "x", "not the path"),
    ("lines[0].account[0]", "x", "not the path"),
    ("due_date", "tomorrow", "is a date"),
    ("posting_date", "", "must not be empty"),
)


def test_what_may_not_be_edited_is_refused_and_changes_nothing(parked: Pipeline) -> None:
    before = parked.rows("events")
    for path, value, words in REFUSED:
        with pytest.raises(ConfigError, match=words):
            edit(parked, **{path.replace(".", "__") if path != "__class__" else path: value})
    assert letter_of(parked, 1).edit is None
    assert parked.rows("events") == before
    assert parked.rows("decisions") == []


def test_no_editable_field_is_money_or_says_who_or_how_much() -> None:
    forbidden = {
        "currency",
        "rate",
        "supplier",
        "customer",
        "company",
        "entity",
        "tax_code",
        "tax_id",
        "number",
        "code",
    }
    forbidden |= {"document_type", "sign", "quantity", "unit_price", "payment_method", "payment_reference", "email"}
    seen = 0
    for name, paths in EDITABLE.items():
        for path in paths - {"title"}:
            rows, _, field = path.rpartition(".")
            fields = RECORD_TYPES[name].fields
            declared = (fields[rows].rows.fields if rows else fields)[field]  # type: ignore[union-attr]
            assert declared.kind in {"text", "date", "map", "boolean"}, path
            assert field not in forbidden
            assert rows in {"", "lines"}
            seen += 1
    assert seen > 50


def test_an_edit_that_waits_is_not_applied_until_another_person_agrees(
    parked: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_6400(parked, wait=True)
    parked.run(PARKED)
    assert parked.state_of(KEY) == ("parked", "account_missing")
    with pytest.raises(ConfigError, match="a decision that waits"):
        edit(parked, title="Something else")
    with deciding(parked) as act:
        decision = decisions.waiting(act.connection, 1)
    assert decision is not None
    wish = Wish(1, KEY, decision.kind, decision.reason, decision.data)
    with pytest.raises(ConfigError, match="four eyes"), deciding(parked) as act:
        carry_out.approve(act, decision, wish)
    assert letter_of(parked, 1).edit is None
    monkeypatch.setattr(actions, "actor", lambda: "colleague")
    with deciding(parked) as act:
        carry_out.approve(act, decision, wish)
    parked.run(PARKED)
    assert accounts(parked) == ["6300", "6400"]
    (row,) = parked.rows("decisions")
    assert (row["state"], row["approved_by"]) == ("done", "colleague")


def test_a_wish_whose_record_has_changed_cannot_be_approved(parked: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    to_6400(parked, wait=True)
    with deciding(parked) as act:
        decision = decisions.waiting(act.connection, 1)
    assert decision is not None
    parked.run(("supplier_invoices", invoice("100", lines=WRONG, reference="corrected")))
    monkeypatch.setattr(actions, "actor", lambda: "colleague")
    wish = Wish(1, KEY, decision.kind, decision.reason, decision.data)
    with pytest.raises(ConfigError, match="is closed"), deciding(parked) as act:
        carry_out.approve(act, decision, wish)
    assert all(row["edit"] is None for row in parked.rows("dead_letters"))


def test_a_dropped_record_stays_in_the_balance_until_its_source_changes(parked: Pipeline) -> None:
    drop(parked)
    assert parked.state_of(KEY) == ("waived", "dropped")
    assert letter_of(parked, 1).closed_by == "dropped"
    taken = {(row["kind"], row["amount"]) for row in parked.rows("tallies") if row["run_id"] == _last_action(parked)}
    assert taken == {("carried_in", "125.00"), ("waived", "125.00")}
    assert parked.run().counts == {}
    assert parked.run(PARKED).counts == {"received": 1, "waived": 1}
    assert parked.run(PARKED, resend=True).counts == {"received": 1, "waived": 1}
    parked.server.masters["accounts"].append({"source": "erp:NO01", "code": "7777", "active": "true", "id": "x"})
    assert parked.run(PARKED).counts == {"received": 1, "waived": 1}
    newer = ("supplier_invoices", invoice("100", lines=WRONG, reference="corrected"))
    assert parked.run(newer).counts == {"received": 1, "delivered": 1}
    assert events(parked, "waived")[0]["reason"] == "paid by hand"


def _last_action(pipeline: Pipeline) -> str:
    return max(row["id"] for row in pipeline.rows("runs", kind="action"))


def test_a_replay_brings_a_dropped_record_back(parked: Pipeline) -> None:
    drop(parked)
    parked.server.masters["accounts"].append({"source": "erp:NO01", "code": "7777", "active": "true", "id": "x"})
    assert parked.run(PARKED, replay=True).counts == {"received": 1, "delivered": 1}


def test_a_window_that_is_read_again_leaves_alone_what_was_dropped_or_refused(parked: Pipeline) -> None:
    drop(parked)
    wrong = ("supplier_invoices", invoice("101", total=Decimal(1)))
    parked.run(wrong)
    report = parked.run(PARKED, wrong, replay_of="r1")
    assert (report.counts["waived"], report.counts["refused"]) == (1, 1)
    (run,) = parked.rows("runs", replay_of="r1")
    assert run["kind"] == "replay"
    assert parked.server.count("invoices") == 0


def retitle(pipeline: Pipeline) -> None:
    edit(pipeline, title="late")


@pytest.mark.parametrize("decide", [retitle, drop])
def test_nothing_is_decided_about_what_may_have_arrived(pipeline: Pipeline, decide: Any) -> None:
    good = ("supplier_invoices", invoice("100"))
    sink = FakeSink(pipeline.server, swallow={KEY})
    sink.settle = lambda effects, *, wait: []  # type: ignore[method-assign]  # the answer stays lost
    pipeline.run(S1, good, sink=sink)
    assert pipeline.state_of(KEY)[0] == "in_doubt"
    with pytest.raises(ConfigError, match="no outcome yet"):
        decide(pipeline)


def test_nothing_is_decided_about_what_has_arrived(parked: Pipeline) -> None:
    to_6400(parked)
    parked.run()
    for decide in (drop, retitle):
        with pytest.raises(ConfigError, match="is closed"):
            decide(parked)


def test_a_run_under_way_keeps_decisions_out(parked: Pipeline) -> None:
    seen: list[str] = []

    def try_it(_: object) -> None:
        with pytest.raises(EnvironmentFault, match="another process") as told:
            to_6400(parked)
        seen.append(str(told.value))

    parked.run(("supplier_invoices", invoice("101")), sink=FakeSink(parked.server, before_send=try_it))
    assert seen
    assert letter_of(parked, 1).edit is None
    to_6400(parked)
    assert letter_of(parked, 1).edit


def test_a_replay_touches_no_other_record(parked: Pipeline) -> None:
    """Another one that waits may be stale: only a run that reads the source first looks at it again."""
    other = ("supplier_invoices", invoice("200", lines=WRONG))
    parked.run(other)
    parked.server.masters["accounts"].append({"source": "erp:NO01", "code": "7777", "active": "true", "id": "x"})
    assert parked.run(other, replay=True).counts["delivered"] == 1
    assert parked.state_of(KEY)[0] == "parked"
    assert parked.run().counts == {"carried_in": 1, "delivered": 1}


def closings(pipeline: Pipeline) -> list[str | None]:
    return [row["closed_by"] for row in sorted(pipeline.rows("dead_letters"), key=lambda row: row["id"])]


def test_a_letter_closes_by_itself_when_a_later_version_succeeds(pipeline: Pipeline) -> None:
    for reference in ("a", "b", "c"):
        pipeline.run(S1, ("supplier_invoices", invoice("100", lines=WRONG, reference=reference)))
    assert closings(pipeline) == ["superseded", "superseded", None]
    pipeline.run(("supplier_invoices", invoice("100", reference="d")))
    assert closings(pipeline) == ["superseded", "superseded", "settled"]
    pipeline.run(("supplier_invoices", invoice("100", lines=WRONG, reference="b")))  # an old version is met again
    assert closings(pipeline) == ["superseded", None, "settled"]
    assert len(pipeline.rows("dead_letters")) == 3


def test_amounts_of_an_edited_record_are_those_of_its_source(parked: Pipeline) -> None:
    (row,) = parked.rows("deliveries", business_key=KEY)
    before: Decimal = row["amount"]
    to_6400(parked)
    parked.run()
    (row,) = parked.rows("deliveries", business_key=KEY)
    assert row["amount"] == before


def test_a_purge_takes_what_was_edited_and_leaves_who_and_why(parked: Pipeline) -> None:
    edit(parked, **{"lines[1].account": "6400"})
    assert parked.run(replay=True).counts
    parked.run(PARKED, replay=True)
    assert parked.state_of(KEY)[0] == "delivered"
    store = open_store(parked.url)
    done = purge(store, parked.url, "9999", "kept long enough")
    store.close()
    assert (done.records, done.decisions) == (1, 1)
    (letter,), (decision,) = parked.rows("dead_letters"), parked.rows("decisions")
    assert (letter["record"], letter["edit"], decision["data"]) == ("{}", None, "{}")
    assert decision["actor"]
    assert decision["reason"]
    assert parked.run(PARKED).counts == {"received": 1, "unchanged": 1}
