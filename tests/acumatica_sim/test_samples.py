"""Answers in the shape of the vendor's own samples, and their requests understood (`SPECS_DIR/acumatica/samples`)."""

import json
import os
from pathlib import Path

import pytest
import requests
from ml_connector_simulators.acumatica import ENTITIES

from tests.acumatica_sim.conftest import Client, failure, log_in
from tests.acumatica_sim.test_writing import BILL

SPECS_DIR = os.environ.get("SPECS_DIR")
pytestmark = pytest.mark.skipif(not SPECS_DIR, reason="SPECS_DIR names no folder of vendors' samples")
SAMPLES = Path(SPECS_DIR or ".") / "acumatica" / "samples"


def sample(name):
    return json.loads((SAMPLES / name).read_text())


def shape(value):
    """The keys and kinds of a JSON value; a list has the shape of its first element."""
    if isinstance(value, dict):
        return {name: shape(it) for name, it in value.items()}
    if isinstance(value, list):
        return [shape(it) for it in value[:1]]
    return type(value).__name__


def told(answer):
    """A failure without its stack, which fixtures have dropped."""
    return {name: value for name, value in answer.json().items() if name != "stackTrace"}


def test_the_list_of_endpoints(shared):
    answer = requests.get(f"{shared.url}/entity", timeout=10).json()
    assert shape(answer) == shape(sample("docs_GET_entity_200.json"))


def test_a_wrong_password(shared):
    answer = log_in(shared, requests.Session(), password="x").json()
    wanted = sample("recorded_POST_auth_login_500.json")
    assert answer.keys() == wanted.keys()
    assert {name: answer[name] for name in answer if name != "stackTrace"} == {
        name: wanted[name] for name in wanted if name != "stackTrace"
    }


def test_an_empty_body(client):
    answer = client.call("PUT", "Customer", data=b"")
    assert (answer.status_code, answer.json()) == (400, sample("recorded_PUT_Customer_400.json"))


def test_failures(client):
    assert told(client.get("Vendor/NOBODY")) == sample("test_no_entity_500_body.json")
    client.sim.set(not_set_up=["TaxZone"], unoptimized={"Account": {"Type": "CuryRecords"}})
    assert shape(told(client.get("TaxZone"))) == shape(sample("test_setup_not_entered_500_body.json"))
    wanted = sample("test_optimization_500_body.json")["exceptionMessage"].replace("RealGainAcctID", "Type")
    assert told(client.get("Account"))["exceptionMessage"].strip() == wanted


def test_a_bill_with_an_unknown_project(client):
    body = BILL | {"Details": [BILL["Details"][0] | {"Project": "TES2323T"}]}
    answer = client.put("Bill", body).json()
    wanted = sample("test_PUT_Bill_422_detail_error.json")
    for name in ("id", "rowNumber", "error", "ReferenceNbr", "_links"):
        assert shape(answer[name]) == shape(wanted[name])
    assert answer["Details"][0]["Project"] == wanted["Details"][0]["Project"]


@pytest.mark.parametrize(("file", "entity"), [("GET_Customer_top_1", "Customer"), ("GET_StockItem_top_1", "StockItem")])
def test_records_are_wrapped_alike(reader, file, entity):
    """Names differ by version; what both know is of one kind."""
    (wanted,) = sample(f"recorded_{file}_200.json")
    (answer,) = reader.get(entity, top=1).json()
    both = answer.keys() & wanted.keys()
    assert len(both) > 25
    kinds = {name: (answer[name], wanted[name]) for name in both if answer[name] and wanted[name]}
    number = ({"value": "int"}, {"value": "float"})
    assert [name for name, (a, b) in kinds.items() if shape(a) != shape(b) and shape(a) not in number] == []
    assert answer.keys() - wanted.keys() <= {"_links", *answer} - {"id", "rowNumber", "note", "custom"}


def request_files():
    files = sorted((SAMPLES / "requests").glob("*.json")) if SPECS_DIR else []
    return [file for file in files if file.name.split("_")[1] in ENTITIES]


@pytest.fixture(scope="module")
def writer(shared):
    return Client(shared)


@pytest.mark.parametrize("file", request_files(), ids=lambda file: file.stem[:60])
def test_the_vendors_requests_are_understood(start, file):
    """Their vendors and items are not ours, so they may fail by what they name: never by their form."""
    client = Client(start())
    method, entity, *_ = file.name.split("_")
    body = json.loads(file.read_text())
    path = f"{entity}/{file.name.split('_')[2]}" if method == "POST" else entity
    answer = client.call(method, path, json=body)
    assert answer.status_code in (200, 202, 404, 422) or failure(answer) == "NoEntitySatisfiesTheConditionException"
    for error in _errors(answer.json() if answer.status_code == 422 else {}):
        assert any(words in error for words in ("cannot be found", "period", "raised", "cannot be empty", "one of"))


def _errors(node):
    if isinstance(node, dict):
        yield from [node["error"]] if isinstance(node.get("error"), str) else []
        for each in node.values():
            yield from _errors(each)
    elif isinstance(node, list):
        for each in node:
            yield from _errors(each)


def test_an_order_of_the_vendors_example_is_taken(client):
    body = sample("requests/PUT_PurchaseOrder_Create_a_Purchase_Order_with_Tax_Details_Overridden.json")
    body |= {"VendorID": {"value": "ALLFRUITSW"}, "Branch": {"value": "MAIN"}}
    body["Details"][0]["BranchID"] = {"value": "MAIN"}
    params = {"$expand": "Details,TaxDetails", "$select": "OrderNbr,OrderTotal,TaxDetails"}
    answer = client.call("PUT", "PurchaseOrder", params=params, json=body).json()
    assert answer["OrderTotal"] == {"value": 45.8}
    assert answer["TaxDetails"][0]["TaxableAmount"] == {"value": 45.8}
