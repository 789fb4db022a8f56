"""The fields of each stream, by the version of the endpoint (apis/acumatica.md §4).

`schemas/<stream>.json` is what `scripts/refresh_acumatica_schemas.py` took from Acumatica's own OpenAPI files: the
fields of all versions, and which of them came or went with one.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ml_connector.vendors.acumatica.values import BARE, DAY, unwrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.singer.normalise import Record

OLDEST = 17
"""The first year of a system endpoint that is still known: a lower version is one of a tenant's own numbering."""
_EXTRAS = (*BARE, "note", "custom")
"""What comes with every entity and every row, whether it is asked for or not."""

Types = dict[str, Any]


@cache
def _contract(stream: str) -> Mapping[str, Any]:
    text = files("tap_acumatica").joinpath(f"schemas/{stream}.json").read_text()
    return dict(json.loads(text))


def all_types(stream: str) -> Types:
    """Return a stream's names and types in the newest version."""
    return types_in(stream, None)


def types_in(stream: str, version: str | None) -> Types:
    """Return a stream's names and types in a version of the endpoint, None for the newest.

    A version between two known ones is like the older; one before them all is like the oldest.
    """
    contract = _contract(stream)
    number = _number(version)
    later = {path for since, paths in contract["since"].items() if number < _number(since) for path in paths}
    gone = {path for since, paths in contract["gone"].items() if number >= _number(since) for path in paths}
    return _without(contract["fields"], later | gone, "")


def _number(version: str | None) -> tuple[int, ...]:
    """Return a version as something to compare; a tenant's own numbering (`1.0`) says nothing and counts as newest."""
    parts = tuple(int(part) for part in version.split(".") if part.isdecimal()) if version else ()
    return parts if parts and parts[0] >= OLDEST else (1_000_000,)


def _without(types: Types, left_out: set[str], path: str) -> Types:
    return {name: _inner(kind, left_out, path + name) for name, kind in types.items() if path + name not in left_out}


def _inner(kind: Any, left_out: set[str], path: str) -> Any:
    if isinstance(kind, list):
        return [_inner(kind[0], left_out, path)]
    return _without(kind, left_out, f"{path}.") if isinstance(kind, dict) else kind


def record_of(entity: Record, types: Types) -> Record:
    """Return a record of the stream: values unwrapped, and of what comes unasked only what its types have."""
    return _kept(unwrap(entity), types)


def _kept(row: Record, types: Types) -> Record:
    for name in _EXTRAS:
        if name not in types:
            row.pop(name, None)
    for name, kind in types.items():
        value = row.get(name)
        if kind == "date" and isinstance(value, str):
            row[name] = value[:DAY]
        elif isinstance(kind, dict) and isinstance(value, dict):
            _kept(value, kind)
        elif isinstance(kind, list) and isinstance(value, list) and isinstance(kind[0], dict):
            for each in value:
                _kept(each, kind[0])
    return row
