"""`maps check`: what can be said about a pair of maps without a single record."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ml_connector.errors import ConfigError
from ml_connector.mapping.loader import Finding, MalformedMap, Place
from ml_connector.mapping.record_map import ATTRIBUTES
from ml_connector.mapping.source_map import SourceMap
from ml_connector.mapping.target_map import TargetMap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ml_connector.mapping.expressions import Expression
    from ml_connector.mapping.nested import Nested
    from ml_connector.mapping.record_map import DocumentMap, RowMap
    from ml_connector.mapping.stream_map import FieldsMap, StreamMap

    #: Stream → the names of its native fields, as the tap's catalog has them.
    Catalog = Mapping[str, frozenset[str]]

_Map = TypeVar("_Map", SourceMap, TargetMap)


def check_maps(
    source: str,
    target: str,
    search: Sequence[Path],
    catalog: Catalog | None = None,
) -> list[Finding]:
    """Return everything wrong or odd about a source map and a target map, errors first.

    `catalog` (stream → its native top-level fields, from the tap's `--discover`) also finds streams and fields the
    tap does not have.
    """
    findings: list[Finding] = []
    source_map = _load(SourceMap, source, search, findings)
    target_map = _load(TargetMap, target, search, findings)
    if source_map and catalog is not None:
        findings.extend(_unknown_native(source_map, catalog))
    if source_map and target_map:
        findings.extend(_unmatched_types(source_map, target_map))
        findings.extend(_unfilled_and_unused(source_map, target_map))
    if target_map:
        findings.extend(_unused_dimensions(target_map))
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(findings, key=lambda each: (order[each.severity], each.place.file, each.place.line))


def _load(kind: type[_Map], name: str, search: Sequence[Path], findings: list[Finding]) -> _Map | None:
    try:
        return kind.load(name, search)
    except MalformedMap as error:
        findings.extend(error.findings)
    except ConfigError as error:
        findings.append(Finding("error", Place(f"{name}.yml", 1), "", str(error)))
    return None


def _unknown_native(source: SourceMap, catalog: Catalog) -> Iterator[Finding]:
    for stream, maps in source.streams.items():
        for each in maps:
            if stream not in catalog:
                text = "the tap has no such stream; it has " + ", ".join(sorted(catalog))
                yield Finding("error", each.place, stream, text, "Correct the name or __source__.")
                continue
            for expression in _own_expressions(each):
                for name in sorted({_head(path) for path in expression.compiled.paths} - catalog[stream] - {"record"}):
                    text = f"the stream {stream} has no such field"
                    yield Finding("error", expression.place, name, text, "Correct the name.")


def _own_expressions(stream_map: StreamMap) -> Iterator[Expression]:
    fields = stream_map.fields
    yield from (expression for _, expression in stream_map.variables)
    yield from (rule.expression for rule in stream_map.skip)
    yield from (column.expression for column in (*stream_map.key, *stream_map.header, *fields.columns))
    yield from (nested.each for nested in fields.rows.values() if nested.each)


def _unmatched_types(source: SourceMap, target: TargetMap) -> Iterator[Finding]:
    produced = {each.fields.type.name: each for maps in source.streams.values() for each in maps}
    for name, stream_map in produced.items():
        if name not in target.record_types:
            text = f"{target.name}.yml does not map {name}: they are skipped as unmapped"
            yield Finding("note", stream_map.place, name, text, "Deselect the stream in the tap to save the reading.")
    for name, record_map in target.record_types.items():
        if name not in produced:
            place = record_map.documents[0].place
            yield Finding("note", place, name, f"{source.name}.yml brings no {name}", "Nothing is delivered there.")


def _unfilled_and_unused(source: SourceMap, target: TargetMap) -> Iterator[Finding]:
    for stream_map in (each for maps in source.streams.values() for each in maps):
        name = stream_map.fields.type.name
        if name not in target.record_types:
            continue
        filled = set(_filled(stream_map.fields))
        used = {path: place for document in target.record_types[name].documents for path, place in _used(document)}
        for path in sorted(used.keys() - filled - set(ATTRIBUTES)):
            if _head(path) not in ATTRIBUTES and not any(each.startswith(f"{path}.") for each in filled):
                text = f"{source.name}.yml never fills this field of {name}: it stays empty"
                yield Finding("note", used[path], path, text, "Map it in the source map if the system has it.")
        for path in sorted(filled - used.keys()):
            yield Finding("note", stream_map.place, path, f"{target.name}.yml does not use this field of {name}")


def _filled(fields: FieldsMap) -> Iterator[str]:
    yield from (column.name for column in fields.columns)
    for name, columns in fields.objects.items():
        yield from (f"{name}.{column.name}" for column in columns)
    for name, nested in fields.rows.items():
        yield name
        yield from (f"{name}.{path}" for path in _filled(nested))


def _used(document: DocumentMap) -> Iterator[tuple[str, Place]]:
    for rows in document.rows:
        inside = f"{rows.each.text.strip()}." if rows.each else ""
        yield from _used_by(rows, inside)
        for nested in (each for outer in rows.nested for each in outer.walk()):
            yield from _used_by(nested, f"{nested.each.text.strip()}." if nested.each else inside)


def _used_by(block: RowMap | Nested, inside: str) -> Iterator[tuple[str, Place]]:
    for column in block.columns:
        for path in column.expression.compiled.paths - {"record"}:
            own = path.startswith("record.")
            yield (path.removeprefix("record.") if own else inside + path), column.expression.place
    for expression in (block.each, block.keep, block.number):
        if expression:
            prefix = "" if expression is block.each else inside
            yield from ((prefix + path, expression.place) for path in expression.compiled.paths)


def _unused_dimensions(target: TargetMap) -> Iterator[Finding]:
    used = {
        name
        for document in target.documents
        for rows in document.rows
        for column in rows.all_columns
        for name in column.expression.compiled.dimensions
    }
    for name in target.dimensions.keys() - used:
        place = target.dimensions[name].place
        yield Finding("warning", place, name, "no column proves this dimension", "Use dimension(), or drop it.")


def _head(path: str) -> str:
    return path.partition(".")[0]
