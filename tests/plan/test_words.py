"""A plan as people see it, and what is written down when they let it happen."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from ml_connector.cli.desk import Desk
from ml_connector.cli.plan_pictures import differences_picture, plan_picture
from ml_connector.cli.planning import approve
from ml_connector.cli.processes import child_environment
from ml_connector.plan.compare import Difference
from ml_connector.plan.totals import net
from ml_connector.plan.words import PLAN, PLAN_TO
from ml_connector.store.text import decode
from rich.console import Console

from tests.delivery.conftest import S1, invoice, supplier
from tests.plan.conftest import Planner, plan_of


def drawn(picture: object) -> str:
    text = io.StringIO()
    Console(file=text, width=120).print(picture)
    return text.getvalue()


def two_companies(pipeline: Planner) -> list[tuple[str, dict[str, object]]]:
    pipeline.run(S1, ("supplier_invoices", invoice("100")))
    lines = [{"nr": 1, "amount": Decimal("1204300.50"), "account": "6300"}]
    credit = invoice("103", type="credit_note", reference="other")
    return [
        ("supplier_invoices", invoice("100", currency="EUR")),
        ("supplier_invoices", invoice("101", lines=lines, currency="SEK")),
        ("supplier_invoices", invoice("102", total=Decimal(1))),
        ("supplier_invoices", credit),
        ("suppliers", supplier("S1", "SE01")),
        ("supplier_invoices", invoice("200", "SE01", lines=lines, currency="SEK")),
    ]


def test_the_totals_come_first_and_add_up(pipeline: Planner) -> None:
    plan = plan_of(pipeline.plan(*two_companies(pipeline)))
    text = drawn(plan_picture(plan, everything=False))
    assert "4 new, 1 changed, 1 blocked." in text
    assert "Net amount 125.00 EUR, -125.00 NOK, 2,408,651.00 SEK." in text
    assert net(plan.records)["SE01", "SEK"] == Decimal("1204325.50")
    assert text.index("Net amount") < text.index("does_not_foot".replace("_", " ")) < text.index("Changed")
    assert "header  currency: NOK → EUR" in text
    assert "next: ml-connector" in text
    assert "New\n" not in text


def test_all_shows_every_record(pipeline: Planner) -> None:
    plan = plan_of(pipeline.plan(*two_companies(pipeline)))
    text = drawn(plan_picture(plan, everything=True))
    for record in plan.records:
        assert record.name in text
    assert "line:1  new in invoice_lines" in text


def test_an_empty_plan_says_so(pipeline: Planner) -> None:
    text = drawn(plan_picture(plan_of(pipeline.plan()), everything=True))
    assert "Nothing came." in text
    assert "Nothing with an amount would be sent." in text


def test_many_differences_are_counted_not_poured_out() -> None:
    found = [Difference("p", f"record {number}", "changed in the source") for number in range(30)]
    text = drawn(differences_picture(found))
    assert "record 19" in text
    assert "record 20" not in text
    assert "and 10 more" in text


def test_who_let_it_happen_is_written_down_and_opens_the_way(pipeline: Planner) -> None:
    both = [S1, ("suppliers", supplier("S1", "SE01"))]
    flow = pipeline.plan(*both)
    plan = plan_of(flow)
    desk = Desk("run", store_option=pipeline.url)
    approve(desk, plan)
    approve(desk, plan)  # by somebody who lost the first answer
    kept = pipeline.rows("approvals")
    assert [(row["company"], row["plan"], row["map_version"]) for row in kept] == [
        (company, plan.hash, flow.map_version) for company in ("NO01", "SE01")
    ]
    events = [row for row in pipeline.rows("events") if row["kind"] == "plan_approved"]
    assert len(events) == 2
    assert decode(events[0]["data"])["companies"] == ["NO01", "SE01"]
    (actor,) = {row["actor"] for row in kept}
    assert {row["actor"] for row in pipeline.rows("runs", kind="action")} == {actor}
    assert pipeline.run_approved("first", *both).counts == {"received": 2, "delivered": 2}


def test_nothing_exported_by_chance_makes_a_run_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLAN_TO, "/tmp/somewhere")
    monkeypatch.setenv(PLAN, "/tmp/some.json")
    assert not {PLAN, PLAN_TO} & child_environment().keys()
    assert child_environment(**{PLAN: "mine"})[PLAN] == "mine"
