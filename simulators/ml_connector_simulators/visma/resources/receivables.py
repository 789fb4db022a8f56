"""Accounts receivable (apis/visma.md §3.3, OpenAPI of April 2025)."""

from __future__ import annotations

from ml_connector_simulators.visma.resource import Filter, Resource, Single
from ml_connector_simulators.visma.resources.common import AR_STATUS, CREATED, MODIFIED, PAGE

_DOCUMENT_FILTERS = (
    MODIFIED,
    CREATED,
    Filter("customer", "customer.number"),  # `customerNumber` is not a filter: ignored, all rows (LIVE-P)
    Filter("status", "status", allowed=AR_STATUS),
    Filter("externalReference", "externalReference"),
    Filter("customerRefNumber", "customerRefNumber"),
    Filter("paymentReference", "paymentReference"),
    Filter("financialPeriod", "financialPeriod"),
    Filter("branch", "branchNumber.number"),
    Filter("documentDate", "documentDate", ordered=True),
    Filter("documentDueDate", "documentDueDate", ordered=True),
)
_DOCUMENT_EXPANDS = {
    "expandAttachments": "attachments",
    "expandTaxDetails": "taxDetails",
    "expandInvoiceAddress": "invoiceAddress",
}
_NOT_SIMULATED = (
    "released",
    "project",
    "closedFinancialPeriod",
    "dunningLevel",
    "dunningLetterDateTime",
    "dunningLetterDateTimeCondition",
)


def _documents(path: str, document_type: str) -> Resource:
    """A list of customer documents of one type."""
    return Resource(
        path=path,
        keys=("documentType", "referenceNumber"),
        singles=(Single("/{number}", document_type + "/{number}"),),
        filters=_DOCUMENT_FILTERS,
        expands=_DOCUMENT_EXPANDS,
        maximum=PAGE,
        after=("referenceNumber",),
        not_simulated=("documentType", *_NOT_SIMULATED),
    )


RECEIVABLES = (
    Resource(
        path="/v1/customer",
        keys=("number",),
        singles=(Single("/internal/{internalId}", None), Single("/{number}", "{number}")),
        filters=(
            MODIFIED,
            CREATED,
            Filter("status", "status", allowed=("Active", "OnHold", "CreditHold", "Inactive", "OneTime")),
            Filter("name", "name"),
            Filter("vatRegistrationId", "vatRegistrationId"),
            Filter("corporateId", "corporateId"),
            Filter("email", "mainContact.email"),
            Filter("phone", "mainContact.phone1"),
        ),
        expands={"expandAccountInformation": "glAccounts", "expandPaymentMethods": "paymentMethods"},
        maximum=PAGE,
        not_simulated=("attributes",),
    ),
    _documents("/v1/customerinvoice", "Invoice"),
    _documents("/v1/customerCreditNote", "CreditNote"),
    _documents("/v1/customerDebitNote", "DebitNote"),
    Resource(
        path="/v1/customerdocument",
        keys=("documentType", "referenceNumber"),
        filters=(
            *_DOCUMENT_FILTERS,
            Filter(
                "documentType",
                "documentType",
                allowed=(
                    *("Invoice", "DebitNote", "CreditNote", "Payment", "VoidPayment", "Prepayment", "Refund"),
                    *(
                        "FinCharge",
                        "SmallBalanceWo",
                        "SmallCreditWo",
                        "CashSale",
                        "CashReturn",
                        "Undefined",
                        "NoUpdate",
                    ),
                ),
            ),
        ),
        maximum=PAGE,
        after=("referenceNumber",),
        not_simulated=_NOT_SIMULATED,
    ),
    Resource(
        path="/v1/customerPayment",
        keys=("type", "refNbr"),
        singles=(Single("/{number}", "Payment/{number}"),),
        filters=(
            MODIFIED,
            Filter("customer", "customer.number"),
            Filter(
                "paymentType",
                "type",
                allowed=(
                    *("Payment", "CreditNote", "Prepayment", "Refund", "VoidPayment"),
                    *("SmallBalanceWo", "VoidRefund", "Undefined"),
                ),
            ),
            Filter("paymentNbr", "refNbr"),
            Filter("invoiceRefNbr", "paymentLines.*.refNbr"),
            Filter("status", "status", allowed=AR_STATUS),
            Filter("branch", "branch"),
            Filter("financialPeriod", "applicationPeriod"),
            Filter("docDate", "applicationDate", ordered=True),
        ),
        maximum=PAGE,
        after=("refNbr",),
        not_simulated=("orderBy",),
    ),
)
