"""Schemas and samples against Acumatica's own files, where they are at hand (`SPECS_DIR`)."""

import gzip
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tap_acumatica.shape import record_of, types_in
from tap_acumatica.streams import STREAMS

from scripts import refresh_acumatica_schemas as refresh
from tests.acumatica.samples import SPECS_DIR, needed, parsed
from tests.tap_acumatica.conftest import run, sync, tap_of

pytestmark = needed
ENTITIES = [stream for stream in STREAMS if stream.is_entity]
NAMESPACE = "{http://www.acumatica.com/entity/maintenance/5.31}"


@pytest.fixture(scope="module")
def models():
    return refresh.load_models(Path(SPECS_DIR))


@pytest.fixture(scope="module")
def views():
    """Return, by entity and field, the view that a field is mapped to."""
    data = gzip.decompress((Path(SPECS_DIR) / "acumatica" / "Default_24.200.001.contract.xml.gz").read_bytes())
    found = {}
    for entity in ET.fromstring(data).findall(f"{NAMESPACE}TopLevelEntity"):
        for mapping in entity.findall(f"{NAMESPACE}Mappings/{NAMESPACE}Mapping"):
            if (to := mapping.find(f"{NAMESPACE}To")) is not None:
                found[entity.get("name"), mapping.get("field")] = to.get("object")
    return found


@pytest.mark.parametrize("stream", ENTITIES, ids=lambda stream: stream.name)
def test_the_checked_in_schema_is_the_vendors(models, stream):
    file = refresh.SCHEMAS / f"{stream.name}.json"
    assert file.read_text() == refresh.text_of(refresh.contract_of(stream.path, models))


@pytest.mark.parametrize("stream", ENTITIES, ids=lambda stream: stream.name)
def test_each_version_has_the_fields_of_its_own_file(models, stream):
    for version, each in models.items():
        own = refresh.contract_of(stream.path, {version: each})["fields"]
        assert types_in(stream.name, version) == own, version


@pytest.mark.parametrize("stream", ENTITIES, ids=lambda stream: stream.name)
def test_keys_and_amounts_are_in_every_version(models, stream):
    wanted = {*stream.keys, *filter(None, (stream.amount, stream.currency)), *stream.parts}
    for version in models:
        assert wanted <= types_in(stream.name, version).keys()


@pytest.mark.parametrize("stream", [each for each in ENTITIES if len(each.keys) == 1], ids=lambda stream: stream.name)
def test_a_key_is_paged_by_only_where_the_filter_stays_in_one_view(views, stream):
    if stream.modified:
        same = views[stream.path, stream.keys[0]] == views[stream.path, stream.modified]
        assert same == stream.one_view


def test_recorded_records_have_no_field_that_the_schema_does_not_know():
    for name, stream in {"Customer": "customers", "StockItem": "stock_items"}.items():
        types = types_in(stream, "20.200.001")
        (row,) = (record_of(each, types) for each in parsed(f"recorded_GET_{name}_top_1_200.json"))
        assert row.keys() - types.keys() == set()
        assert row["id"]


CONDITION = r"\w+ (ge datetimeoffset'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00'|gt '([^']|'')+')"
VALID = {
    "$filter": re.compile(f"{CONDITION}( and {CONDITION})?"),
    "$top": re.compile(r"\d+"),
    "$skip": re.compile(r"\d+"),
    "$select": re.compile(r"\w+(/\w+)*(,\w+(/\w+)*)*"),
    "$expand": re.compile(r"\w+(/\w+)*(,\w+(/\w+)*)*"),
    "$custom": re.compile(r"[\w./]+(,[\w./]+)*"),
}


@pytest.fixture(scope="module")
def spec():
    return json.loads((Path(SPECS_DIR) / "acumatica" / refresh.FILES["24.200.001"]).read_text())


def problems(spec, request):
    """Yield what the vendor's file does not know of a request."""
    entity, _, identity = request.path.partition("/24.200.001/")[2].partition("/")
    known = spec["paths"].get(f"/{entity}/{{id}}" if identity else f"/{entity}", {}).get(request.method.lower())
    if known is None:
        yield f"no operation {request.method} {request.path}"
        return
    parameters = {f"${each['$ref'].rpartition('/')[2]}" for each in known["parameters"] if "$ref" in each}
    for name, value in request.query.items():
        if name not in parameters:
            yield f"{request.method} {request.path} knows no {name}"
        elif not VALID[name].fullmatch(value):
            yield f"{request.path}: {name}={value}"
        elif name in ("$select", "$expand"):
            yield from (f"{entity} has no {path}" for path in value.split(",") if not has(spec, entity, path))


def has(spec, model, path):
    """Whether a model has what a path names."""
    first, _, rest = path.partition("/")
    field = spec["components"]["schemas"][model]["allOf"][1]["properties"].get(first)
    inner = (field.get("items") or field)["$ref"].rpartition("/")[2] if field else ""
    return field is not None and (not rest or has(spec, inner, rest))


def test_every_request_is_in_the_vendors_file(sim, spec):
    state = sync(sim, page_size=20).states[-1]
    tap = tap_of(
        sim,
        page_size=20,
        state=state,
        choice={"Description": False},
        extra_parts=True,
        custom_fields={"Bill": ["Document.UsrX"]},
    )
    run(tap)
    sync(sim, "payments", choice={"DocumentsToApply": True}, extra_parts=True)
    for source in ("branch", "cost_code"):
        sync(sim, "cost_centers", cost_center_source=source)
    requests = [each for each in sim.log.requests() if "/Default/" in each.path]
    assert {name for each in requests for name in each.query} == VALID.keys()
    assert any("/Payment/" in each.path for each in requests)
    assert [problem for each in requests for problem in problems(spec, each)] == []


def test_the_check_finds_what_it_should(spec):
    class Request:
        method = "GET"

        def __init__(self, path, **query):
            self.path, self.query = f"/entity/Default/24.200.001/{path}", {f"${k}": v for k, v in query.items()}

    assert list(problems(spec, Request("Bill", filter="VendorID gt 'O''Hara'"))) == []
    assert list(problems(spec, Request("Bills")))
    assert list(problems(spec, Request("Bill", orderby="VendorID")))
    assert list(problems(spec, Request("Bill", filter="Date ge '2024-01-01'")))
    assert list(problems(spec, Request("Bill", select="VendorID")))
    assert list(problems(spec, Request("Vendor", expand="MainContact/Nothing")))
