"""The source's own list against the books: holes, changes, deletions, and lists that must not be believed."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ml_connector.delivery.settings import Guards
from ml_connector.mapping.source_map import SourceMap
from ml_connector.mapping.target_map import TargetMap
from ml_connector.reconcile.census import Census
from ml_connector.reconcile.scope import Scope
from ml_connector.store import open_store
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator
from ml_connector_simulators.visma.bulk import Bulk

from tests.delivery.conftest import ONLY_SQLITE, S1, Pipeline, database, invoice, pipeline
from tests.flow.conftest import Flow
from tests.reconcile.test_withdrawal import CANCELS, GUARDS, SOURCE

__all__ = ["database", "pipeline"]
INVOICES = "supplier_invoices"
WHOLE = Scope()
STAMPED = SOURCE.replace("    document_type: type", "    source_modified_at: modified\n    document_type: type")


def stamped(number: str, modified: str = "2026-10-05T10:00:00.5", **changes: Any) -> dict[str, Any]:
    return invoice(number, modified=modified, **changes)


def deliver(pipeline: Pipeline, *records: dict[str, Any]) -> None:
    pipeline.run(S1, *((INVOICES, each) for each in records), guards=GUARDS, source_map=STAMPED, target_map=CANCELS)


def listing(
    records: list[dict[str, Any]], *, complete: bool = True, stream: str = INVOICES
) -> Iterator[dict[str, Any]]:
    yield {"stream": stream, "pass": 1, "keys": ["_company", "number"]}
    yield from ({"stream": stream, "pass": 1, "record": record} for record in records)
    yield {"stream": stream, "pass": 1, "company": "NO01", "complete": complete}


def compare(
    pipeline: Pipeline, lines: Any, scope: Scope = WHOLE, guards: Guards = GUARDS, share: float = 0.05
) -> list[dict[str, Any]]:
    pipeline.engine(None, source_map=STAMPED, target_map=CANCELS)._store.close()  # type: ignore[arg-type]  # writes the maps
    maps = SourceMap.load("erp", [pipeline.folder]), TargetMap.load("fake", [pipeline.folder])
    census = Census(*maps, guards, share)
    census.take(lines)
    store = open_store(pipeline.url)
    try:
        return list(census.lines(store, pipeline.name, "fake-1", scope))
    finally:
        store.close()


def found(lines: list[dict[str, Any]]) -> dict[str, tuple[str, bool]]:
    keys = ((line["business_key"].rpartition(":")[2], line) for line in lines if "finding" in line)
    return {key: (line["finding"], line["waits"]) for key, line in keys}


def totals(lines: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[int, str]]:
    told = (line["total"] for line in lines if "total" in line)
    return {(each["kind"], each["rule"]): (each["count"], each["amount"]) for each in told}


@ONLY_SQLITE
def test_what_agrees_is_summed_where_it_stands(pipeline: Pipeline) -> None:
    records = [stamped("100"), stamped("101", supplier="S9"), stamped("102", status="Hold")]
    deliver(pipeline, *records)
    lines = compare(pipeline, listing(records))
    assert found(lines) == {}
    assert totals(lines) == {
        ("delivered", ""): (1, "125.00"),
        ("parked", ""): (1, "125.00"),
        ("skipped", ""): (1, "125.00"),
    }


@ONLY_SQLITE
def test_holes_are_told_from_what_is_only_newer_by_the_sources_own_clock(pipeline: Pipeline) -> None:
    deliver(pipeline, stamped("100"), stamped("101", "2026-10-07T10:00:00"))
    lines = compare(
        pipeline,
        listing(
            [
                stamped("100", "2026-10-06T10:00:00", currency="SEK"),  # changed, and we have read past it
                stamped("101", "2026-10-07T10:00:00.01", status="Void"),
                stamped("102", "2026-10-07T10:00:00"),
                stamped("103", "2026-10-08T10:00:00"),
                stamped("104", "2026-10-02T10:00:00", status="Hold"),
            ]
        ),
    )
    assert found(lines) == {
        "100": ("changed", False),
        "101": ("voided", True),
        "102": ("never_read", False),
        "103": ("never_read", True),
    }
    assert totals(lines)["left_out", "source_state_draft"] == (1, "125.00")
    assert totals(lines)["never_read", ""] == (2, "250.00")


@ONLY_SQLITE
def test_guards_and_the_start_date_say_why_a_record_was_never_read(pipeline: Pipeline) -> None:
    deliver(pipeline)
    old = {"stream": INVOICES, "pass": 1, "record": stamped("7"), "rule": "before_start_date"}
    lines = [*listing([stamped("8", date="2026-09-30")]), old]
    told = compare(pipeline, lines, guards=Guards(cutover_date=date(2026, 10, 1)))
    assert found(told) == {}
    assert {rule for kind, rule in totals(told) if kind == "left_out"} == {"before_cutover", "before_start_date"}


@ONLY_SQLITE
def test_a_vanished_record_comes_with_the_message_that_says_so(pipeline: Pipeline) -> None:
    deliver(pipeline, stamped("100"), stamped("a/b"), stamped("102", supplier="S9"))
    lines = compare(pipeline, listing([]))
    assert set(found(lines).values()) == {("vanished", False)}
    stubs = {line["business_key"]: line["stub"] for line in lines if "finding" in line}
    slashed = stubs["erp:NO01:supplier_invoices:a/b"]
    assert (slashed["_company"], slashed["number"]) == ("NO01", "a/b")
    report = pipeline.run(
        *((INVOICES, stub) for stub in stubs.values()), guards=GUARDS, source_map=STAMPED, target_map=CANCELS
    )
    assert report.differences == []
    assert report.counts["delivered"] == 2
    assert {row["stage"] for row in pipeline.server.tables["invoices"].values()} == {"canceled"}
    assert found(compare(pipeline, listing([]))) == {}, "what was cancelled is not missed again"


@ONLY_SQLITE
@pytest.mark.parametrize("lines", [listing([], complete=False), iter(())], ids=["cut off", "not listed at all"])
def test_a_list_that_is_not_whole_proves_no_deletion(pipeline: Pipeline, lines: Any) -> None:
    deliver(pipeline, stamped("100"))
    assert found(compare(pipeline, lines)) == {}


@ONLY_SQLITE
def test_only_the_last_pass_over_a_set_that_moved_counts(pipeline: Pipeline) -> None:
    records = [stamped("100"), stamped("101")]
    deliver(pipeline, *records)
    first = [line for line in listing(records) if "complete" not in line]
    second = [{**line, "pass": 2} for line in listing(records[:1])]
    assert found(compare(pipeline, [*first, *second])) == {"101": ("vanished", False)}


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("gone", "share", "believed"), [(3, 0.0, True), (4, 0.0, False), (4, 0.2, True), (5, 0.2, False)]
)
def test_the_cap_on_what_may_vanish_at_once(pipeline: Pipeline, gone: int, share: float, believed: bool) -> None:
    records = [stamped(str(number)) for number in range(100, 120)]
    deliver(pipeline, *records)
    lines = compare(pipeline, listing(records[gone:]), share=share)
    assert len(found(lines)) == (gone if believed else 0)
    doubts = [line["not_believed"] for line in lines if "not_believed" in line]
    assert [(each["missing"], each["held"]) for each in doubts] == ([] if believed else [(gone, 20)])


@ONLY_SQLITE
def test_another_company_or_period_is_not_in_the_figures(pipeline: Pipeline) -> None:
    deliver(pipeline, stamped("100"))
    assert totals(compare(pipeline, listing([stamped("100")]), Scope(company="SE01"))) == {}
    assert totals(compare(pipeline, listing([stamped("100")]), Scope(period="1999-01"))) == {}


# the tap's half


@pytest.fixture
def bulk(tmp_path: Path) -> Iterator[Flow]:
    (tmp_path / "flow").mkdir()
    with running(VismaSimulator(Bulk(invoices=1_200, page_size=100))) as visma, running(ServiceNowSimulator()) as sn:
        yield Flow(tmp_path / "flow", visma, sn)


def tap_census(flow: Flow, **settings: Any) -> list[dict[str, Any]]:
    flow.tap_settings |= settings
    done = subprocess.run([*flow.tap(), "--census"], capture_output=True, text=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_more_than_a_thousand_keys_are_listed_once_each_whatever_the_bookmark_says(bulk: Flow) -> None:
    (bulk.folder / "state.json").write_text(
        json.dumps(
            {"bookmarks": {INVOICES: {"replication_key": "lastModifiedDateTime", "replication_key_value": "2099"}}}
        )
    )
    lines = tap_census(bulk)
    keys = Counter(
        line["record"]["referenceNumber"] for line in lines if line.get("record") and line["stream"] == INVOICES
    )
    assert len(keys) == 1_200
    assert set(keys.values()) == {1}
    ends = {line["stream"]: line["complete"] for line in lines if "complete" in line}
    assert ends == dict.fromkeys(ends, True)
    assert INVOICES in ends
    assert bulk.visma.log.writes() == []


def test_pages_cut_silently_and_an_old_start_date_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "flow").mkdir()
    with running(VismaSimulator()) as visma, running(ServiceNowSimulator()) as servicenow:
        visma.settings.max_page_size["supplierinvoice"] = 7
        visma.settings.past_the_end = 204
        flow = Flow(tmp_path / "flow", visma, servicenow)
        lines = [
            line for line in tap_census(flow, page_size=5000, start_date="2026-10-20") if line["stream"] == INVOICES
        ]
        known = {f"{row['documentType']}/{row['referenceNumber']}" for row in visma.rows("NO01", "supplierInvoice")}
    records = [line for line in lines if "record" in line]
    assert {f"{each['record']['documentType']}/{each['record']['referenceNumber']}" for each in records} == known
    assert len(records) == len(known)
    ruled = Counter(line.get("rule") for line in records)
    assert ruled["before_start_date"] > 50
    assert ruled[None] > 50
    assert {line["record"]["_company"] for line in records} == {"NO01"}
