"""Reading a target map file: every row, column, key and dimension checked before the first record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.finance.catalog import RECORD_TYPES
from ml_connector.mapping.compiler import Names, NotAllowed
from ml_connector.mapping.crosswalk import Crosswalks
from ml_connector.mapping.dimension_reader import read_dimensions
from ml_connector.mapping.expressions import (
    Column,
    Expression,
    read_block,
    read_expression,
    read_word,
    read_words,
    refuse_unknown_words,
)
from ml_connector.mapping.loader import Block, MapFile, Node, Problems, Text
from ml_connector.mapping.record_map import OWNERS, DocumentMap, Frozen, RecordMap, RowMap
from ml_connector.mapping.target_names import refuse_partial_key, refuse_unknown_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ml_connector.finance.catalog import RecordType
    from ml_connector.mapping.dimensions import Dimension

_TOP = {"target", "via", "dimensions", "stream_maps"}
_RECORD_WORDS = frozenset({"__source__", "__types__", "__frozen_states__", "__other_entities__"})
_ROW_WORDS = frozenset({"__alias__", "__via__", "__key_properties__", "__each__", "__filter__", "__row__", "__phase__"})
_OWNED_WORDS = frozenset({"__value__", "__owner__"})


@dataclass(slots=True)
class Found:
    """What a target map file says."""

    crosswalks: Crosswalks
    dimensions: dict[str, Dimension] = field(default_factory=dict)
    record_types: dict[str, RecordMap] = field(default_factory=dict)


def read(file: MapFile, search: Sequence[Path]) -> Found:
    """Read a target map; raises MalformedMap with every mistake."""
    problems, root = Problems(), file.root
    for key in root.values.keys() - _TOP:
        problems.add(root.places[key], key, "a target map has no such part", f"It has {', '.join(sorted(_TOP))}.")
    read_word(root.values.get("target"), root.place, "target", problems)
    found = Found(Crosswalks(search, problems))
    found.dimensions = {each.name: each for each in read_dimensions(root, found.crosswalks, problems)}
    documents: dict[str, list[DocumentMap]] = {}
    maps = read_block(root.values.get("stream_maps"), root.place, "stream_maps", problems)
    for name, node in maps.values.items():
        block = read_block(node, maps.places[name], f"the map of {name}", problems)
        reader = _RecordReader(name, block, root.values.get("via"), found, problems)
        if reader.type:
            documents.setdefault(reader.type.name, []).append(reader.read(reader.type))
    found.record_types = {name: RecordMap(name, tuple(parts)) for name, parts in documents.items()}
    problems.stop_if_any()
    return found


@dataclass(slots=True)
class _RecordReader:
    name: str
    block: Block
    via: Node | None
    found: Found
    problems: Problems
    type: RecordType | None = None

    def __post_init__(self) -> None:
        source = self.block.values.get("__source__", Text(self.name, self.block.place))
        self.type = RECORD_TYPES.get(read_word(source, self.block.place, "__source__", self.problems))
        if self.type is None:
            known = ", ".join(RECORD_TYPES)
            self.problems.add(source.place, self.name, "there is no such record type", f"There are {known}.")

    def read(self, record_type: RecordType) -> DocumentMap:
        values = self.block.values
        refuse_unknown_words(self.block, _RECORD_WORDS, self.problems)
        types = read_words(values.get("__types__"), self.problems)
        rows = [self._rows(record_type, name, node, phase) for phase, (name, node) in enumerate(self.block.plain())]
        if not rows:
            self.problems.add(self.block.place, self.name, "the record becomes no row", "Name a row, such as header.")
        return DocumentMap(
            name=self.name,
            place=self.block.place,
            types=frozenset(types) or None,
            rows=rows,
            frozen=self._frozen(record_type, values.get("__frozen_states__")),
            other_entities=self._other_entities(values.get("__other_entities__")),
        )

    def _names(self) -> Names:
        return Names(dimensions=self.found.dimensions, crosswalk=self._open_crosswalk)

    def _open_crosswalk(self, name: str) -> Callable[..., str | None]:
        crosswalk = self.found.crosswalks.open(name, self.block.place)
        if crosswalk is None:
            raise NotAllowed(f"the crosswalk {name} cannot be used")
        return crosswalk.lookup

    def _expression(self, record_type: RecordType, row_type: RecordType | None, node: Node | None) -> Expression | None:
        expression = read_expression(node, self._names(), self.problems)
        if expression:
            refuse_unknown_names(expression, record_type, row_type, self.problems)
        return expression

    def _rows(self, record_type: RecordType, name: str, node: Node, phase: int) -> RowMap:
        block = read_block(node, self.block.places[name], f"the row {name}", self.problems)
        values, place = block.values, block.place
        refuse_unknown_words(block, _ROW_WORDS, self.problems)
        each = self._expression(record_type, None, values["__each__"]) if "__each__" in values else None
        row_type = self._row_type(record_type, each)
        keep = self._expression(record_type, row_type, values["__filter__"]) if "__filter__" in values else None
        columns, owners = self._columns(record_type, row_type, block)
        row = values.get("__row__", Text("line_number", place))
        number = self._expression(record_type, row_type, row) if each else None
        rows = RowMap(
            name=name,
            phase=phase,
            table=read_word(values.get("__alias__"), place, "__alias__, the table,", self.problems),
            via=read_word(values.get("__via__", self.via), place, "__via__, how the table is written,", self.problems),
            key=read_words(values.get("__key_properties__"), self.problems),
            columns=columns,
            owners=owners,
            each=each,
            keep=keep,
            number=number,
        )
        refuse_partial_key(rows, place, self.problems)
        return rows

    def _row_type(self, record_type: RecordType, each: Expression | None) -> RecordType | None:
        if each is None:
            return None
        nested = record_type.fields.get(each.text.strip())
        if nested is None or nested.rows is None:
            lists = ", ".join(name for name, each_field in record_type.fields.items() if each_field.rows) or "none"
            self.problems.add(each.place, each.text, f"{record_type.name} have no such list", f"They have {lists}.")
            return None
        return nested.rows

    def _columns(
        self, record_type: RecordType, row_type: RecordType | None, block: Block
    ) -> tuple[list[Column], dict[str, str]]:
        columns: list[Column] = []
        owners: dict[str, str] = {}
        for name, node in block.plain():
            owner, value = self._owned(node)
            owners[name] = owner
            if value is None and owner == "target":
                continue  # named to say whose it is: never sent
            expression = self._expression(record_type, row_type, value)
            if expression:
                columns.append(Column.of(name, expression))
        return columns, owners

    def _owned(self, node: Node) -> tuple[str, Node | None]:
        if not isinstance(node, Block):
            return "source", node
        refuse_unknown_words(node, _OWNED_WORDS, self.problems)
        owner = read_word(node.values.get("__owner__"), node.place, "__owner__", self.problems)
        value = node.values.get("__value__")
        if owner not in OWNERS or (owner == "target") is (value is not None):
            self.problems.add(
                node.place,
                owner,
                "a column is owned by source, create_only or target; only what is sent has a __value__",
                "Correct __owner__ or __value__.",
            )
        return owner, value

    def _frozen(self, record_type: RecordType, node: Node | None) -> Frozen | None:
        if node is None:
            return None
        block = read_block(node, self.block.place, "__frozen_states__", self.problems)
        keys = read_block(block.values.get("key"), block.place, "key", self.problems)
        read = {name: self._expression(record_type, None, value) for name, value in keys.values.items()}
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
