"""Reading the `dimensions:` block of a target map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.finance.catalog import RECORD_TYPES
from ml_connector.mapping.compiler import Names
from ml_connector.mapping.dimensions import ACTIONS, SOURCE_KEY, Dimension, Policy
from ml_connector.mapping.expressions import Expression, read_expression
from ml_connector.mapping.loader import Block, Node, Place, Problems, Text
from ml_connector.mapping.words import read_block, read_word, refuse_unknown_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector.mapping.crosswalk import Crosswalks

_PARTS = ("source", "table", "key", "active", "valid_from", "valid_to", "crosswalk", "code", "missing", "inactive")
_KEY_NAMES = frozenset({"erp_source", "company", "value"})
_CODE_NAMES = frozenset({"company", "value"})


def read_dimensions(root: Block, crosswalks: Crosswalks, problems: Problems) -> Iterator[Dimension]:
    """Yield every dimension of a target map; mistakes are noted."""
    if "dimensions" not in root.values:
        return
    for name, node in read_block(root.values["dimensions"], root.place, "dimensions", problems).values.items():
        block = read_block(node, root.place, f"the dimension {name}", problems)
        refuse_unknown_parts(block, _PARTS, "a dimension", problems)
        yield _dimension(name, block, crosswalks, problems)


def _dimension(name: str, block: Block, crosswalks: Crosswalks, problems: Problems) -> Dimension:
    values, place = block.values, block.place
    record_type, _, value_field = read_word(values.get("source"), place, "source", problems).partition(".")
    if record_type not in RECORD_TYPES or value_field not in {SOURCE_KEY, *RECORD_TYPES[record_type].fields}:
        where = values["source"].place if "source" in values else place
        text = f"{record_type}.{value_field}"
        problems.add(where, text, "there is no such master and field", "Write one like gl_accounts.number.")
    file = _optional_word(values.get("crosswalk"), problems)
    active = read_expression(values["active"], Names(), problems) if "active" in values else None
    return Dimension(
        name=name,
        place=place,
        record_type=record_type,
        value_field=value_field,
        table=read_word(values.get("table"), place, "table", problems),
        keys=_keys(block, problems),
        active=active,
        valid_from=_optional_word(values.get("valid_from"), problems),
        valid_to=_optional_word(values.get("valid_to"), problems),
        crosswalk=crosswalks.open(file, values["crosswalk"].place) if file else None,
        missing=_policy("missing", values.get("missing"), place, problems),
        inactive=_policy("inactive", values.get("inactive"), place, problems),
        code=_reading(values["code"], _CODE_NAMES, "code", problems) if "code" in values else None,
    )


def _optional_word(node: Node | None, problems: Problems) -> str | None:
    return None if node is None else read_word(node, node.place, "a word", problems)


def _keys(block: Block, problems: Problems) -> dict[str, Expression]:
    keys = read_block(block.values.get("key"), block.place, "key", problems)
    read = {column: _reading(node, _KEY_NAMES, "key", problems) for column, node in keys.values.items()}
    return {column: expression for column, expression in read.items() if expression is not None}


def _reading(node: Node, known: frozenset[str], what: str, problems: Problems) -> Expression | None:
    """Return an expression that reads nothing but some names."""
    expression = read_expression(node, Names(), problems)
    for path in expression.compiled.paths - known if expression else ():
        names = ", ".join(sorted(known))
        problems.add(node.place, path, f"a dimension's {what} cannot read this", f"It can read {names}.")
    return expression


def _policy(word: str, node: Node | None, place: Place, problems: Problems) -> Policy:
    if isinstance(node, Text) and node.value in ACTIONS[:3]:
        return Policy(node.value)
    if isinstance(node, Block) and list(node.values) == ["default"]:
        return Policy("default", read_word(node.values["default"], node.place, "the default code", problems))
    text = node.value or "" if isinstance(node, Text) else ""
    problems.add(
        node.place if node else place,
        text,
        f"the dimension does not say what a {word} value does",
        f"Write `{word}: refuse`, `{word}: park`, `{word}: omit` or `{word}: {{default: CODE}}`.",
    )
    return Policy("refuse")
