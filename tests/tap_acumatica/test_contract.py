"""Schemas and samples against Acumatica's own files, where they are at hand (`SPECS_DIR`)."""

import gzip
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tap_acumatica.shape import record_of, types_in
from tap_acumatica.streams import STREAMS

from scripts import refresh_acumatica_schemas as refresh
from tests.acumatica.samples import SPECS_DIR, needed, parsed

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
