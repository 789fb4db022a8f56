"""Purchasing."""

from __future__ import annotations

from ml_connector.singer.stream import Tier

from tap_visma.streams.base import MODIFIED, PAGED, VismaStream


class PurchaseOrders(VismaStream):
    """Purchase orders with lines."""

    name = "purchase_orders"
    path = "/v1/purchaseorder"
    single = "{orderNbr}"  # regular orders only; another type is looked for in the list
    tier = Tier.ORDERS
    keys = ("orderType", "orderNbr")
    modified = MODIFIED
    paging = PAGED
    amount, currency = "orderTotal", "currency"


class PurchaseReceipts(VismaStream):
    """Purchase receipts with lines; a page holds 500 at most."""

    name = "purchase_receipts"
    path = "/v2/PurchaseReceipt"
    single = "{receiptNbr}"  # receipts only; returns are looked for in the list
    tier = Tier.ORDERS
    keys = ("receiptType", "receiptNbr")
    modified = MODIFIED
    paging = PAGED
    amount, currency = "totalAmt", "currency"
