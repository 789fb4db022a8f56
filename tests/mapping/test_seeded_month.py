"""The simulators' month through both target maps: the totals agree, and exactly the known problems fall out."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector.errors import RecordError
from ml_connector.finance.checks import check_document
from ml_connector.finance.records import CanonicalRecord
from ml_connector_simulators.visma import VismaSimulator
from ml_connector_simulators.visma.seed.problems import DUPLICATED_DOCUMENT, PROBLEMS

from tests.mapping.maps import anything_goes
from tests.mapping.test_shipped_maps import HEADER
from tests.mapping.visma import TARGETS, servicenow, visma

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector.mapping import TargetMap

RESOURCES = {
    "branches": "branch",
    "gl_accounts": "account",
    "vat_codes": "vat",
    "vat_zones": "vatZone",
    "currencies": "currency",
    "credit_terms": "creditTerm",
    "suppliers": "supplier",
    "customers": "customer",
    "purchase_orders": "purchaseorder",
    "purchase_receipts": "PurchaseReceipt",
    "supplier_invoices": "supplierInvoice",
    "customer_invoices": "customerinvoice",
    "supplier_payments": "supplierPayment",
    "journal_transactions": "journaltransaction",
}


@pytest.fixture(scope="module")
def month() -> Iterator[VismaSimulator]:
    simulator = VismaSimulator()
    yield simulator
    simulator.close()


def native(month: VismaSimulator, stream: str) -> Iterator[dict[str, Any]]:
    for company in ("NO01", "SE01"):
        if stream == "cost_centers":
            segments = month.row(company, "dimension", "SUBACCOUNT")["segments"]
            rows = next(segment["segmentValues"] for segment in segments if segment["segmentId"] == 1)
        else:
            rows = month.rows(company, RESOURCES[stream])
        yield from ({**row, "_company": company} for row in rows)


def mapped(month: VismaSimulator, stream: str) -> Iterator[CanonicalRecord]:
    for row in native(month, stream):
        [record] = visma().apply(stream, row)
        assert isinstance(record, CanonicalRecord)
        yield record


@pytest.mark.parametrize("stream", [*RESOURCES, "cost_centers"])
def test_every_stream_can_be_read(month: VismaSimulator, stream: str) -> None:
    records = list(mapped(month, stream))
    assert records
    assert len({record.business_key for record in records}) == len(records)
    if stream != "supplier_invoices":
        for record in records:
            check_document(record)


def test_every_stream_of_the_map_is_seeded() -> None:
    assert set(visma().streams) == {*RESOURCES, "cost_centers"}


def sorted_out(month: VismaSimulator, target: TargetMap) -> tuple[dict[tuple[str, str], Decimal], dict[str, str]]:
    """Return delivered totals per company and currency, and the reason per document that fell out."""
    meanings = HEADER[target.name]
    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    out: dict[str, str] = {}
    for record in mapped(month, "supplier_invoices"):
        try:
            check_document(record)
            header = target.rows(record, anything_goes)[0].payload
        except RecordError as error:
            out[f"{record.company}:{record.source_key}"] = error.reason
        else:
            sign = record.fields["sign"]
            totals[record.company, header[meanings["currency"]]] += sign * header[meanings["total"]]
    return totals, out


def test_exactly_the_known_problems_fall_out_and_both_maps_agree(month: VismaSimulator) -> None:
    (s2p, out), (apo, also_out) = (sorted_out(month, servicenow(name)) for name in TARGETS)
    known = {"does_not_foot": "does_not_foot", "unmapped_type": "unmapped_type", "other_entity_line": "other_entity"}
    expected = {f"{PROBLEMS[name].company}:{PROBLEMS[name].document}": reason for name, reason in known.items()}
    assert out == also_out == expected
    assert s2p == apo
    assert set(s2p) == {("NO01", "NOK"), ("NO01", "EUR"), ("SE01", "SEK"), ("SE01", "EUR")}
    sent: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for record in mapped(month, "supplier_invoices"):
        if f"{record.company}:{record.source_key}" not in out:
            sent[record.company, str(record.currency)] += record.amount or 0
    assert sent == s2p


def test_the_suspected_duplicate_is_recognised_and_no_other(month: VismaSimulator) -> None:
    by_key: dict[str, list[str]] = defaultdict(list)
    for record in mapped(month, "supplier_invoices"):
        if record.duplicate_key:
            by_key[record.duplicate_key].append(record.source_key)
    repeated = [documents for documents in by_key.values() if len(documents) > 1]
    assert repeated == [[DUPLICATED_DOCUMENT, PROBLEMS["suspected_duplicate"].document]]


def test_other_problems_are_told_by_the_record(month: VismaSimulator) -> None:
    records = {f"{r.company}:{r.source_key}": r for r in mapped(month, "supplier_invoices")}

    def problem(name: str) -> CanonicalRecord:
        return records[f"{PROBLEMS[name].company}:{PROBLEMS[name].document}"]

    assert problem("draft_on_hold").source_state == "draft"
    assert str(problem("before_cutover").document_date) < "2026-10-01"
    assert "990" in {line["dimensions"]["cost_center"] for line in problem("unknown_cost_centre").fields["lines"]}
    assert [
        r.source_key
        for r in mapped(month, "gl_accounts")
        if r.fields["number"] == "6790" and r.source_state != "inactive"
    ] == []
