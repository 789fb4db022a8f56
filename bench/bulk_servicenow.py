"""A ServiceNow simulator with many invoices: pages share one text, so that a request costs a replacement in it.

A block of a thousand invoices is a real one: inserted, and shown by the simulator itself with the fields that are asked
for. All blocks are that one under other numbers and in later hours.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.kit import encode_json
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.servicenow.api.calls import Reply
from ml_connector_simulators.servicenow.store import STAMP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector_simulators.servicenow.api.calls import Call
    from starlette.requests import Request

TABLE = "sn_shop_invoice"
BLOCK = 1000
ORDER = "ORDERBYsys_updated_on^ORDERBYsys_id"
_FIRST = datetime(2026, 10, 1)  # noqa: DTZ001  the platform's times are UTC without saying so
_PAGE, _HOUR = b"@PAGE@", b"2001-01-01 00"  # stand for the block's own six digits, and for its hour
_TOGETHER, _PAUSE = 3, 9  # so many invoices in one second, then so many seconds later the next ones
_SHOWN = ("sysparm_fields", "sysparm_display_value", "sysparm_exclude_reference_link")


class BulkServiceNow(ServiceNowSimulator):
    """An instance whose invoices are read by their keys or by offset, in the order of (sys_updated_on, sys_id)."""

    def __init__(self, invoices: int) -> None:
        super().__init__()
        self.invoices = invoices
        self._blocks: dict[tuple[str, ...], list[bytes]] = {}
        with self.instance.store.transaction():
            supplier = self.add("sn_fin_supplier", legal_name="Riverbend Supply Co.", supplier_number="50001")
            for index in range(BLOCK):
                self._insert(index, supplier["sys_id"])

    def _insert(self, index: int, supplier: str) -> None:
        sys_id = f"{_PAGE.decode()}{index:06d}{'0' * 20}"
        self.add(TABLE, sys_id=sys_id, **_invoice(f"{_PAGE.decode()}{index:06d}", index, supplier))
        moment = f"{_HOUR.decode()}{_stamp(index)[13:]}"
        self.update_silently(TABLE, sys_id, sys_updated_on=moment, sys_created_on=moment)

    def _answer(self, request: Request, call: Call) -> Reply:
        if call.path != f"/api/now/table/{TABLE}":
            return super()._answer(request, call)
        shown = tuple(call.query.get(name, "") for name in _SHOWN)
        if shown not in self._blocks:
            query = {**dict(zip(_SHOWN, shown, strict=True)), "sysparm_query": ORDER, "sysparm_limit": str(BLOCK)}
            body: Any = super()._answer(request, replace(call, query=query)).body
            self._blocks[shown] = [encode_json(row) for row in body["result"]]
        low, high = self._range(call.query["sysparm_query"])
        first = low + int(call.query.get("sysparm_offset", 0))
        end = min(high, first + int(call.query["sysparm_limit"]))
        headers = {} if call.flag("sysparm_no_count") else {"X-Total-Count": str(high - low)}
        return Reply(200, self._page(self._blocks[shown], first, end), headers)

    def _page(self, block: list[bytes], first: int, end: int) -> bytes:
        parts = []
        while first < end:
            page, offset = divmod(first, BLOCK)
            rows = b",".join(block[offset : min(BLOCK, offset + end - first)])
            parts.append(rows.replace(_PAGE, b"%06d" % page).replace(_HOUR, _stamp(page * BLOCK)[:13].encode()))
            first = (page + 1) * BLOCK
        return b'{"result":[' + b",".join(parts) + b"]}"

    def _range(self, query: str) -> tuple[int, int]:
        """Which invoices a query finds: whatever it compares grows with their order."""
        low, high = 0, self.invoices
        for term in filter(None, query.removesuffix(ORDER).split("^")):
            found = _TERM.fullmatch(term)
            if found is None:
                raise NotImplementedError(f"a bulk of invoices does not query by {term}")
            name, operator, value = found.groups()
            numbers, key = range(self.invoices), _KEYS[name]
            start, stop = bisect_left(numbers, value, key=key), bisect_right(numbers, value, key=key)
            low = max(low, stop if operator == ">" else start)
            high = min(high, stop) if operator == "=" else high
        return low, max(low, high)


def _stamp(index: int) -> str:
    """When an invoice was changed last; a block is less than an hour."""
    block, place = divmod(index, BLOCK)
    return (_FIRST + timedelta(hours=block, seconds=place // _TOGETHER * _PAUSE)).strftime(STAMP)


def _sys_id(index: int) -> str:
    block, place = divmod(index, BLOCK)
    return f"{block:06d}{place:06d}{'0' * 20}"


_TERM = re.compile(r"(sys_updated_on|sys_id)(>=|>|=)(.+)")
_KEYS: Mapping[str, Callable[[int], str]] = MappingProxyType({"sys_updated_on": _stamp, "sys_id": _sys_id})


def _invoice(number: str, index: int, supplier: str) -> dict[str, str]:
    amount = 100 + index * 37.25
    sides = {
        f"{side}_{name}": text
        for side in ("ship_to", "ship_from", "remit_to")
        for name, text in (("street", f"{index} Mill Road"), ("city", "Cedar Rapids"), ("country", "United States"))
    }
    return sides | {
        "number": f"INV{number}",
        "supplier_invoice_number": f"S-{number}",
        "external_invoice_number": number,
        "external_invoice_source": "acumatica:US01",
        "erp_source": "acumatica:US01",
        "erp_number": number,
        "type": "standard",
        "state": "approved",
        "approval": "approved",
        "supplier": supplier,
        "invoice_date": "2026-10-02",
        "due_date": "2026-11-01",
        "currency": "USD",
        "subtotal": f"USD;{amount:.2f}",
        "tax_amount": f"USD;{amount * 0.07:.2f}",
        "final_tax": f"USD;{amount * 0.07:.2f}",
        "shipping_amount": "USD;12.50",
        "amount_invoiced": f"USD;{amount * 1.07 + 12.5:.2f}",
        "description": f"Delivery {index} of spare parts, as ordered by the plant in Cedar Rapids",
        "purchase_order_number": f"PO{number}",
        "payment_terms": "30 days",
        "channel": "integration",
        "inbound_source": "acumatica:US01",
        "invoice_line_count": str(1 + index % 9),
        "supplier_tax_id": "US123456789",
        "business_owner": "admin",
        "erp_posting_date": "2026-10-03",
        "erp_integration_status": "posted",
        "erp_sync_failed": "false",
    }
