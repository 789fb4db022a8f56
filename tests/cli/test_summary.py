"""Status: the balance, what waits, and the exit code, from a store made by hand."""

from __future__ import annotations

import re

import pytest

from tests.cli.conftest import NO, SE, House


def test_the_balance_adds_up_in_words(october: House) -> None:
    summary = october.answer("status")
    (account,) = [each for each in summary["records"] if each["currency"] == "NOK"]
    assert account["received"] == {"count": 3, "amount": "1204330.50"}
    assert account["delivered"] == {"count": 1, "amount": "1204129.50"}
    assert account["parked"] == {"count": 1, "amount": "100.50"}


def test_status_shows_causes_with_amount_age_and_the_next_command(october: House) -> None:
    done = october.call("status")
    assert done.exit_code == 4
    assert "in balance" in done.stdout
    assert "cost center missing" in done.stdout
    assert "NOK 100.50" in done.stdout
    assert "Add cost center 990" in done.stdout
    assert "next: ml-connector run" in done.stdout
    assert "next: ml-connector dead replay --cause does_not_foot" in done.stdout


@pytest.mark.parametrize(
    ("codes", "expected"),
    [((0, 0), 0), ((0, 4), 4), ((4, 5), 5), ((5, 3), 3), ((3, 2), 2), ((2, 1), 1), ((4, None), 1)],
)
def test_the_worst_run_decides_the_exit_code(house: House, codes: tuple[int, int | None], expected: int) -> None:
    house.run("r1", NO, exit_code=codes[0])
    house.run("r2", SE, exit_code=codes[1], ended_at=None if codes[1] is None else "2026-11-01T05:01:00.000000+00:00")
    assert house.call("status").exit_code == expected


def test_only_the_last_run_of_a_pipeline_counts_and_replays_do_not(house: House) -> None:
    house.run("old", exit_code=5, started_at="2026-11-01T04:00:00.000000+00:00")
    house.run("new", exit_code=0, started_at="2026-11-01T05:00:00.000000+00:00")
    house.run("replay", exit_code=4, kind="replay", started_at="2026-11-01T06:00:00.000000+00:00")
    assert [run["id"] for run in house.answer("status")["runs"]] == ["new"]


def test_an_out_of_balance_run_is_told_with_its_differences(house: House) -> None:
    house.run(
        "r1", balance="out_of_balance", exit_code=5, message="NO01 supplier_invoices: 1 records without an outcome"
    )
    done = house.call("status")
    assert done.exit_code == 5
    assert "OUT OF BALANCE: NO01 supplier_invoices: 1 records" in done.stdout


def test_a_foreign_tap_is_unproven_not_in_balance(house: House) -> None:
    house.run("r1", balance="unproven")
    assert "unproven" in house.call("status").stdout
    assert "in balance" not in house.call("status").stdout


def test_a_store_without_runs_says_what_to_type(house: House) -> None:
    done = house.call("status")
    assert done.exit_code == 2
    assert done.stderr.rstrip().endswith("next: ml-connector run")


def test_no_color_is_obeyed(october: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = re.compile(r"\x1b\[[0-9;]*3[1-7]m")
    assert coloured.search(october.call("status", color=True).stdout)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured.search(october.call("status", color=True).stdout)


def test_amounts_are_exact_and_many_titles_are_cut(house: House) -> None:
    house.run("r1", exit_code=4)
    for number in range(5):
        house.delivery(str(number), "parked", reason="frozen", amount="0.10", title=f"{number} " + "x" * 300)
    (cause,) = house.answer("status")["causes"]
    assert cause["count"] == 5
    assert cause["amounts"] == {"NOK": "0.50"}
    assert "and 2 more" in house.call("status").stdout


def test_data_in_a_message_is_not_taken_for_markup(house: House) -> None:
    house.run("r1", exit_code=4)
    house.delivery("1", "parked", reason="frozen", message="[/red] [bold]x[/bold]", title="[red]1")
    assert "[/red] [bold]x[/bold]" in house.call("status").stdout
    assert "[red]1" in house.call("status").stdout
