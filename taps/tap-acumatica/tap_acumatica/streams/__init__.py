"""The streams of tap-acumatica, one module per business domain."""

from tap_acumatica.streams.cost_centers import CostCenters
from tap_acumatica.streams.items import Projects, StockItems
from tap_acumatica.streams.ledger import GlAccounts, JournalTransactions, Ledgers, Subaccounts, TaxZones
from tap_acumatica.streams.payables import Bills, Checks, Vendors
from tap_acumatica.streams.purchasing import PurchaseOrders, PurchaseReceipts
from tap_acumatica.streams.receivables import Customers, Invoices, Payments

STREAMS = (
    Ledgers,
    GlAccounts,
    Subaccounts,
    CostCenters,
    TaxZones,
    Projects,
    StockItems,
    Vendors,
    Customers,
    PurchaseOrders,
    PurchaseReceipts,
    Bills,
    Invoices,
    Checks,
    Payments,
    JournalTransactions,
)

__all__ = ["STREAMS"]
