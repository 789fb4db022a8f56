"""The verb `views`: what the target is asked, and how its answers are told."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from ml_connector.cli.view_totals import compared

from tests.cli.conftest import MELTANO_YML, House

LOADERS = "  - {name: target-snowflake}\n  - {name: target-snowflake-eu, inherit_from: target-snowflake}\njobs:"
JOB = "- {name: other, tasks: [tap-visma target-snowflake]}\n"
SPEND = {"view": "VISMA_SPEND", "title": "Spend", "question": "What was bought?", "needs": ["suppliers"]}
ANSWER = """
    open("asked", "w").write(json.dumps(sys.argv[1:]))
    print("Meltano says something")
    for line in {lines}:
        print(line)
    print(json.dumps(dict(level="error", event={error!r})), file=sys.stderr)
    sys.exit({code})
"""


@pytest.fixture
def warehouse(house: House) -> House:
    (house.root / "meltano.yml").write_text(MELTANO_YML.replace("jobs:", LOADERS) + JOB)
    return house


def answers(house: House, monkeypatch: pytest.MonkeyPatch, *lines: Any, error: str = "", code: int = 0) -> None:
    told = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    house.meltano(monkeypatch, ANSWER.format(lines=told, error=error, code=code))


def asked(house: House) -> list[str]:
    return list(json.loads((house.root / "asked").read_text()))[3:]


def test_views_are_listed_with_their_question(warehouse: House, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(warehouse, monkeypatch, SPEND)
    done = warehouse.call("views", "snowflake")
    assert done.exit_code == 0
    assert "VISMA_SPEND  What was bought?" in done.stdout
    assert done.stdout.rstrip().endswith("next: ml-connector views snowflake --apply")
    assert asked(warehouse) == ["target-snowflake", "--views", "list"]
    assert warehouse.answer("views", "target-snowflake-eu") == [SPEND]
    assert asked(warehouse) == ["target-snowflake-eu", "--views", "list"]


def test_apply_tells_what_was_made_and_what_was_skipped(warehouse: House, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(warehouse, monkeypatch, SPEND | {"made": True, "missing": []})
    done = warehouse.call("views", "snowflake", "--apply")
    assert (done.exit_code, "created" in done.stdout) == (0, True)
    assert asked(warehouse) == ["target-snowflake", "--views", "apply"]
    answers(warehouse, monkeypatch, SPEND | {"made": False, "missing": ["cost_centers", "suppliers"]})
    done = warehouse.call("views", "snowflake", "--apply")
    assert done.exit_code == 4
    assert "tables are missing: cost centers, suppliers" in done.stdout
    assert done.stdout.rstrip().endswith("next: ml-connector run other")


def test_rows_are_shown_digit_for_digit(warehouse: House, monkeypatch: pytest.MonkeyPatch) -> None:
    row = '{"view": "VISMA_SPEND", "row": {"company": "NO01", "amount": 1234567890123456.780000000, "note": "[red]"}}'
    answers(warehouse, monkeypatch, row, row.replace('"[red]"', "null"))
    done = warehouse.call("views", "snowflake", "--show", "VISMA_SPEND")
    assert done.exit_code == 0
    first, second, third = done.stdout.splitlines()
    assert first.split() == ["company", "amount", "note"]
    assert second.split() == ["NO01", "1,234,567,890,123,456.78", "[red]"]
    assert third.split() == ["NO01", "1,234,567,890,123,456.78", "·"]
    told = json.loads(warehouse.call("views", "snowflake", "--show", "VISMA_SPEND", "--json").stdout)
    assert [Decimal(each["amount"]) for each in told] == [Decimal("1234567890123456.78")] * 2
    answers(warehouse, monkeypatch)
    assert warehouse.call("views", "snowflake", "--show", "VISMA_SPEND").stdout == "No rows.\n"


def test_a_target_s_own_words_and_code_come_back(warehouse: House, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(warehouse, monkeypatch, error="config: there is no view X. The views are VISMA_SPEND.", code=2)
    done = warehouse.call("views", "snowflake", "--show", "X")
    assert done.exit_code == 2
    assert "there is no view X. The views are VISMA_SPEND." in done.stderr
    answers(warehouse, monkeypatch, error="Error: No such option '--views'.", code=2)
    done = warehouse.call("views", "servicenow")
    assert (done.exit_code, "target-servicenow has no views" in done.stderr) == (2, True)


def test_what_cannot_be_asked_is_told(warehouse: House) -> None:
    assert "no tap or target 'target-oracle'" in warehouse.call("views", "oracle").stderr
    both = warehouse.call("views", "snowflake", "--apply", "--show", "X")
    assert (both.exit_code, "two commands" in both.stderr) == (2, True)


BOOKS = {"what": "spend", "company": "NO01", "currency": "NOK", "count": 2, "amount": Decimal("3.00")}


def spent(amount: str | None, company: str = "NO01") -> dict[str, Any]:
    value = None if amount is None else Decimal(amount)
    return {"view": "VISMA_SPEND", "row": {"company": company, "currency": "NOK", "amount": value}}


def test_totals_are_equal_to_the_last_digit_or_not_at_all() -> None:
    [total] = compared([spent("1.000000001"), spent("1.999999999"), spent(None)], [BOOKS])
    assert total.equal
    [total] = compared([spent("1.000000001"), spent("2")], [BOOKS])
    assert not total.equal


def test_what_only_one_side_knows_is_a_difference() -> None:
    assert [each.equal for each in compared([spent("3"), spent("0.01", "SE01")], [BOOKS])] == [True, False]
    [total] = compared([], [BOOKS])
    assert (total.target, total.source, total.equal) == (None, Decimal(3), False)
