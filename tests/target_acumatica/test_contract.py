"""What goes out and what comes back, against the vendor's own file and recorded samples (`SPECS_DIR`)."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import jsonschema
import msgspec
import pytest
from ml_connector.delivery.sink import State
from ml_connector.errors import RecordRefused
from ml_connector.vendors.acumatica.errors import classify
from target_acumatica import outcomes
from target_acumatica.contract import SCALARS, Contract
from target_acumatica.document import Document
from target_acumatica.lines import all_lines
from target_acumatica.policy import ACTIONS, KEYS

from tests.acumatica.samples import SPECS_DIR, needed, parsed, reply, sample
from tests.target_acumatica.conftest import line, make, order, states, vendor

BARE = {"id", "delete"}
FILES = ("Default_22.200.001.swagger.json.gz", "Default_23.200.001.swagger.json.gz", "Default_24.200.001.openapi.json")


def read(name):
    content = (Path(SPECS_DIR) / "acumatica" / name).read_bytes()
    return json.loads(gzip.decompress(content) if name.endswith(".gz") else content)


@pytest.fixture(scope="module")
def document():
    return read(FILES[-1])


@pytest.fixture(scope="module")
def contract(document):
    return Contract(document)


def sent(it):
    """Return what the client is given to send from now on: (method, last part of the path, headers, body)."""
    seen = []
    whole = it.sink.client.request

    def request(method, path, **options):
        if method in ("PUT", "POST") and not options.get("safe"):
            body = json.loads(msgspec.json.Encoder(decimal_format="number").encode(options["json"]))
            seen.append((method, path.partition("?")[0].rpartition("/")[2], options.get("headers") or {}, body))
        return whole(method, path, **options)

    it.sink.client.request = request
    return seen


def unknown(contract, entity, body):
    """Return the names in a body that the contract does not have."""
    found = []
    for name, value in body.items():
        inner = contract.inside(entity, name)
        if inner is not None:
            rows = value if isinstance(value, list) else [value]
            found += [each for row in rows for each in unknown(contract, inner, row)]
        elif name not in BARE and contract.kind(entity, name) not in SCALARS:
            found.append(f"{entity.name}.{name}")
    return found


@needed
def test_bodies_are_what_the_vendors_file_describes(bench, document, contract):
    it = bench(lines_per_request=2, after_create={"PurchaseOrder": ["RemoveHold"]})
    seen = sent(it)
    lines = [line(number, quantity=Decimal("1.25"), Requested="2026-11-30", Cancelled=False) for number in (1, 2, 3)]
    (first,) = it.send(order("REQ1", *lines, Hold=None))
    changed = order("REQ1", line(1, quantity=7), lines[2], line(4), Description="Other").payload
    it.send(it.remembered(first, changed))
    it.send(vendor("NO01:1", VendorID="NORDIC", LeadTimedays="5", MainContact={"Address": {"Country": "NO"}}))
    assert [(method, name) for method, name, *_ in seen] == [
        *[("PUT", "PurchaseOrder")] * 3,
        *[("PUT", "PurchaseOrder")] * 2,
        ("PUT", "Vendor"),
    ]
    for _, name, _, body in seen:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.validate(body, schema)
        assert unknown(contract, contract.entity(name), body) == []


@needed
def test_an_action_is_what_the_vendors_file_describes(bench, document):
    it = bench(after_create={"PurchaseOrder": ["RemoveHold"]})
    seen = sent(it)
    it.send(order("REQ1"))
    (body,) = [body for method, name, _, body in seen if method == "POST"]
    schema = {"$ref": "#/components/schemas/PurchaseOrderCustomAction", "components": document["components"]}
    jsonschema.validate(body, schema)


def test_headers_force_what_a_write_is_meant_to_be(bench):
    it = bench()
    seen = sent(it)
    (first,) = it.send(order("REQ1"))
    it.send(it.remembered(first, order("REQ1", Description="Other").payload))
    it.send(vendor("NO01:1", VendorID="NORDIC", MainContact={"Address": {"Country": "NO"}}))
    assert [headers for _, _, headers, _ in seen] == [{}, {"If-Match": "*"}, {"If-None-Match": "*"}]
    assert [("id" in body) for *_, body in seen] == [False, True, False]


@needed
@pytest.mark.parametrize("name", FILES)
def test_the_contract_of_each_version_is_read(name):
    contract = Contract(read(name))
    assert set(KEYS) <= contract.tops
    for entity, keys in KEYS.items():
        assert set(keys) <= contract.entity(entity).fields.keys(), entity
    orders = contract.entity("PurchaseOrder")
    assert contract.kind(orders, "Details.OrderQty") == "DecimalValue"
    assert contract.kind(contract.entity("Vendor"), "MainContact.Address.Country") == "StringValue"
    assert contract.kind(orders, "Details.Nope") is contract.kind(orders, "Nope.Nope") is None


@needed
def test_a_recorded_refusal_names_field_value_and_words():
    verdict = classify(reply(422, sample("test_PUT_Bill_422_detail_error.json"), method="PUT"))
    assert (verdict.code, verdict.field, verdict.value) == ("field_errors", "Details[1].Project", "TES2323T")
    error = RecordRefused(verdict.code, verdict.message, field=verdict.field, value=verdict.value)
    outcome = outcomes.failed(make("Bill", {"VendorRef": "1"}, {}), error)
    assert states([outcome]) == [(State.PARKED, "reference_not_found")]
    assert "cannot be found in the system" in outcome.message


@needed
@pytest.mark.parametrize("suffix", ["", "_2"])
def test_a_recorded_answer_is_read_with_its_lines(contract, suffix):
    answer = parsed(f"recorded_PUT_SalesOrder_expand_Details_200{suffix}.json")
    payload = {
        "CustomerID": "C1001",
        "Date": "2023-12-14",
        "Hold": True,
        "Details": [
            {"__row__": "10", "InventoryID": "01-792584-", "UnitPrice": Decimal(1), "OrderQty": Decimal("0.00")}
        ],
    }
    document = Document.of(payload, contract.entity("SalesOrder"), contract)
    assert document.header_differences(answer) == []
    matched = all_lines(document, answer, None, fresh={})["Details"]
    assert matched.remembered() == {"10": {"id": answer["Details"][0]["id"], "nbr": 1}}
    assert document.line_differences("Details", "10", answer["Details"][0]) == []
    assert document.values(answer)["OrderNbr"] == answer["OrderNbr"]["value"]


@needed
@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("recorded_PUT_SalesOrder_400.json", 400, "bad_request"),
        ("test_no_entity_500_body.json", 500, "no_entity"),
        ("test_setup_not_entered_500_body.json", 500, "not_set_up"),
    ],
)
def test_recorded_errors_of_writes_have_a_consequence(name, status, code):
    assert classify(reply(status, sample(name), method="PUT")).code == code


def test_every_action_shows_in_the_document():
    assert set(ACTIONS.values()) == {True, False}
