"""Reading a source map file: every stream, field and rule checked against the canonical record types."""

from __future__ import annotations

from dataclasses import dataclass, field
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from ml_connector.errors import RecordRefused
from ml_connector.finance.kinds import CONVERT, to_text
from ml_connector.mapping.compiler import RESERVED, Names
from ml_connector.mapping.crosswalk import Crosswalks
from ml_connector.mapping.expressions import Column, Expression, read_expression
from ml_connector.mapping.loader import Block, Items, MapFile, Node, Place, Problems, Text
from ml_connector.mapping.stream_map import FieldsMap, SkipRule, StreamMap
from ml_connector.mapping.words import (
    read_block,
    read_record_type,
    read_word,
    refuse_other_kind,
    refuse_unknown_parts,
    refuse_unknown_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ml_connector.finance.catalog import RecordType

HEADER = ("company", "title", "source_state", "source_modified_at")
_TOP = ("source_system", "vars", "stream_maps")
_STREAM_WORDS = frozenset(
    {"__alias__", "__source__", "__key_properties__", "__vars__", "__filter__", "__skip__", "__park__", "__else__"}
)
_ROWS_WORDS = frozenset({"__each__", "__filter__"})


@dataclass(slots=True)
class Found:
    """What a source map file says."""

    source_system: str
    variables: dict[str, Any]
    crosswalks: Crosswalks
    streams: dict[str, list[StreamMap]] = field(default_factory=dict)


def read(file: MapFile, search: Sequence[Path], variables: Mapping[str, str | int]) -> Found:
    """Read a source map; raises MalformedMap with every mistake."""
    problems = Problems()
    root = file.root
    refuse_other_kind(root, "target", "target map", problems)
    refuse_unknown_parts(root, _TOP, "a source map", problems)
    system = read_word(root.values.get("source_system"), root.place, "source_system", problems)
    crosswalks = Crosswalks(search, problems)
    found = Found(system, _variables(root, variables, problems), crosswalks)
    streams = read_block(root.values.get("stream_maps"), root.place, "stream_maps", problems)
    for name, node in streams.values.items():
        block = read_block(node, streams.places[name], f"the map of {name}", problems)
        stream_map = _StreamReader(name, block, found, problems).read()
        if stream_map is not None:
            found.streams.setdefault(stream_map.stream, []).append(stream_map)
    problems.stop_if_any()
    return found


def _variables(root: Block, given: Mapping[str, str | int], problems: Problems) -> dict[str, Any]:
    block = root.values.get("vars", Block({}, {}, root.place))
    block = read_block(block, root.place, "vars", problems)
    values: dict[str, Any] = {}
    for name, node in block.values.items():
        _refuse_odd_name(name, block, problems)
        expression = read_expression(node, Names(), problems)
        values[name] = _constant(expression, problems) if expression else None
    for name, value in given.items():
        if name not in values:
            known = ", ".join(values) or "none"
            problems.add(block.place, name, "the map has no such variable", f"It has {known}.")
        values[name] = value
    return values


def _refuse_odd_name(name: str, block: Block, problems: Problems) -> None:
    if not name.isidentifier() or iskeyword(name) or name in RESERVED:
        text = "an expression could not name this variable"
        problems.add(block.places[name], name, text, f"Use letters, digits and _; not {', '.join(RESERVED)}.")


def _constant(expression: Expression, problems: Problems) -> Any:
    if not expression.compiled.paths:
        try:
            return expression.evaluate({}, {}, {})
        except RecordRefused as error:
            problems.add(expression.place, expression.text, error.message, "Give a plain value.")
            return None
    problems.add(expression.place, expression.text, "a variable is a plain value", "Put a text in quotes.")
    return None


@dataclass(slots=True)
class _StreamReader:
    name: str
    block: Block
    found: Found
    problems: Problems
    variables: list[tuple[str, Expression]] = field(default_factory=list)

    def read(self) -> StreamMap | None:
        block, place = self.block, self.block.place
        refuse_unknown_words(block, _STREAM_WORDS, self.problems)
        self._refuse_else()
        record_type = read_record_type(block.values.get("__alias__", Text(self.name, place)), self.problems)
        if record_type is None:
            return None
        self._read_variables()
        header, entries = self._split()
        fields = self._fields(record_type, entries, place)
        source = block.values.get("__source__", Text(self.name, place))
        return StreamMap(
            stream=read_word(source, place, "__source__", self.problems),
            place=place,
            fields=fields,
            header=header,
            key=self._key(),
            variables=self.variables,
            skip=list(self._skip()),
            currency=next((column for column in fields.columns if column.name == "currency"), None),
        )

    def _expression(self, node: Node) -> Expression | None:
        known = {*self.found.variables, *(name for name, _ in self.variables)}
        names = Names(variables=known, crosswalk=self.found.crosswalks.opener(node.place), company="_company")
        return read_expression(node, names, self.problems)

    def _refuse_else(self) -> None:
        node = self.block.values.get("__else__")
        if node is not None and not (isinstance(node, Text) and node.value is None):
            self.problems.add(
                node.place, "__else__", "fields no line names are never canonical", "Write `__else__: null` or nothing."
            )

    def _read_variables(self) -> None:
        node = self.block.values.get("__vars__")
        if node is None:
            return
        block = read_block(node, self.block.place, "__vars__", self.problems)
        for name, value in block.values.items():
            _refuse_odd_name(name, block, self.problems)
            expression = self._expression(value)
            if expression:
                self.variables.append((name, expression))

    def _split(self) -> tuple[list[Column], Iterator[tuple[str, Node]]]:
        nodes = dict(self.block.plain())
        nodes.setdefault("company", Text("_company", self.block.place))
        header = [(name, nodes.pop(name)) for name in HEADER if name in nodes]
        return self._columns(header, dict.fromkeys(HEADER, "text")), iter(nodes.items())

    def _columns(self, entries: Sequence[tuple[str, Node]], kinds: Mapping[str, str]) -> list[Column]:
        read = ((name, self._expression(node)) for name, node in entries)
        return [Column.of(name, expression, CONVERT[kinds[name]]) for name, expression in read if expression]

    def _fields(self, record_type: RecordType, entries: Iterator[tuple[str, Node]], place: Place) -> FieldsMap:
        plain: list[tuple[str, Node]] = []
        objects: dict[str, list[Column]] = {}
        rows: dict[str, FieldsMap] = {}
        for name, node in entries:
            field_type = record_type.fields.get(name)
            if field_type is None:
                known = ", ".join([*HEADER, *record_type.fields])
                self.problems.add(node.place, name, f"{record_type.name} have no such field", f"They have {known}.")
            elif field_type.kind == "map":
                block = read_block(node, place, name, self.problems)
                objects[name] = self._columns(list(block.plain()), dict.fromkeys(block.values, "text"))
            elif field_type.rows is not None:
                rows[name] = self._rows(field_type.rows, read_block(node, place, name, self.problems))
            else:
                plain.append((name, node))
        given = {name for name, _ in plain} | objects.keys() | rows.keys()
        for name in record_type.required:
            if name not in given:
                self.problems.add(place, name, f"{record_type.name} cannot go without this field", "Map it.")
        columns = self._columns(plain, {name: record_type.fields[name].kind for name, _ in plain})
        return FieldsMap(record_type, columns, objects, rows)

    def _rows(self, row_type: RecordType, block: Block) -> FieldsMap:
        refuse_unknown_words(block, _ROWS_WORDS, self.problems)
        fields = self._fields(row_type, block.plain(), block.place)
        each = self._expression(self._wanted(block, "__each__", "the rows do not say which list they come from"))
        keep = self._expression(block.values["__filter__"]) if "__filter__" in block.values else None
        return FieldsMap(row_type, fields.columns, fields.objects, fields.rows, each, keep)

    def _wanted(self, block: Block, word: str, message: str) -> Node:
        if word not in block.values:
            self.problems.add(block.place, word, message, "Add the word.")
        return block.values.get(word, Text("None", block.place))

    def _key(self) -> list[Column]:
        node = self._wanted(self.block, "__key_properties__", "the stream does not say what tells its records apart")
        nodes = node.values if isinstance(node, Items) else (node,)
        read = [expression for expression in map(self._expression, nodes) if expression]
        return [Column.of(expression.text, expression, to_text) for expression in read]

    def _skip(self) -> Iterator[SkipRule]:
        values = self.block.values
        if "__filter__" in values and (keep := self._expression(values["__filter__"])):
            yield SkipRule("filter", keep, keeps=True)
        for word in ("__skip__", "__park__"):
            if word in values:
                block = read_block(values[word], self.block.place, word, self.problems)
                for name, node in block.values.items():
                    if holds := self._expression(node):
                        yield SkipRule(name, holds, keeps=False, parks=word == "__park__")
