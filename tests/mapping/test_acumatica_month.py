"""The simulated Acumatica's month as the tap reads it: every record maps, every document foots, nothing falls out."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector.finance.records import CanonicalRecord
from ml_connector_simulators.acumatica import PROBLEMS, AcumaticaSimulator
from ml_connector_simulators.kit import running

from tests.mapping.acumatica import mapped, shipped, target
from tests.mapping.maps import anything_goes
from tests.tap_acumatica.conftest import Output, sync

if TYPE_CHECKING:
    from collections.abc import Iterator

UNMAPPED = {"ledgers", "subaccounts", "payments"}
SERVICENOW = ("servicenow-s2p", "servicenow-apo")


@pytest.fixture(scope="module")
def month() -> Iterator[tuple[AcumaticaSimulator, Output]]:
    with running(AcumaticaSimulator()) as simulator:
        yield simulator, sync(simulator)


def canonical(month: tuple[AcumaticaSimulator, Output], stream: str) -> list[CanonicalRecord]:
    variables = {"invoice_currency": "USD"} if stream == "invoices" else {}
    return [mapped(stream, record, **variables) for record in month[1].records[stream]]


@pytest.mark.parametrize("stream", sorted(shipped("tap_acumatica").streams))
def test_every_record_maps_and_every_document_foots(month: tuple[AcumaticaSimulator, Output], stream: str) -> None:
    records = canonical(month, stream)
    assert records
    assert len({record.business_key for record in records}) == len(records)
    assert {record.source_state for record in records} <= {"draft", "open", "closed", "voided", "active", "inactive"}
    for name in (*SERVICENOW, "acumatica"):
        if records[0].record_type in target(name).record_types:
            for record in records:
                target(name).rows(record, anything_goes)


def test_every_stream_of_the_tap_is_mapped_or_known_not_to_be(month: tuple[AcumaticaSimulator, Output]) -> None:
    assert set(month[1].schemas) - set(shipped("tap_acumatica").streams) == UNMAPPED


@pytest.mark.parametrize(
    ("stream", "entity"), [("bills", "Bill"), ("purchase_orders", "PurchaseOrder"), ("checks", "Check")]
)
def test_totals_are_those_the_simulator_tells(
    month: tuple[AcumaticaSimulator, Output], stream: str, entity: str
) -> None:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for record in canonical(month, stream):
        # The simulator adds up amounts as they are printed; a voided payment's void is printed with a minus.
        printed = abs(record.amount or 0) if stream != "checks" else record.amount or 0
        sums[str(record.currency)] += Decimal(printed)
    assert sums == _told(month[0], entity)


def _told(simulator: AcumaticaSimulator, entity: str) -> dict[str, Any]:
    import json  # noqa: PLC0415
    from urllib.request import urlopen  # noqa: PLC0415

    with urlopen(f"{simulator.url}/_sim/totals") as answer:
        rows = json.loads(answer.read(), parse_float=Decimal)
    return {row["currency"]: row["amount"] for row in rows if row["what"] == entity}


def test_the_seeded_problems_are_told_by_the_records(month: tuple[AcumaticaSimulator, Output]) -> None:
    records = {record.source_key: record for stream in ("bills", "checks") for record in canonical(month, stream)}
    twin = records[PROBLEMS["duplicate_vendor_ref"]]
    assert [key for key, each in records.items() if each.duplicate_key == twin.duplicate_key] == [
        "Bill/000012",
        twin.source_key,
    ]
    lines = records[PROBLEMS["inactive_subaccount"]].fields["lines"]
    assert "OLD" in {line["dimensions"]["cost_center"] for line in lines}
    void = records[PROBLEMS["voided_check"].replace("Check/", "Voided Payment/")]
    paid = records[PROBLEMS["voided_check"].replace("Check/", "Payment/")]
    assert (paid.amount or 0) + (void.amount or 0) == 0


def test_payments_name_the_bills_they_pay(month: tuple[AcumaticaSimulator, Output]) -> None:
    bills = {record.source_key for record in canonical(month, "bills")}
    payments = [record for record in canonical(month, "checks") if record.source_state == "closed"]
    assert all(line["document_key"] in bills for record in payments for line in record.fields["lines"])
    rows = [row for record in payments for row in target("servicenow-s2p").rows(record, anything_goes)]
    assert sum(row.payload["Payment amount"] for row in rows) == sum(record.amount or 0 for record in payments)
