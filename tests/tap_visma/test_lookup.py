"""`--lookup`: single records as Visma has them now, in the form a run emits them."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import pytest
from ml_connector.errors import BadInput
from ml_connector.singer.lookup import tell_lookups
from ml_connector_simulators.visma import VismaSimulator

from tests.tap_visma.conftest import captured, sync, tap_of

FLOW = ("cost_centers", "gl_accounts", "suppliers", "purchase_orders", "supplier_invoices")


def lookup(sim: VismaSimulator, asked: dict, *streams: str) -> dict[int, dict]:
    tap = tap_of(sim, *streams or FLOW)
    lines = [json.dumps({"id": n, "stream": s, "record": r}, default=str) for n, (s, r) in asked.items()]
    with captured() as out:
        tell_lookups(tap, io.StringIO("\n".join(lines)))
    return {each["id"]: each for each in (json.loads(line, parse_float=Decimal) for line in out().splitlines())}


@pytest.fixture
def read(sim: VismaSimulator) -> dict[str, dict]:
    """The second record of every stream the flow maps, as a run emits it."""
    output = sync(sim, *FLOW)
    assert set(output.records) == set(FLOW)
    return {name: records[1] for name, records in output.records.items()}


def test_what_has_not_changed_is_the_same(sim: VismaSimulator, read: dict[str, dict]) -> None:
    answers = lookup(sim, dict(enumerate(read.items())))
    assert len(answers) == len(FLOW)
    for number, (_, record) in enumerate(read.items()):
        answer = answers[number]
        assert answer.get("same") or answer["record"] == record
    assert sum(bool(answer.get("same")) for answer in answers.values()) >= 3  # one request each, no list


def test_what_has_changed_comes_as_a_run_would_emit_it(sim: VismaSimulator, read: dict[str, dict]) -> None:
    invoice, supplier = read["supplier_invoices"], read["suppliers"]
    key = f"{invoice['documentType']}/{invoice['referenceNumber']}"
    sim.edit("NO01", "supplierinvoice", key, **{"invoiceLines.0.account.number": "6800", "description": "moved"})
    sim.edit("NO01", "supplier", supplier["number"], name="Renamed AS")
    asked = {
        7: ("supplier_invoices", invoice),
        8: ("suppliers", supplier),
        9: ("purchase_orders", read["purchase_orders"]),
    }
    answers = lookup(sim, asked)
    again = sync(sim, *FLOW)
    newest = {name: {_key(r): r for r in records} for name, records in again.records.items()}
    assert answers[7]["record"] == newest["supplier_invoices"][_key(invoice)] != invoice
    assert answers[8]["record"] == newest["suppliers"][_key(supplier)]
    assert answers[8]["record"]["name"] == "Renamed AS"
    assert answers[9]["same"] is True


def _key(record: dict) -> tuple:
    return tuple(
        record.get(name) for name in ("documentType", "referenceNumber", "internalId", "orderNbr", "accountID")
    )


def test_what_was_deleted_is_gone(sim: VismaSimulator, read: dict[str, dict]) -> None:
    invoice = read["supplier_invoices"]
    sim.remove("NO01", "supplierinvoice", f"{invoice['documentType']}/{invoice['referenceNumber']}")
    assert lookup(sim, {7: ("supplier_invoices", invoice)}) == {7: {"id": 7, "record": None}}


def test_a_stream_that_is_not_selected_has_no_answer(sim: VismaSimulator, read: dict[str, dict]) -> None:
    assert lookup(sim, {7: ("supplier_invoices", read["supplier_invoices"])}, "suppliers") == {}


def test_a_question_that_is_none_is_told(sim: VismaSimulator) -> None:
    with pytest.raises(BadInput):
        tell_lookups(tap_of(sim), io.StringIO('{"id": 1}'))
