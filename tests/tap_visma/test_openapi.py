"""Requests and schemas against Visma's own OpenAPI file, where that is at hand (`SPECS_DIR`)."""

import os
import re
from pathlib import Path

import pytest
from tap_visma.streams import STREAMS
from tap_visma.streams.base import field_types

from scripts import refresh_visma_schemas as refresh
from tests.tap_visma.conftest import sync

SPECS_DIR = os.environ.get("SPECS_DIR")
pytestmark = pytest.mark.skipif(not SPECS_DIR, reason="SPECS_DIR is not set: the vendor's OpenAPI file is not at hand")

VALID = {
    "integer": re.compile(r"\d+"),
    "boolean": re.compile("true|false"),
    "string": re.compile(r".+"),
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{3})?")  # apis/visma.md §3.2; no zone


@pytest.fixture(scope="module")
def spec():
    return refresh.load_spec(Path(SPECS_DIR))


def operation(spec, request):
    """Return the operation of a request: of a path with parameters only where no plain one matches, spelt as there."""
    for path in sorted(spec["paths"], key=lambda path: path.count("{")):
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)), request.path):
            return spec["paths"][path].get(request.method.lower())
    return None


def problems(spec, request):
    known = operation(spec, request)
    if known is None:
        yield f"no operation {request.method} {request.path}"
        return
    parameters = {p["name"]: p for p in known["parameters"] if p["in"] == "query"}
    for name, value in request.query.items():
        if name not in parameters:
            yield f"{request.path} knows no parameter {name}"
        elif not VALID[parameters[name]["schema"]["type"]].fullmatch(value):
            yield f"{request.path}: {name}={value} is no {parameters[name]['schema']['type']}"
        elif name.endswith("DateTime") and not MOMENT.fullmatch(value):
            yield f"{request.path}: {name}={value} is no time Visma reads"
        elif (allowed := parameters[name]["schema"].get("enum")) and value not in allowed:
            yield f"{request.path}: {name}={value} is none of {allowed}"


def test_every_request_is_valid(sim, spec):
    state = sync(sim, page_size=50).states[-1]
    sync(sim, page_size=50, state=state)
    sync(sim, start_date="2026-10-02T10:00:00Z")
    requests = [request for request in sim.log.requests() if request.path != "/connect/token"]
    assert len(requests) > 66
    assert {request.path.lower() for request in requests} >= {s.path.lower() for s in STREAMS if "{" not in s.path}
    assert [problem for request in requests for problem in problems(spec, request)] == []


def test_the_check_finds_what_it_should(spec):
    class Request:
        method, path = "GET", "/v1/supplierInvoice"

        def __init__(self, **query):
            self.query = query

    assert list(problems(spec, Request(pageNumber="1"))) == []
    assert list(problems(spec, Request(skip="1")))
    assert list(problems(spec, Request(pageNumber="one")))
    assert list(problems(spec, Request(lastModifiedDateTime="2026-10-02T10:00:00Z")))
    assert list(problems(spec, Request(documentType="Bill")))


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_the_checked_in_schema_is_the_specs(spec, stream):
    assert field_types(stream.name) == refresh.types_of(stream, spec)
