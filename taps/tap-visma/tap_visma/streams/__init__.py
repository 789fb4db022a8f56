"""The streams of tap-visma, one module per business domain."""

from tap_visma.streams.company import Branches, Currencies
from tap_visma.streams.dimensions import CostCenters, Dimensions, DimensionSegments, DimensionSegmentValues
from tap_visma.streams.ledger import FinancialPeriods, GlAccounts, JournalTransactions, Ledgers, Subaccounts
from tap_visma.streams.payables import SupplierInvoices, SupplierPayments, Suppliers
from tap_visma.streams.purchasing import PurchaseOrders, PurchaseReceipts
from tap_visma.streams.receivables import CustomerInvoices, Customers
from tap_visma.streams.terms import CreditTerms, PaymentMethods, VatCodes, VatZones

STREAMS = (
    Branches,
    Currencies,
    Ledgers,
    FinancialPeriods,
    GlAccounts,
    Subaccounts,
    Dimensions,
    DimensionSegments,
    DimensionSegmentValues,
    CostCenters,
    VatCodes,
    VatZones,
    PaymentMethods,
    CreditTerms,
    Suppliers,
    Customers,
    PurchaseOrders,
    PurchaseReceipts,
    SupplierInvoices,
    CustomerInvoices,
    SupplierPayments,
    JournalTransactions,
)

__all__ = ["STREAMS"]
