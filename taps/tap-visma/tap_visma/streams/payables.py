"""Accounts payable."""

from __future__ import annotations

from ml_connector.singer.stream import Tier

from tap_visma.streams.base import MODIFIED, PAGED, VismaStream


class Suppliers(VismaStream):
    """Suppliers."""

    name = "suppliers"
    path = "/v1/supplier"
    single = "{number}"
    tier = Tier.PARTIES
    keys = ("internalId",)
    modified = MODIFIED
    paging = PAGED
    flags = ("expandAccountInformation",)
    private = ("supplierPaymentMethodDetails",)


class SupplierInvoices(VismaStream):
    """Supplier invoices, credit notes (DebitAdj) and prepayments with lines and tax details."""

    name = "supplier_invoices"
    path = "/v1/supplierInvoice"
    single = "{documentType}/{referenceNumber}"
    tier = Tier.INVOICES
    keys = ("documentType", "referenceNumber")
    modified = MODIFIED
    paging = PAGED
    amount, currency = "amount", "currencyId"


class SupplierPayments(VismaStream):
    """Payments to suppliers and what they were applied to."""

    name = "supplier_payments"
    path = "/v1/supplierPayment"
    single = "{type}/{refNbr}"
    tier = Tier.PAYMENTS
    keys = ("type", "refNbr")
    modified = MODIFIED
    paging = PAGED
    amount, currency = "paymentAmount", "currency.id"


class SupplierDocuments(VismaStream):
    """Headers of every kind of supplier document, payments included, without lines."""

    name = "supplier_documents"
    path = "/v1/supplierdocument"
    tier = Tier.INVOICES
    keys = ("documentType", "referenceNumber")
    modified = MODIFIED
    paging = PAGED
    amount, currency = "amountInCurrency", "currencyId"
