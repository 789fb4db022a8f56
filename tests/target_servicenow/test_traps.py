"""The traps of apis/servicenow.md §3: caught before the first write, or at the first row."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from ml_connector.delivery.sink import State
from ml_connector.errors import ConfigError, Forbidden, OutOfPatience
from ml_connector.vendors.servicenow.dictionary import Column
from ml_connector_simulators.kit import Fault
from ml_connector_simulators.servicenow import InsertMultiple, Installation
from target_servicenow_importset.values import Unfit, same, text

from tests.target_servicenow.conftest import INVOICE, SUPPLIER, make

DELIVERED, SENT = State.DELIVERED, State.SENT


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (12, "12"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.10"), "-0.10"),
        (Decimal("-0.00"), "0.00"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("12345678901234567890.1234"), "12345678901234567890.1234"),
        (date(2026, 10, 1), "2026-10-01"),
        (datetime(2026, 10, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2026-09-30 23:30:00"),
        ("Ærlig & Sønn", "Ærlig & Sønn"),
    ],
)
def test_every_value_is_sent_as_text(value, sent):
    assert text(value) == sent


@pytest.mark.parametrize(
    "value", [1.1, {"value": 1}, [1], Decimal("NaN"), datetime(2026, 10, 1, tzinfo=UTC).replace(tzinfo=None), b"x"]
)
def test_a_value_without_a_faithful_text_is_unfit(value):
    with pytest.raises(Unfit):
        text(value)


@pytest.mark.parametrize(
    ("sent", "stored", "equal"),
    [
        ("100.5", "100.50", True),
        ("100.5", "100.51", False),
        ("true", "1", True),
        ("true", "false", False),
        ("NULL", "", False),
        ("", "", True),
        ("", "0", False),
        ("abc", "ABC", False),
    ],
)
def test_a_stored_value_equals_the_sent_one(sent, stored, equal):
    assert same(sent, stored, Column("u_any", "Any", "decimal", 15)) is equal


@pytest.mark.parametrize(
    ("payload", "reason", "field"),
    [
        ({"Legal name": "x" * 101}, "too_long", "Legal name"),
        ({"Legal name": "NULL"}, "null_literal", "Legal name"),
        ({"Legal name": " NULL "}, "null_literal", "Legal name"),
        ({"Legal name": {"value": "Nordic"}}, "not_representable", "Legal name"),
        ({"Legal name": 1.5}, "not_representable", "Legal name"),
        (
            {"Long description": "x" * 3990, "Logo URL": "ø" * 1020, "URL": "ø" * 1020, "City": "y" * 90},
            "row_too_large",
            None,
        ),
    ],
)
def test_a_row_the_instance_would_spoil_is_refused_before_any_write(bench, payload, reason, field):
    it = bench()
    problem = it.sink.check(it.supplier("50001", payload=payload))
    assert problem is not None
    assert (problem.reason, problem.field, problem.state) == (reason, field, State.REFUSED)
    assert problem.suggestion
    assert it.sim.log.writes() == []


def test_values_at_their_limits_pass(bench):
    it = bench()
    effect = it.supplier("50001", "x" * 100, payload={"Short description": "null", "Tax id": None})
    assert it.sink.check(effect) is None
    it.send(effect)
    assert it.sim.table("sn_fin_supplier")[0]["legal_name"] == "x" * 100


@pytest.mark.parametrize("number", ["", "  ", "javascript:gs.log(1)"])
def test_a_key_that_cannot_identify_is_refused(bench, number):
    it = bench()
    problem = it.sink.check(it.supplier(number))
    assert problem is not None
    assert problem.field == "Supplier number"


def test_a_max_length_only_this_instance_has_is_respected(bench):
    it = bench(Installation(max_lengths={(SUPPLIER, "legal_name"): 12}))
    problem = it.sink.check(it.supplier("50001", "Nordic Paper AS"))
    assert problem is not None
    assert "12" in problem.message


def test_names_sent_to_a_table_that_takes_labels_are_noticed_at_the_first_row(bench):
    it = bench(mode="insert_multiple", key_style="column")
    effects = [it.supplier(str(n)) for n in range(300)]
    outcomes = []
    with pytest.raises(ConfigError, match="key_style"):
        outcomes.extend(it.sink.send(effects))
    assert {(o.state, o.reason) for o in outcomes} == {(State.FAILED, "not_sent")}
    assert len(it.sim.table(SUPPLIER)) == 1, "one row was spoilt, 299 were spared"
    it.sim.process_imports()
    assert it.sim.table("sn_fin_supplier") == []


def test_labels_sent_to_a_table_that_takes_names_are_noticed_at_the_first_row(bench):
    it = bench(
        Installation(insert_multiple={SUPPLIER: InsertMultiple(keys="column_name")}),
        mode="insert_multiple",
        key_style="label",
    )
    with pytest.raises(ConfigError, match=r"without .*legal_name"):
        list(it.sink.send([it.supplier("1"), it.supplier("2")]))
    assert len(it.sim.table(SUPPLIER)) == 1


@pytest.mark.parametrize("keys", ["label", "column_name", None])
def test_the_key_style_is_found_out(bench, keys):
    setting = {SUPPLIER: InsertMultiple(keys=keys)} if keys else {}
    it = bench(Installation(insert_multiple=setting), mode="insert_multiple", key_style="auto")
    outcomes = it.settle(it.send(*(it.supplier(str(n)) for n in range(5))))
    assert it.states(outcomes) == [(DELIVERED, "created")] * 5
    assert len(it.sim.table(SUPPLIER)) == 5


def test_one_column_the_instance_does_not_store_is_noticed_at_the_first_row(bench):
    it = bench(mode="insert_multiple", key_style="label")
    store = it.sim.instance.store
    (entry,) = store.find("sys_dictionary", name=SUPPLIER, element="legal_name")
    store.update("sys_dictionary", entry["sys_id"], {"column_label": "A label the import does not know"})
    key = {"ERP source": "visma:NO01", "Supplier number": "1"}
    with pytest.raises(ConfigError, match="without legal_name"):
        list(it.sink.send([make(SUPPLIER, key, {**key, "legal_name": "Nordic"}) for _ in range(3)]))
    assert len(it.sim.table(SUPPLIER)) == 1


@pytest.mark.parametrize(("choice", "kept"), [("keep", "NO123"), ("clear", "")])
def test_an_emptied_source_value(bench, choice, kept):
    it = bench(empty_values=choice)
    (created,) = it.send(it.supplier("50001", payload={"Tax id": "NO123"}))
    it.send(it.supplier("50001", "New name", payload={"Tax id": None}, target_id=created.target_id))
    (row,) = it.sim.table("sn_fin_supplier")
    assert (row["legal_name"], row["tax_id"]) == ("New name", kept)


def test_a_skipped_row_is_not_delivered(bench):
    it = bench()
    key = {"ERP source": "", "u_external_invoice_number": ""}
    (outcome,) = it.send(make(INVOICE, key, {**key, "u_currency": "NOK"}))
    assert (outcome.state, outcome.reason) == (State.REFUSED, "no_coalesce_value")
    assert outcome.target_id is None


def test_a_first_row_that_cannot_be_read_back_in_time_was_still_sent(bench):
    it = bench(mode="insert_multiple", key_style="label")
    effects = [it.supplier("1"), it.supplier("2")]
    it.sink.check(effects[0])
    it.sim.faults.add(
        Fault("status", path=f"/table/{SUPPLIER}", method="GET", status=429, headers={"Retry-After": "999"})
    )
    outcomes = []
    with pytest.raises(OutOfPatience):
        outcomes.extend(it.sink.send(effects))
    assert [(o.effect.id, o.state) for o in outcomes] == [(effects[0].id, SENT), (effects[1].id, State.FAILED)]
    it.clock.sleep(1000)
    it.sim.process_imports()
    assert it.states(it.settle(outcomes[:1])) == [(DELIVERED, "created")]


def test_a_missing_role_is_tried_with_one_row_only(bench):
    it = bench(mode="insert_multiple", key_style="label")
    effects = [it.supplier(str(n)) for n in range(20)]
    it.sink.check(effects[0])
    it.sim.revoke("integration.user", "import_transformer")
    outcomes = []
    with pytest.raises(Forbidden):
        outcomes.extend(it.sink.send(effects))
    assert len(it.sim.log.writes()) == 1
    assert [o.state for o in outcomes] == [State.IN_DOUBT] + [State.FAILED] * 19
