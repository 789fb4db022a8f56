"""The streams of tap-visma, one module per business domain."""

from tap_visma.streams.balances import Budgets, GeneralLedgerBalances, GeneralLedgerTransactions
from tap_visma.streams.company import Branches, Currencies, Departments
from tap_visma.streams.dimensions import CostCenters, Dimensions, DimensionSegments, DimensionSegmentValues
from tap_visma.streams.items import Inventory, Projects
from tap_visma.streams.ledger import FinancialPeriods, GlAccounts, JournalTransactions, Ledgers, Subaccounts
from tap_visma.streams.payables import SupplierDocuments, SupplierInvoices, SupplierPayments, Suppliers
from tap_visma.streams.purchasing import PurchaseOrders, PurchaseReceipts
from tap_visma.streams.receivables import (
    CustomerCreditNotes,
    CustomerDebitNotes,
    CustomerDocuments,
    CustomerInvoices,
    CustomerPayments,
    Customers,
)
from tap_visma.streams.terms import CreditTerms, PaymentMethods, VatCategories, VatCodes, VatZones

STREAMS = (
    Branches,
    Departments,
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
    VatCategories,
    VatZones,
    PaymentMethods,
    CreditTerms,
    Projects,
    Inventory,
    Suppliers,
    Customers,
    PurchaseOrders,
    PurchaseReceipts,
    SupplierInvoices,
    SupplierDocuments,
    CustomerInvoices,
    CustomerCreditNotes,
    CustomerDebitNotes,
    CustomerDocuments,
    SupplierPayments,
    CustomerPayments,
    JournalTransactions,
    GeneralLedgerTransactions,
    GeneralLedgerBalances,
    Budgets,
)

__all__ = ["STREAMS"]
