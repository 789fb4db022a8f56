"""Reading the fixed words of a map file: what is not an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.finance.catalog import RECORD_TYPES
from ml_connector.mapping.loader import Block, Items, MalformedMap, Node, Place, Problems, Text

if TYPE_CHECKING:
    from collections.abc import Collection

    from ml_connector.finance.catalog import RecordType


def read_word(node: Node | None, place: Place, what: str, problems: Problems) -> str:
    """Return a plain word of the map; '' after noting its absence."""
    if isinstance(node, Text) and node.value:
        return node.value
    problems.add(node.place if node else place, what, "this is missing", "Give it as a plain word.")
    return ""


def read_words(node: Node | None, problems: Problems) -> tuple[str, ...]:
    """Return a list of plain words; one alone may stand without the list."""
    if node is None:
        return ()
    nodes = node.values if isinstance(node, Items) else (node,)
    return tuple(read_word(each, each.place, "a word", problems) for each in nodes)


def read_block(node: Node | None, place: Place, what: str, problems: Problems) -> Block:
    """Return a mapping of the map file; an empty one after noting its absence."""
    if isinstance(node, Block):
        return node
    problems.add(node.place if node else place, what, "its entries are missing", "Indent them under it.")
    return Block({}, {}, place)


def read_record_type(node: Node, problems: Problems) -> RecordType | None:
    """Return the canonical record type a node names; None after noting that there is no such."""
    name = read_word(node, node.place, "the record type", problems)
    if name and name not in RECORD_TYPES:
        problems.add(node.place, name, "there is no such record type", f"There are {', '.join(RECORD_TYPES)}.")
    return RECORD_TYPES.get(name)


def refuse_unknown_words(block: Block, known: Collection[str], problems: Problems) -> None:
    """Note every `__word__` the vocabulary does not have at this place."""
    for key in block.values:
        if key.startswith("__") and key not in known:
            words = ", ".join(sorted(known))
            problems.add(block.places[key], key, "this word does not exist here", f"There are {words}.")


def refuse_unknown_parts(block: Block, known: Collection[str], what: str, problems: Problems) -> None:
    """Note every entry of a block whose entries are fixed."""
    for key in block.values:
        if key not in known:
            parts = ", ".join(known)
            problems.add(block.places[key], key, f"{what} has no such part", f"Its parts are {parts}.")


def refuse_other_kind(root: Block, mark: str, kind: str, problems: Problems) -> None:
    """Stop at once when the file is a map of the other kind, told by its `mark`."""
    if mark in root.values:
        remedy = "The setting `mapping` names the source map first, then the target map."
        problems.add(root.places[mark], mark, f"this is a {kind}", remedy)
        raise MalformedMap(problems.findings)
