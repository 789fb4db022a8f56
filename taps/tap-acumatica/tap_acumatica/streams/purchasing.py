"""Purchase orders and receipts."""

from __future__ import annotations

from ml_connector.singer.stream import Tier

from tap_acumatica.streams.base import AcumaticaStream


class PurchaseOrders(AcumaticaStream):
    """Purchase orders (PO301000)."""

    name = "purchase_orders"
    path = "PurchaseOrder"
    tier = Tier.ORDERS
    keys = ("Type", "OrderNbr")
    parts = ("Details", "TaxDetails")
    amount = "OrderTotal"
    currency = "CurrencyID"


class PurchaseReceipts(AcumaticaStream):
    """Purchase receipts and returns (PO302000)."""

    name = "purchase_receipts"
    path = "PurchaseReceipt"
    tier = Tier.ORDERS
    keys = ("Type", "ReceiptNbr")
    parts = ("Details",)
    amount = "TotalCost"
    currency = "CurrencyID"
