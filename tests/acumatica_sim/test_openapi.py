"""Answers and bodies validate against the vendor's own OpenAPI file, where that is at hand (`SPECS_DIR`)."""

import gzip
import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
from ml_connector_simulators.acumatica import ENTITIES, VERSIONS, AcumaticaSimulator, Settings
from ml_connector_simulators.acumatica.contract import CONTRACTS, NESTED
from ml_connector_simulators.kit import running

from tests.acumatica_sim.conftest import NEWEST, Client, wrap
from tests.acumatica_sim.test_writing import BILL, ORDER

SPECS_DIR = os.environ.get("SPECS_DIR")
pytestmark = pytest.mark.skipif(not SPECS_DIR, reason="SPECS_DIR is not set: the vendor's OpenAPI file is not at hand")
READ = sorted(set(ENTITIES) - {"CompaniesStructure"})


def vendors(version):
    """The vendor's schemas of a version, whichever dialect they are in."""
    folder = Path(SPECS_DIR) / "acumatica"
    if version == NEWEST:
        return json.loads((folder / f"Default_{version}.openapi.json").read_text())["components"]["schemas"]
    return json.loads(gzip.decompress((folder / f"Default_{version}.swagger.json.gz").read_bytes()))["definitions"]


def properties(schema):
    found = {}
    for part in schema.get("allOf", [schema]):
        found |= part.get("properties", {})
    return found


@pytest.fixture(scope="module")
def validate():
    """A function that finds what is wrong with a value of a schema; unknown names are wrong, too."""
    schemas = vendors(NEWEST)
    for name, schema in schemas.items():
        if "allOf" in schema:
            schema["unevaluatedProperties"] = False
        elif name.endswith("Value"):
            schema["additionalProperties"] = False
    schemas["Entity"]["properties"] |= {"_links": {}, "delete": {"type": "boolean"}}  # not declared, but sent
    formats = jsonschema.FormatChecker(formats=[])
    stamp = r"\d{4}(-\d\d){2}T\d\d(:\d\d){2}(\.\d{1,3})?[+-]\d\d:\d\d"
    formats.checks("date-time")(lambda value: re.fullmatch(stamp, value) is not None)
    formats.checks("uuid")(lambda value: re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is not None)

    def errors(name, value):
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        found = jsonschema.Draft202012Validator(schema, format_checker=formats).iter_errors(value)
        return [(list(error.path), error.message[:200]) for error in found]

    return errors


@pytest.fixture(scope="module")
def open_minded():
    """A client of a site whose lists bring everything."""
    with running(AcumaticaSimulator(settings=Settings(unoptimized={}))) as sim:
        yield Client(sim)


def everything(entity):
    """All that can be expanded, two levels deep."""
    paths = []
    for known in CONTRACTS[NEWEST].fields(entity).values():
        if known.type in NESTED:
            paths.append(known.name)
            below = CONTRACTS[NEWEST].fields(known.shape).values()
            paths += [f"{known.name}/{each.name}" for each in below if each.type in NESTED]
    return ",".join(paths)


@pytest.mark.parametrize("entity", READ)
def test_lists_are_what_the_vendor_declares(open_minded, validate, entity):
    rows = open_minded.get(entity, expand=everything(entity), top=8).json()
    assert rows
    wrong = [error for row in rows for error in validate(entity, row)]
    assert not wrong, wrong[:5]


def test_puts_are_what_the_vendor_declares(client, validate):
    vendor = {
        "VendorID": "NEW1",
        "VendorName": "New",
        "MainContact": {"Email": "a@b.example", "Address": {"City": "X"}},
    }
    for entity, body in (("PurchaseOrder", ORDER), ("Bill", BILL), ("Vendor", vendor)):
        assert not validate(entity, wrap({name: value for name, value in body.items() if name != "Date"}))
        answer = client.put(entity, body, expand=everything(entity))
        assert (answer.status_code, validate(entity, answer.json())) == (200, [])
    answer = client.put("PurchaseOrder", ORDER | {"VendorID": "NOBODY"})
    assert (answer.status_code, validate("PurchaseOrder", answer.json())) == (422, [])
    answer = client.put("CompaniesStructure", {}, expand="Results")
    assert not validate("CompaniesStructure", answer.json())


def test_a_wrong_answer_would_be_noticed(reader, validate):
    row = reader.get("Bill", top=1, expand="Details").json()[0]
    assert not validate("Bill", row)
    for change in (
        {"Amount": {"value": "1"}},
        {"Ammount": {"value": 1}},
        {"Date": {"value": "2026-10-01"}},
        {"Vendor": "X"},
        {"Details": [{"Qty": {"valeu": 1}}]},
        {"id": "1"},
    ):
        assert validate("Bill", row | change), change


@pytest.mark.parametrize("version", VERSIONS)
def test_our_contract_is_the_vendors(shared, version):
    document = Client(shared, version).get("swagger.json").json()
    ours = document["components"]["schemas"] if "openapi" in document else document["definitions"]
    theirs = vendors(version)
    told = {name: properties(schema) for name, schema in ours.items() if name in CONTRACTS[version].shapes}
    wanted = {name: properties(theirs.get(name, {})) for name in told}
    for name, fields in wanted.items():
        fields.pop("files", None)
        assert told[name] == fields, name
    assert set(ENTITIES) <= set(theirs)


def test_our_actions_and_forms_are_the_vendors():
    folder = Path(SPECS_DIR) / "acumatica"
    paths = json.loads((folder / f"Default_{NEWEST}.openapi.json").read_text())["paths"]
    contract = gzip.decompress((folder / f"Default_{NEWEST}.contract.xml.gz").read_bytes()).decode()
    for name, shape in ENTITIES.items():
        assert sorted(shape.actions) == sorted(
            path.split("/")[2] for path in paths if re.fullmatch(rf"/{name}/\w+", path)
        )
        assert f'<TopLevelEntity name="{name}" screen="{shape.form}">' in contract
