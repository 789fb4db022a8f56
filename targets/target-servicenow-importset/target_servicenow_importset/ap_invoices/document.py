"""One invoice as the AP Invoice API takes it, and as the staging rows that the instance makes of it.

The documentation names, for every field of the document, the column of the staging table that it goes into: `u_` and
the field's own name (apis/servicenow.md §6.3). So what is known of those columns, and of the transform maps behind
them, holds for documents, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_connector.mapping.nested import ROW

from target_servicenow_importset.values import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml_connector.delivery.sink import Effect

AP_INVOICE_API = "ap_invoice_api"
INVOICES, LINES = "sn_shop_invoice", "sn_shop_invoice_line"
STAGING = "sn_spend_intg_imp_invoice"
NUMBER = "external_invoice_number"
LINE_LIST = "invoice_lines"
# Where the parts of a document are staged, by the list they stand in.
PARTS = {
    "": STAGING,
    LINE_LIST: "sn_spend_intg_imp_invoice_line",
    "tax_details": "sn_spend_intg_imp_invoice_tax_line",
}
_RENAMED = {"tax_rate": "u_supplier_tax_rate"}


def column(field: str) -> str:
    """Return the staging column that a field of the document goes into."""
    return _RENAMED.get(field, f"u_{field}")


def source_of(effect: Effect) -> str:
    """Return what the header `Source-System` says of an invoice: the part of its key that is in no document."""
    return next(text(value) for name, value in effect.key.items() if name != NUMBER)


def document(effect: Effect) -> dict[str, Any]:
    """Return the invoice as it is sent."""
    return {name: _sent(value) for name, value in effect.payload.items() if name == NUMBER or name not in effect.key}


def _sent(value: Any) -> Any:
    match value:
        case list():
            return [_sent(item) for item in value]
        case dict():
            return {name: _sent(inner) for name, inner in value.items() if name != ROW}
        case _:
            return text(value)


def staged(effect: Effect) -> Effect:
    """Return the row of the staging table that an invoice's header becomes."""
    key = {column(name): value for name, value in effect.key.items()}
    payload = {column(name): value for name, value in effect.payload.items() if not isinstance(value, list)}
    return replace(effect, table=STAGING, via="import_set", key=key, payload=payload)


def parts(effect: Effect) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every staging row that an invoice becomes: its table, and its values by column."""
    yield from _parts("", effect.payload)


def _parts(name: str, values: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    plain = {column(field): value for field, value in values.items() if field != ROW and not isinstance(value, list)}
    yield PARTS[name], plain
    for inner, items in values.items():
        if isinstance(items, list):
            for item in items:
                yield from _parts(inner, item)


def line_count(effect: Effect) -> int:
    """Return how many lines an invoice has."""
    return len(effect.payload.get(LINE_LIST) or ())
