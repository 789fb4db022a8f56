"""The streams of tap-servicenow, one module per business domain; any other table is a TableStream by its name."""

from tap_servicenow.streams.base import TableStream
from tap_servicenow.streams.masters import (
    CostCenters,
    Currencies,
    CurrencyRates,
    Departments,
    ErpSources,
    GlAccounts,
    LegalEntities,
    PaymentTerms,
    Periods,
    PurchasingEntities,
    TaxCodes,
    TaxTypes,
    Units,
)
from tap_servicenow.streams.payables import InvoiceLines, InvoicePayments, Invoices, InvoiceTaxLines
from tap_servicenow.streams.purchasing import (
    CostAllocations,
    ProcurementOrderItems,
    ProcurementOrders,
    PurchaseOrderLines,
    PurchaseOrders,
    Receipts,
    RequisitionLines,
    Requisitions,
)
from tap_servicenow.streams.requests import PurchaseRequests
from tap_servicenow.streams.suppliers import SupplierDetails, SupplierPayments, Suppliers

FINANCE = (
    ErpSources,
    LegalEntities,
    PurchasingEntities,
    Currencies,
    CurrencyRates,
    GlAccounts,
    CostCenters,
    Departments,
    PaymentTerms,
    TaxCodes,
    TaxTypes,
    Units,
    Periods,
    Suppliers,
    SupplierDetails,
    Requisitions,
    RequisitionLines,
    PurchaseOrders,
    PurchaseOrderLines,
    Receipts,
    CostAllocations,
    ProcurementOrders,
    ProcurementOrderItems,
    Invoices,
    InvoiceLines,
    InvoiceTaxLines,
    InvoicePayments,
)
"""The tables that are read unless the settings say otherwise, where the instance has them."""

KNOWN = (*FINANCE, SupplierPayments)
"""Tables of which more is known than the dictionary tells."""

__all__ = ["FINANCE", "KNOWN", "PurchaseRequests", "TableStream"]
