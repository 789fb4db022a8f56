"""The raw loop of invoices: `sysparm_offset` until a short page; every value stays text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from bench.raw import PAGE, Rows, decode, main, until_short

if TYPE_CHECKING:
    from collections.abc import Iterator

MONEY = ("subtotal", "tax_amount", "final_tax", "discounts", "other_charges", "shipping_amount", "amount_invoiced")
PLAIN = (
    *("sys_id", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count"),
    *("sys_class_name", "number", "supplier_invoice_number", "external_invoice_number", "external_invoice_source"),
    *("erp_source", "erp_number", "type", "state", "supplier", "legal_entity", "invoice_date", "due_date", "currency"),
    *("original_invoice", "description", "purchase_order", "purchase_order_number", "payment_terms", "payment_date"),
    *("channel", "inbound_source", "invoice_line_count", "supplier_tax_id", "business_owner", "approval"),
    *("erp_posting_date", "erp_integration_status", "erp_sync_failed", "third_party_import_id"),
)
PLACE = ("street", "city", "state_or_province", "country", "zip_or_postal_code")
FIELDS = (
    *PLAIN,
    *(f"{name}.{part}" for name in MONEY for part in ("amount", "currency")),
    *(f"{side}_{part}" for side in ("ship_to", "ship_from", "remit_to") for part in PLACE),
)
"""All columns, money as its amount and its currency: what the tap reads, too."""


def read(config: dict[str, Any]) -> Iterator[Rows]:
    """Yield all pages."""
    session = requests.Session()
    session.auth = (config["username"], config["password"])
    query = {"sysparm_query": "ORDERBYsys_updated_on^ORDERBYsys_id", "sysparm_exclude_reference_link": "true"}
    query |= {"sysparm_fields": ",".join(FIELDS), "sysparm_limit": str(PAGE), "sysparm_no_count": "true"}

    def page(number: int) -> Rows:
        url = f"{config['instance_url']}/api/now/table/sn_shop_invoice"
        answer = session.get(url, params={**query, "sysparm_offset": str(number * PAGE)}, timeout=90)
        return list(decode(answer.content)["result"])

    yield from until_short(page)


if __name__ == "__main__":
    main("sn_shop_invoice", read)
