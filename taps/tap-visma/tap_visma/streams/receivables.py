"""Accounts receivable."""

from __future__ import annotations

from ml_connector.singer.stream import Tier

from tap_visma.streams.base import MODIFIED, PAGED, VismaStream


class Customers(VismaStream):
    """Customers; `number` may be renamed, `internalId` stays."""

    name = "customers"
    path = "/v1/customer"
    single = "internal/{internalId}"
    tier = Tier.PARTIES
    keys = ("internalId",)
    modified = MODIFIED
    paging = PAGED
    flags = ("expandAccountInformation", "expandPaymentMethods")
    private = ("directDebitLines",)


class _Documents(VismaStream):
    """What all customer documents have in common."""

    tier = Tier.INVOICES
    keys = ("documentType", "referenceNumber")
    modified = MODIFIED
    paging = PAGED
    amount, currency = "amountInCurrency", "currencyId"


class CustomerInvoices(_Documents):
    """Customer invoices with lines and tax details."""

    name = "customer_invoices"
    path = "/v1/customerinvoice"
    single = "{referenceNumber}"  # invoices only
    flags = ("expandTaxDetails",)
    private = ("directDebitMandate",)


class CustomerCreditNotes(_Documents):
    """Credit notes to customers with lines and tax details."""

    name = "customer_credit_notes"
    path = "/v1/customerCreditNote"
    flags = ("expandTaxDetails",)


class CustomerDebitNotes(_Documents):
    """Debit notes to customers with lines and tax details."""

    name = "customer_debit_notes"
    path = "/v1/customerDebitNote"
    flags = ("expandTaxDetails",)


class CustomerDocuments(_Documents):
    """Headers of every kind of customer document, payments included, without lines."""

    name = "customer_documents"
    path = "/v1/customerdocument"


class CustomerPayments(VismaStream):
    """Payments from customers and what they were applied to."""

    name = "customer_payments"
    path = "/v1/customerPayment"
    tier = Tier.PAYMENTS
    keys = ("type", "refNbr")
    modified = MODIFIED
    paging = PAGED
    amount, currency = "paymentAmountInCurrency", "currency"
