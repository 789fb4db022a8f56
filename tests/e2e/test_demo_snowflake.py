"""`ml-connector demo snowflake` through the real command line, and what its data shows afterwards."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import defaultdict
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from tap_visma.streams import STREAMS

from tests.e2e.conftest import BIN, House, copy_of_the_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

TIERS = {stream.name: stream.tier for stream in STREAMS}
PRIVATE = {column.upper() for stream in STREAMS for column in stream.private}
COMPANY = {"tap-visma-all-to-target-snowflake": "NO01", "tap-visma-all-se-to-target-snowflake": "SE01"}
VIEWS = {"VISMA_GL_BALANCES", "VISMA_INTERCOMPANY", "VISMA_OPEN_AP", "VISMA_POSSIBLE_DUPLICATES", "VISMA_SPEND"}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, dict[str, Any]]:
    """Run the demonstration once; what follows goes on with its data."""
    house = copy_of_the_project(tmp_path_factory.mktemp("demo"))
    house.patience = 1000
    done = house.cli("demo", "snowflake", "--json")
    assert done.code == 0, done.said
    return house, done.data


def by_pipeline(part: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for load in part["loads"]:
        found[load["pipeline"]].append(load)
    return dict(found)


def test_every_stream_of_both_companies_lands_in_balance(shown) -> None:
    first = shown[1]["first"]
    assert {run["pipeline"]: run["balance"] for run in first["runs"]} == dict.fromkeys(COMPANY, "in_balance")
    assert {run["exit_code"] for run in first["runs"]} == {0}
    loads = by_pipeline(first)
    for pipeline in COMPANY:
        assert sorted(load["stream"] for load in loads[pipeline]) == sorted(TIERS)
        assert len(TIERS) == 34
        assert all(load["new"] == load["staged"] > 0 and not load["changed"] for load in loads[pipeline])


def test_what_records_refer_to_lands_before_them(shown) -> None:
    for loads in by_pipeline(shown[1]["first"]).values():
        tiers = [TIERS[load["stream"]] for load in loads]
        assert tiers == sorted(tiers)
        assert tiers[0] < tiers[-1]


def test_the_second_run_merges_nothing(shown) -> None:
    second = shown[1]["second"]
    counts = {name: sum(load[name] for load in second["loads"]) for name in ("new", "changed", "deleted", "unchanged")}
    assert counts.pop("unchanged") == sum(each["received"]["count"] for each in second["records"]) > 0
    assert set(counts.values()) == {0}
    assert {run["balance"] for run in second["runs"]} == {"in_balance"}


def test_one_edit_changes_one_row(shown) -> None:
    edit = shown[1]["edit"]
    assert [run["pipeline"] for run in edit["runs"]] == ["tap-visma-all-to-target-snowflake"]
    assert sum(load["new"] + load["deleted"] for load in edit["loads"]) == 0
    assert [(load["stream"], load["changed"]) for load in edit["loads"] if load["changed"]] == [("purchase_orders", 1)]


def test_the_five_views_add_up_to_what_visma_s_books_do(shown) -> None:
    views = shown[1]["views"]
    assert views["equal"] is True
    assert {view["view"] for view in views["made"] if view["made"]} == VIEWS
    assert {total["view"] for total in views["totals"]} == VIEWS
    assert all(total["equal"] and Decimal(total["target"]) == Decimal(total["source"]) for total in views["totals"])
    spend = {(total["company"], total["currency"]) for total in views["totals"] if total["view"] == "VISMA_SPEND"}
    assert spend == {("NO01", "NOK"), ("NO01", "EUR"), ("SE01", "SEK"), ("SE01", "EUR")}


def test_the_tables_hold_each_company_and_no_private_field(shown) -> None:
    path = shown[0].root / ".ml-connector" / "demo" / "simulators" / "snowflake" / "FINANCE.db"
    with duckdb.connect(str(path), read_only=True) as database:
        columns = database.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'VISMA'")
        by_table: dict[str, set[str]] = defaultdict(set)
        for table, column in columns.fetchall():
            by_table[table].add(column)
        assert by_table.keys() >= {name.upper() for name in TIERS}
        assert not any(found & PRIVATE for found in by_table.values())
        for name in TIERS:
            companies = database.execute(f'SELECT DISTINCT _COMPANY FROM VISMA."{name.upper()}" ORDER BY 1').fetchall()
            assert companies == [("NO01",), ("SE01",)], name


def test_simulate_goes_on_with_its_data_and_ping_is_green(shown) -> None:
    house, _ = shown
    ports = (f"--{each}-port=0" for each in ("visma", "servicenow", "acumatica", "snowflake"))
    command = [BIN / "ml-connector", "simulate", "--json", *ports]
    with subprocess.Popen(
        command, cwd=house.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            urls = told(process)
            house.settings = {
                "TAP_VISMA_API_URL": urls["visma"],
                "TAP_VISMA_TOKEN_URL": f"{urls['visma']}/connect/token",
                "TARGET_SERVICENOW_IMPORTSET_INSTANCE_URL": urls["servicenow"],
                "TAP_SERVICENOW_INSTANCE_URL": urls["servicenow"],
                "TAP_ACUMATICA_INSTANCE_URL": urls["acumatica"],
                "TARGET_ACUMATICA_INSTANCE_URL": urls["acumatica"],
                "TARGET_SNOWFLAKE_PORT": urls["snowflake"].rpartition(":")[2],
                "MELTANO_DATABASE_URI": f"sqlite:///{house.root / '.ml-connector' / 'demo' / 'meltano.db'}",
            }
            everything_answers(house)
            a_pair_of_its_own_loads_what_it_selects(house)
            a_view_is_shown(house)
        finally:
            process.send_signal(signal.SIGINT)
    assert process.returncode == 0


def told(process: subprocess.Popen[str]) -> dict[str, str]:
    """Read the addresses, a JSON document over several lines."""
    lines = iter(process.stdout.readline, "}\n")
    return json.loads("".join(lines) + "}")


def everything_answers(house: House) -> None:
    done = house.cli("ping", "--json")
    assert done.code == 0, done.said
    plugins = [answer["plugin"] for answer in done.data]
    assert plugins == [
        *("tap-visma-no", "target-servicenow", "tap-visma-se"),
        *("tap-acumatica", "tap-servicenow", "target-acumatica"),
        *("tap-visma-all", "target-snowflake", "tap-visma-all-se"),
    ]
    assert "password" not in done.out


def a_pair_of_its_own_loads_what_it_selects(house: House) -> None:
    done = house.cli("run", "tap-visma", "target-snowflake", "--json")
    assert done.code == 0, done.said
    assert [run["pipeline"] for run in done.data["runs"]] == ["tap-visma-to-target-snowflake"]
    read = {each["record_type"] for each in done.data["records"]}
    assert read == {"cost_centers", "gl_accounts", "suppliers", "purchase_orders", "supplier_invoices"}


def a_view_is_shown(house: House) -> None:
    listed = house.cli("views", "snowflake", "--json")
    assert {view["view"] for view in listed.data} == VIEWS
    assert all(view["question"].endswith("?") for view in listed.data)
    rows = house.cli("views", "snowflake", "--show", "visma_possible_duplicates", "--json")
    assert [(row["company"], Decimal(row["amount"])) for row in rows.data] == [("NO01", Decimal("10156.90"))]
    wrong = house.cli("views", "snowflake", "--show", "VISMA_PROFIT")
    assert wrong.code == 2
    assert "VISMA_SPEND" in wrong.err
