"""Orders, receipts, and requisitions as the tables have them."""

from __future__ import annotations

from ml_connector.singer.stream import Tier

from tap_servicenow.streams.base import TableStream


class Requisitions(TableStream):
    """Purchase requisitions, in any state; `purchase_requests` has the approved ones with their lines."""

    name = "sn_shop_purchase_requisition"
    tier = Tier.ORDERS
    total = "total_amount"


class RequisitionLines(TableStream):
    """Their lines."""

    name = "sn_shop_purchase_line"
    tier = Tier.ORDERS
    total = "total_line_amount"


class PurchaseOrders(TableStream):
    """Purchase orders."""

    name = "sn_shop_purchase_order"
    tier = Tier.ORDERS
    total = "total_amount"


class PurchaseOrderLines(TableStream):
    """Their lines."""

    name = "sn_shop_purchase_order_line"
    tier = Tier.ORDERS
    total = "total_line_amount"


class Receipts(TableStream):
    """Goods received."""

    name = "sn_shop_receipt"
    tier = Tier.ORDERS


class CostAllocations(TableStream):
    """How lines are shared among cost centres."""

    name = "sn_shop_cost_allocation"
    tier = Tier.ORDERS


class ProcurementOrders(TableStream):
    """Purchase orders of the older Procurement application."""

    name = "proc_po"
    tier = Tier.ORDERS
    total = "total_cost"


class ProcurementOrderItems(TableStream):
    """Their items."""

    name = "proc_po_item"
    tier = Tier.ORDERS
