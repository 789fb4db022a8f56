"""Reading a target map file: every row, column, key and dimension checked before the first record."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from ml_connector.mapping.crosswalk import Crosswalks
from ml_connector.mapping.dimension_reader import read_dimensions
from ml_connector.mapping.loader import Block, MapFile, Node, Problems, Text
from ml_connector.mapping.match import read_match
from ml_connector.mapping.record_map import REFERENCES, DocumentMap, Echo, Frozen, RecordMap, header_of
from ml_connector.mapping.row_reader import RowReader
from ml_connector.mapping.words import (
    read_block,
    read_record_type,
    read_word,
    read_words,
    refuse_other_kind,
    refuse_unknown_parts,
    refuse_unknown_words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ml_connector.finance.catalog import RecordType
    from ml_connector.mapping.dimensions import Dimension
    from ml_connector.mapping.record_map import RowMap

_TOP = ("target", "via", "dimensions", "stream_maps")
_RECORD_WORDS = (
    "__source__",
    "__types__",
    "__frozen_states__",
    "__other_entities__",
    "__amount__",
    "__cancelled__",
    "__echo__",
    "__match__",
)
_ECHO_PARTS = ("source_system", "record_type", "key", "reference")
_FROZEN_PARTS = ("table", "key", "column", "states")


@dataclass(slots=True)
class Found:
    """What a target map file says."""

    crosswalks: Crosswalks
    dimensions: dict[str, Dimension]
    record_types: dict[str, RecordMap] = field(default_factory=dict)


def read(file: MapFile, search: Sequence[Path]) -> Found:
    """Read a target map; raises MalformedMap with every mistake."""
    problems, root = Problems(), file.root
    refuse_other_kind(root, "source_system", "source map", problems)
    refuse_unknown_parts(root, _TOP, "a target map", problems)
    read_word(root.values.get("target"), root.place, "target", problems)
    crosswalks = Crosswalks(search, problems)
    found = Found(crosswalks, {each.name: each for each in read_dimensions(root, crosswalks, problems)})
    documents: dict[str, list[DocumentMap]] = {}
    maps = read_block(root.values.get("stream_maps"), root.place, "stream_maps", problems)
    for name, node in maps.values.items():
        block = read_block(node, maps.places[name], name, problems)
        record_type = read_record_type(block.values.get("__source__", Text(name, block.place)), problems)
        if record_type is not None:
            reader = _DocumentReader(name, block, record_type, root.values.get("via"), found, problems)
            documents.setdefault(record_type.name, []).append(reader.read())
    found.record_types = {name: RecordMap(name, tuple(parts)) for name, parts in documents.items()}
    _refuse_conflicts(found, problems)
    problems.stop_if_any()
    return found


@dataclass(slots=True)
class _DocumentReader:
    name: str
    block: Block
    type: RecordType
    via: Node | None
    found: Found
    problems: Problems

    def read(self) -> DocumentMap:
        values = self.block.values
        refuse_unknown_words(self.block, _RECORD_WORDS, self.problems)
        rows = RowReader(self.type, self.via, self.found.dimensions, self.found.crosswalks, self.problems)
        row_maps = [
            rows.read(name, read_block(node, self.block.places[name], name, self.problems), phase)
            for phase, (name, node) in enumerate(self.block.plain())
        ]
        if not row_maps:
            self.problems.add(self.block.place, self.name, "the record becomes no row", "Name a row, such as header.")
        return DocumentMap(
            name=self.name,
            place=self.block.place,
            types=frozenset(read_words(values.get("__types__"), self.problems)) or None,
            rows=row_maps,
            frozen=self._frozen(rows, values.get("__frozen_states__")),
            other_entities=self._other_entities(values.get("__other_entities__")),
            amount=self._amount(values.get("__amount__"), row_maps),
            cancelled=self._cancelled(values.get("__cancelled__"), row_maps),
            echo=self._echo(values.get("__echo__")),
            match=read_match(values.get("__match__"), self.block, rows, self.found.crosswalks),
        )

    def _echo(self, node: Node | None) -> Echo | None:
        if node is None:
            return None
        block = read_block(node, self.block.place, "__echo__", self.problems)
        refuse_unknown_parts(block, _ECHO_PARTS, "__echo__", self.problems)
        record_type = read_record_type(
            block.values.get("record_type", Text(self.type.name, block.place)), self.problems
        )
        reference = block.values.get("reference")
        return Echo(
            source_system=read_word(block.values.get("source_system"), block.place, "source_system", self.problems),
            record_type=record_type.name if record_type else "",
            key=read_words(block.values.get("key"), self.problems),
            reference=self._reference(reference) if reference else None,
        )

    def _reference(self, node: Node) -> str:
        name = read_word(node, node.place, "reference", self.problems)
        if name not in REFERENCES:
            remedy = f"It is one of {', '.join(REFERENCES)}."
            self.problems.add(node.place, name, "no reference of ours comes back in this field", remedy)
        return name

    def _amount(self, node: Node | None, rows: Sequence[RowMap]) -> str | None:
        if node is None:
            return None
        name = read_word(node, node.place, "__amount__", self.problems)
        header = header_of(rows)
        if header is None or name not in header.owners:
            text = "the header has no such column, so its amount cannot be read again"
            self.problems.add(node.place, name, text, "Name the header's column that holds the document's total.")
        return name

    def _cancelled(self, node: Node | None, rows: Sequence[RowMap]) -> dict[str, str]:
        if node is None:
            return {}
        block = read_block(node, self.block.place, "__cancelled__", self.problems)
        header = header_of(rows)
        if header is None or set(block.values) & set(header.key):
            text = "cancelling changes columns of the one header row, and none of its key"
            self.problems.add(block.place, self.name, text, "Name the header's status column and the value it takes.")
        return {name: read_word(value, block.place, name, self.problems) for name, value in block.values.items()}

    def _frozen(self, rows: RowReader, node: Node | None) -> Frozen | None:
        if node is None:
            return None
        block = read_block(node, self.block.place, "__frozen_states__", self.problems)
        refuse_unknown_parts(block, _FROZEN_PARTS, "__frozen_states__", self.problems)
        keys = read_block(block.values.get("key"), block.place, "key", self.problems)
        read = {name: rows.condition(value, None) for name, value in keys.values.items()}
        return Frozen(
            table=read_word(block.values.get("table"), block.place, "table", self.problems),
            keys={name: expression for name, expression in read.items() if expression},
            column=read_word(block.values.get("column"), block.place, "column", self.problems),
            states=frozenset(read_words(block.values.get("states"), self.problems)),
        )

    def _other_entities(self, node: Node | None) -> bool:
        if node is None or (isinstance(node, Text) and node.value == "park"):
            return False
        if not (isinstance(node, Text) and node.value == "send"):
            self.problems.add(node.place, "__other_entities__", "it is either park or send", "Write one of the two.")
        return True


def _refuse_conflicts(found: Found, problems: Problems) -> None:
    for record_map in found.record_types.values():
        for first, second in combinations(record_map.documents, 2):
            if first.types is None or second.types is None or first.types & second.types:
                text = f"it shares document types with {first.name} on line {first.place.line}"
                problems.add(second.place, second.name, text, "Give both their own `__types__`.")
    known: dict[str, tuple[str, tuple[str, ...]]] = {}
    for document in (document for record_map in found.record_types.values() for document in record_map.documents):
        for rows in document.rows:
            use = rows.via, rows.key
            if known.setdefault(rows.table, use) != use:
                text = "the table is written in another way, or by another key, elsewhere in this map"
                problems.add(document.place, rows.table, text, "Use one way and one key.")
