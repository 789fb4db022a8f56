"""What a re-read makes of the lines a target tells: sums on both sides, forms of its own, and masks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ml_connector.delivery.reading import Found
from ml_connector.delivery.sink import Effect
from ml_connector.errors import Forbidden
from ml_connector.mapping.target_map import TargetMap
from ml_connector.reconcile.reread import Rereading
from ml_connector.reconcile.scope import Scope
from ml_connector.reconcile.target_view import OWN_FORM, TargetView
from ml_connector.store import open_store

from tests.delivery.conftest import KEY, ONLY_SQLITE, S1, TARGET_MAP, Pipeline, database, invoice, pipeline
from tests.delivery.fake_target import FakeSink

__all__ = ["database", "pipeline"]
pytestmark = ONLY_SQLITE
PRICED = TARGET_MAP.replace("    __frozen_states__:", "    __amount__: total\n    __frozen_states__:")


def lines(pipeline: Pipeline, scope: Scope | None = None) -> list[dict[str, Any]]:
    """Read again what the fake target holds, as its `--reread` would tell."""
    store = open_store(pipeline.url)
    try:
        target_map = TargetMap.load("fake", [pipeline.folder])
        rereading = Rereading(store, FakeSink(pipeline.server), target_map, "fake-1")
        return list(rereading.lines(scope or Scope(pipeline=pipeline.name)))
    finally:
        store.close()


def view(pipeline: Pipeline) -> TargetView:
    known = {row["business_key"]: row for row in pipeline.rows("deliveries")}
    found = TargetView()
    found.take(lines(pipeline), known)
    return found


def row(pipeline: Pipeline, table: str = "invoices") -> dict[str, Any]:
    return next(iter(pipeline.server.tables[table].values()))


def test_what_is_as_it_was_confirmed_is_equal_and_sums_agree(pipeline: Pipeline) -> None:
    credit = invoice("101", type="credit_note")
    pipeline.run(S1, ("supplier_invoices", invoice("100")), ("supplier_invoices", credit), target_map=PRICED)
    for each in pipeline.server.tables["invoices"].values():
        each["total"] = abs(each["total"])  # a target that keeps no sign
    found = view(pipeline)
    assert found.counts[Found.EQUAL] == 2  # the supplier and the invoice
    assert found.counts[Found.DIFFERS] == 1  # the sign was sent, and is gone
    (sides,) = found.sums.values()
    assert (sides.count, sides.ours, sides.theirs) == (2, Decimal(0), Decimal(0))


def test_columns_of_the_targets_people_are_not_held_against_them(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100")), target_map=PRICED)
    row(pipeline)["opened_by"] = "a.person"  # create_only
    row(pipeline)["stage"] = "paid"  # the target's own
    found = view(pipeline)
    assert not found.differs
    (invoices,) = (table for table in found.tables if table.read_in == "invoices")
    assert invoices.compared == ["currency", "key", "original", "source", "supplier", "total"]


def test_an_edited_amount_and_a_deleted_row_are_named(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100")), target_map=PRICED)
    row(pipeline)["total"] = Decimal("1.00")
    pipeline.server.tables["invoice_lines"].popitem()
    found = view(pipeline)
    (changed,) = found.changed
    assert (changed.business_key, changed.words, changed.live_amount) == (KEY, "rows missing", "1.00")
    assert {each["name"]: each["differences"] for each in changed.rows} == {
        "header": {"total": ["125.00", "1.00"]},
        "line:2": {},
    }
    assert [(sides.ours, sides.theirs) for sides in found.sums.values()] == [(Decimal("125.00"), Decimal("1.00"))]
    pipeline.server.tables["invoices"].clear()
    assert [(sides.ours, sides.theirs) for sides in view(pipeline).sums.values()] == [(Decimal("125.00"), Decimal(0))]


def test_a_row_that_stands_there_twice_differs(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100")), target_map=PRICED)
    pipeline.server.masters["invoices"] = [dict(row(pipeline), id="another")]
    (changed,) = view(pipeline).changed
    assert changed.rows[0]["message"] == "several rows have its key"


@pytest.mark.parametrize(("count", "own_form"), [(9, False), (10, True)])
def test_a_text_that_differs_everywhere_is_the_targets_own_form(
    pipeline: Pipeline, count: int, *, own_form: bool
) -> None:
    pipeline.run(S1, *(("supplier_invoices", invoice(str(number))) for number in range(count)), target_map=PRICED)
    for each in pipeline.server.tables["invoices"].values():
        each["currency"] = "kroner"
    found = view(pipeline)
    assert found.counts[Found.DIFFERS] == (0 if own_form else count)
    left_out = {name: why for table in found.tables for name, why in table.left_out.items()}
    assert (left_out.get("currency") == OWN_FORM) is own_form


def test_amounts_that_differ_everywhere_are_never_a_form(pipeline: Pipeline) -> None:
    pipeline.run(S1, *(("supplier_invoices", invoice(str(number))) for number in range(12)), target_map=PRICED)
    for each in pipeline.server.tables["invoices"].values():
        each["total"] += 1
    assert view(pipeline).counts[Found.DIFFERS] == 12


def test_personal_values_are_masked_on_both_sides(pipeline: Pipeline) -> None:
    private = PRICED.replace("      name: name\n", "      name: name\n      bank_account: name\n")
    pipeline.run(S1, target_map=private)
    row(pipeline, "suppliers")["bank_account"] = "97101212345"
    told = lines(pipeline)
    assert told[0]["rows"][0]["differences"] == {"bank_account": ["***", "***"]}
    assert "97101212345" not in str(told)


def test_only_the_scope_is_asked_for(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100")), target_map=PRICED)
    assert len([each for each in lines(pipeline) if "record" in each]) == 2
    assert lines(pipeline, Scope(company="SE01")) == []


def test_a_sink_that_may_not_look_says_so(pipeline: Pipeline) -> None:
    class Blind(FakeSink):
        def lookup(self, *_: Any) -> Any:
            raise Forbidden("give the account a role")

    effect = Effect(1, KEY, "header", "invoices", "row", {"key": "100"}, {"key": "100", "total": Decimal(1)})
    (reading,) = Blind(pipeline.server).reread([effect])
    assert (reading.found, reading.message) == (Found.UNREADABLE, "give the account a role")


@pytest.mark.usefixtures("database")
def test_a_total_in_another_currency_is_not_summed_as_ours() -> None:
    known = {"company": "NO01", "record_type": "supplier_invoices", "title": "1", "amount": "5.00", "currency": "EUR"}
    found = TargetView()
    line = {"record": KEY, "result": "equal", "amount": "5.00", "currency": "NOK", "rows": []}
    found.take([line], {KEY: {"business_key": KEY, **known}})
    assert [(sides.ours, sides.theirs) for sides in found.sums.values()] == [(Decimal("5.00"), Decimal(0))]
    assert found.changed[0].rows[0]["differences"] == {"currency": ["EUR", "NOK"]}
