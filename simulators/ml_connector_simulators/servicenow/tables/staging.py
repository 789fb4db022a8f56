"""How staging tables and transform maps are written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector_simulators.servicenow.schema import Column, FieldMap, Table, TransformMap, columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Source-to-Pay staging tables tell about themselves too (apis/servicenow.md §3.2); names UNCONFIRMED.
INTEGRATION = """
    Integration status | 40
    Processing message | 4000
"""


def staging(name: str, label: str, text: str, prefix: str = "") -> Table:
    """A staging table: the columns of `text`, below `sys_import_set_row`."""
    return Table(name, label, columns(text + INTEGRATION, prefix), parent="sys_import_set_row")


def transform(name: str, source: Table, target: Iterable[Column], target_name: str, text: str = "") -> TransformMap:
    """A transform map: the `source target options` lines of `text`, then every column of the same name.

    Options: `coalesce`, `reject`, `ignore`, `by=column` (what a code is looked up in), `currency=column`.
    """
    listed = [_field_map(line.split()) for line in text.splitlines() if line.strip()]
    taken = {it.target for it in listed}
    same = (it for it in _same_names(source, target) if it.target not in taken)
    return TransformMap(name, source.name, target_name, (*listed, *same))


def _field_map(words: list[str]) -> FieldMap:
    source, target, *options = words
    named = dict(option.split("=") for option in options if "=" in option)
    actions = [option for option in options if option in {"reject", "ignore"}]
    return FieldMap(
        source,
        target,
        "coalesce" in options,
        (actions or ["create"])[0],
        named.get("by", ""),
        named.get("currency", ""),
    )


def _same_names(source: Table, target: Iterable[Column]) -> Iterator[FieldMap]:
    staged = {column.element.removeprefix("u_"): column.element for column in source.columns}
    currency = next((element for name, element in staged.items() if name in {"currency", "po_amount_currency"}), "")
    for column in target:
        if column.element in staged and column.type != "reference":
            money = currency if column.type.startswith("currency") else ""
            yield FieldMap(staged[column.element], column.element, currency_from=money)
