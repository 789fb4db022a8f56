"""Take the names and types of tap-acumatica's streams from Acumatica's OpenAPI files of several versions.

    python scripts/refresh_acumatica_schemas.py ../shared/specs [--check]

Writes `tap_acumatica/schemas/<stream>.json`; `--check` only compares and names the streams that differ. Versions 22 and
23 are Swagger 2.0, 24 is OpenAPI 3.0.1. Of what is inside an entity, one level is taken, and the addresses below that.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector.vendors.acumatica.values import is_day
from tap_acumatica import shape
from tap_acumatica.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = {
    "22.200.001": "Default_22.200.001.swagger.json.gz",
    "23.200.001": "Default_23.200.001.swagger.json.gz",
    "24.200.001": "Default_24.200.001.openapi.json",
}
SCHEMAS = Path(shape.__file__).with_name("schemas")
DEEPER = frozenset({"Address"})
"""What is taken from the second level."""
LINES = "Details"
"""The rows that have an identity of their own; the ids of other rows may be new in every session."""

_SCALARS = {
    "StringValue": "string",
    "GuidValue": "string",
    "DecimalValue": "number",
    "DoubleValue": "number",
    "BooleanValue": "boolean",
    "IntValue": "integer",
    "ShortValue": "integer",
    "LongValue": "integer",
    "ByteValue": "integer",
}

Json = dict[str, Any]


def load_models(specs: Path) -> dict[str, Json]:
    """Return the models of each version, by their names."""
    return {version: _models(specs / "acumatica" / file) for version, file in FILES.items()}


def _models(path: Path) -> Json:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    document: Json = json.loads(data)
    models: Json = document.get("definitions") or document["components"]["schemas"]
    return models


def contract_of(entity: str, models: dict[str, Json]) -> Json:
    """Return an entity's fields in all versions, and which of them came or went with one."""
    shapes = {
        version: {"id": "string", "note": "string", **_types(entity, each, 0)} for version, each in models.items()
    }
    paths = [set(_paths(each)) for each in shapes.values()]
    fields: Json = {}
    for each in reversed(list(shapes.values())):
        _merge(fields, each)
    changes: Json = {"since": {}, "gone": {}}
    for version, before, here in zip(list(shapes)[1:], paths, paths[1:], strict=False):
        for kind, changed in (("since", here - before), ("gone", before - here)):
            if changed:
                changes[kind][version] = sorted(path for path in changed if _above(path) not in changed)
    return {**changes, "fields": fields}


def _above(path: str) -> str:
    return path.rpartition(".")[0]


def _types(entity: str, models: Json, depth: int) -> Json:
    found = {}
    for name, schema in models[entity]["allOf"][1]["properties"].items():
        kind = _type(name, schema, models, depth)
        if kind is not None:
            found[name] = kind
    return found


def _type(name: str, schema: Json, models: Json, depth: int) -> Any:
    """Return a field's type; None for what lies too deep."""
    target = (schema.get("items") or schema)["$ref"].rpartition("/")[2]
    if target == "DateTimeValue":
        return "date" if is_day(name) else "date-time"
    if target in _SCALARS:
        return _SCALARS[target]
    if depth and name not in DEEPER:
        return None
    inner = _types(target, models, depth + 1)
    if "items" not in schema:
        return inner
    own = {"id": "string", "rowNumber": "integer", "note": "string"} if name == LINES else {"rowNumber": "integer"}
    return [{**own, **inner}]


def _merge(fields: Json, shape: Json) -> None:
    for name, kind in shape.items():
        known: Any = fields.setdefault(name, kind)
        if isinstance(kind, dict):
            _merge(known, kind)
        elif isinstance(kind, list):
            _merge(known[0], kind[0])


def _paths(types: Json, path: str = "") -> Iterator[str]:
    for name, kind in types.items():
        yield path + name
        inner = kind[0] if isinstance(kind, list) else kind
        if isinstance(inner, dict):
            yield from _paths(inner, f"{path}{name}.")


def text_of(contract: Json) -> str:
    """Return the file's text."""
    return json.dumps(contract, indent=1) + "\n"


def main() -> int:
    """Refresh, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specs", type=Path, help="the folder that holds acumatica/Default_….json")
    parser.add_argument("--check", action="store_true", help="only compare")
    arguments = parser.parse_args()
    models = load_models(arguments.specs)
    stale = []
    for stream in (each for each in STREAMS if each.is_entity):
        file, text = SCHEMAS / f"{stream.name}.json", text_of(contract_of(stream.path, models))
        if not file.exists() or file.read_text() != text:
            stale.append(stream.name)
            if not arguments.check:
                file.write_text(text)
    print("differing:" if arguments.check else "written:", ", ".join(stale) or "none")
    return 1 if arguments.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
