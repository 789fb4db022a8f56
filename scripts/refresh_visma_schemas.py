"""Take the names and types of tap-visma's streams from Visma's OpenAPI file.

    python scripts/refresh_visma_schemas.py ../shared/specs [--check]

Writes `tap_visma/schemas/<stream>.json`; `--check` only compares and names the streams that differ.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_visma import schemas
from tap_visma.streams import STREAMS

if TYPE_CHECKING:
    from tap_visma.streams.base import VismaStream

SPEC = "visma/vismanet-erp-openapi-v1-2025-04-24.json.gz"
SCHEMAS = Path(schemas.__path__[0])
PAGING_FIELD = "metadata"  # repeated in each row, and no part of the record

Json = dict[str, Any]


def load_spec(specs: Path) -> Json:
    """Return Visma's OpenAPI document."""
    with gzip.open(specs / SPEC) as file:
        spec: Json = json.load(file)
    return spec


def types_of(stream: type[VismaStream], spec: Json) -> Json:
    """Return a stream's names and types."""
    answer = spec["paths"][stream.path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    model = _resolve(answer.get("items", answer), spec)
    for part in stream.model:
        model = _resolve(model["properties"][part]["items"], spec)
    left_out = {PAGING_FIELD, stream.apart}
    return {name: _types(schema, spec, ()) for name, schema in model["properties"].items() if name not in left_out}


def _resolve(schema: Json, spec: Json) -> Json:
    if "$ref" not in schema:
        return schema
    resolved: Json = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return resolved


def _types(schema: Json, spec: Json, above: tuple[str, ...]) -> Any:
    """Return the types below a schema; a model inside itself stays a free object."""
    name = schema.get("$ref", "")
    if name and name in above:
        return "object"
    resolved, above = _resolve(schema, spec), (*above, name)
    if resolved.get("type") == "array":
        return [_types(resolved["items"], spec, above)]
    if properties := resolved.get("properties"):
        return {field: _types(child, spec, above) for field, child in properties.items()}
    return "date-time" if resolved.get("format") == "date-time" else resolved["type"]


def text_of(types: Json) -> str:
    """Return the file's text."""
    return json.dumps(types, indent=1) + "\n"


def main() -> int:
    """Refresh, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specs", type=Path, help="the folder that holds visma/…json.gz")
    parser.add_argument("--check", action="store_true", help="only compare")
    arguments = parser.parse_args()
    spec = load_spec(arguments.specs)
    stale = []
    for stream in STREAMS:
        file, text = SCHEMAS / f"{stream.name}.json", text_of(types_of(stream, spec))
        if not file.exists() or file.read_text() != text:
            stale.append(stream.name)
            if not arguments.check:
                file.write_text(text)
    print("differing:" if arguments.check else "written:", ", ".join(stale) or "none")
    return 1 if arguments.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
