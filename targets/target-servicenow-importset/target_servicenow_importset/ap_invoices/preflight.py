"""What of the AP Invoice API is checked before the first record, and what a document must not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.errors import Forbidden

from target_servicenow_importset.ap_invoices.document import INVOICES, LINES, NUMBER, PARTS, column, parts, staged
from target_servicenow_importset.values import row_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector.delivery.sink import Effect, Problem
    from ml_connector.mapping.target_map import TableUse
    from ml_connector.vendors.servicenow.dictionary import Dictionary
    from ml_connector.vendors.servicenow.reader import Reader

# What is read beside the table that the map names.
TABLES = (*PARTS.values(), LINES)


def missing(use: TableUse, dictionary: Dictionary, reader: Reader) -> Iterator[str]:
    """Yield what the instance, or the map, lacks for `via: ap_invoice_api`."""
    if use.table != INVOICES:
        yield f"{use.table}: the AP Invoice API makes rows of {INVOICES}; name that one"
        return
    if len(use.key_columns) != 2 or NUMBER not in use.key_columns:  # noqa: PLR2004
        yield (
            f"{INVOICES}: the key of an invoice is {NUMBER} and the column that keeps what the header Source-System "
            "says, such as erp_source"
        )
    if absent := dictionary.load({*TABLES, INVOICES}):
        yield from (f"{name}: the instance has no such table" for name in sorted(absent))
        return
    yield from (
        f"{INVOICES}: {name!r} is no column" for name in use.key_columns if not dictionary.table(INVOICES).find(name)
    )
    yield from _unknown(use, dictionary)
    try:
        reader.probe(INVOICES)
    except Forbidden as error:
        yield f"{INVOICES}: whether an invoice is there already cannot be read: {error}"


def _unknown(use: TableUse, dictionary: Dictionary) -> Iterator[str]:
    """Yield the fields that the API does not have: it would leave them out without a word."""
    for name in use.columns:
        outer, _, field = name.rpartition(".")
        part = outer.rpartition(".")[2]
        if part not in PARTS:
            yield f"{INVOICES}: the AP Invoice API has no list {part!r}; it has {', '.join(filter(None, PARTS))}"
        elif not dictionary.table(PARTS[part]).find(column(field)):
            yield f"{INVOICES}: the AP Invoice API has no field {name!r}: {PARTS[part]} has no {column(field)}"


def problem(effect: Effect, dictionary: Dictionary) -> Problem | None:
    """Return why the instance would not keep an invoice as it is, or None."""
    key = staged(effect).key
    for name, values in parts(effect):
        table = dictionary.table(name)
        columns = {each: table.column(each) for each in values}
        own = {each: value for each, value in key.items() if each in values}
        if found := row_problem(own, values, columns, staging=True):
            return found
    return None
