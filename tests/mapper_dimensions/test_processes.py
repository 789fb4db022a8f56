"""The mapper as a process between tap-visma and a target no one here wrote: MeltanoLabs' target-csv."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector_simulators.kit import running
from ml_connector_simulators.visma import CLIENT_ID, CLIENT_SECRET, NO01, VismaSimulator

from tests.mapper_dimensions.books import CROSSWALK, MAP, bill, lines_of, schema, state

if TYPE_CHECKING:
    from collections.abc import Iterator

BIN = Path(sys.executable).parent
STREAMS = ("cost_centers", "gl_accounts", "suppliers", "supplier_invoices")
DIMENSIONS = {
    "cost_center": {"complete": True, "missing": "park", "inactive": "refuse"},
    "gl_account": {"complete": True, "missing": "refuse", "inactive": {"default": "9999"}},
    "supplier": {"complete": True, "missing": "park", "inactive": "park"},
}


@pytest.fixture(scope="module")
def visma() -> Iterator[VismaSimulator]:
    simulator = VismaSimulator()
    with running(simulator):
        yield simulator
    simulator.close()


def command(name: str, folder: Path, **settings: Any) -> list[str]:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(settings))
    return [str(BIN / name), "--config", str(path)]


def selected(tap: list[str], folder: Path) -> list[str]:
    told = subprocess.run([*tap, "--discover"], capture_output=True, check=True)
    catalog = json.loads(told.stdout)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if entry["breadcrumb"] == []:
                entry["metadata"]["selected"] = stream["tap_stream_id"] in STREAMS
    path = folder / "catalog.json"
    path.write_text(json.dumps(catalog))
    return ["--catalog", str(path)]


def piped(*commands: list[str]) -> tuple[list[int], str]:
    """Run commands as a shell would join them; return their exit codes and what the last one printed."""
    running_now: list[subprocess.Popen[bytes]] = []
    for words in commands:
        source = running_now[-1].stdout if running_now else subprocess.DEVNULL
        running_now.append(subprocess.Popen(words, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
        if source is not subprocess.DEVNULL and source is not None:
            source.close()  # type: ignore[union-attr]
    printed = running_now[-1].communicate(timeout=120)[0].decode()
    return [process.wait(timeout=60) for process in running_now], printed


def rows(folder: Path, stream: str) -> list[dict[str, str]]:
    csv.field_size_limit(10_000_000)
    with (folder / f"{stream}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_month_of_visma_arrives_in_somebody_else_s_target(tmp_path: Path, visma: VismaSimulator) -> None:
    tap = command(
        "tap-visma",
        tmp_path,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        tenant_id=NO01.tenant_id,
        company="NO01",
        api_url=visma.url,
        token_url=f"{visma.url}/connect/token",
        cost_center_segment="1",
    )
    mapper = command("mapper-dimensions", tmp_path, mapping="tap_visma", dimensions=DIMENSIONS)
    target = command("target-csv", tmp_path, output_path=str(tmp_path))
    codes, printed = piped([*tap, *selected(tap, tmp_path)], mapper, target)
    assert codes == [0, 0, 0]
    native = visma.rows("NO01", "supplierInvoice")
    arrived, rejected = rows(tmp_path, "supplier_invoices"), rows(tmp_path, "_rejected")
    assert len(arrived) + len(rejected) == len(native)
    reasons = Counter(row["reason"] for row in rejected)
    assert reasons == {"does_not_foot": 1, "cost_center_missing": 1, "supplier_missing": 1}
    assert any(row["defaulted"] == "gl_account:6790->9999" for row in arrived)
    assert sums(arrived, "amount") == signed(native, {row["business_key"].rpartition("/")[2] for row in rejected})
    assert len(rows(tmp_path, "suppliers")) == len(visma.rows("NO01", "supplier"))
    last = json.loads(printed.splitlines()[-1])
    assert last["ml_connector"]["streams"]["supplier_invoices"]["emitted"] == str(len(native)), (
        "the tap's own totals pass"
    )


def sums(found: list[dict[str, str]], column: str) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in found:
        totals[row["currency"]] += Decimal(row[column])
    return totals


def signed(native: list[dict[str, Any]], without: set[str]) -> dict[str, Decimal]:
    """What Visma's own figures come to: the detail and its VAT, less discounts and withholding, and rounding."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in native:
        if row["referenceNumber"] not in without:
            added = ("detailTotalInCurrency", "vatTotalInCurrency", "roundingDiffInCurrency")
            taken = ("discountTotalInCurrency", "withholdingTaxInCurrency")
            total = sum((Decimal(row.get(name) or 0) for name in added), Decimal(0))
            total -= sum((Decimal(row.get(name) or 0) for name in taken), Decimal(0))
            if row["taxCalculationMode"] == "Gross":
                total -= Decimal(row["vatTotalInCurrency"])
            totals[row["currencyId"]] += -total if row["documentType"] == "DebitAdj" else total
    return totals


def mapped(tmp_path: Path, text: str, **wrong: Any) -> subprocess.CompletedProcess[str]:
    (tmp_path / "books.yml").write_text(MAP)
    (tmp_path / "cost_centers.csv").write_text(CROSSWALK)
    words = command("mapper-dimensions", tmp_path, **{"mapping": "books", "maps_dir": str(tmp_path), **wrong})
    return subprocess.run(words, input=text, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("text", "settings", "code", "words"),
    [
        ("", {}, 0, ""),
        ("", {"mapping": "nowhere"}, 2, "There is no file nowhere.yml"),
        ("", {"dimensions": {"cost_center": {}}}, 2, "say what a missing value does"),
        ("not singer\n", {}, 1, "line 1 is not a Singer message"),
        (lines_of([schema("bills"), bill("1", ("1.00", None), hole="x"), state(at=1)]), {"fail_on": ["parked"]}, 4, ""),
        (
            lines_of([schema("bills"), bill("1", ("1.00", None), hole="x")]),
            {"rejects_file": "/nonexistent/rejects"},
            3,
            "cannot be written",
        ),
    ],
)
def test_how_the_process_ends(tmp_path: Path, text: str, settings: dict[str, Any], code: int, words: str) -> None:
    done = mapped(tmp_path, text, **settings)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert words in done.stderr


def test_what_is_read_is_not_logged(tmp_path: Path) -> None:
    secret = "NO9386011117947"
    text = lines_of([schema("bills"), bill("1", ("1.00", None), hole="x", bankAccount=secret)])
    done = mapped(tmp_path, text)
    assert done.returncode == 0
    assert secret not in done.stderr
    assert "1 parked" in done.stderr
