"""Visma.net's resources: path, key, paging, filters, expands (apis/visma.md §3.3, OpenAPI of April 2025)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Filter:
    """One query parameter that selects rows by a field; `a.*.b` looks into every row of the list `a`.

    With `ordered`, `<name>Condition` belongs to it; `allowed` are the only values the API knows.
    """

    name: str
    field: str
    ordered: bool = False
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Single:
    """A path of one record below its resource, and the key it stands for; without a key all rows are searched."""

    path: str
    key: str | None


@dataclass(frozen=True)
class Resource:
    """One resource of the API."""

    path: str  # spelt as the OpenAPI file spells it; any case is answered
    keys: tuple[str, ...]
    singles: tuple[Single, ...] = ()
    filters: tuple[Filter, ...] = ()
    expands: dict[str, str] = field(default_factory=dict)  # parameter → the field lists show only when it is true
    maximum: int | None = None  # the largest page; None: not paged, and paging parameters are ignored
    metadata: bool = True
    row_version: bool = False  # rows carry `timeStamp`
    modified: str = "lastModifiedDateTime"

    @property
    def name(self) -> str:
        """The name edits and permissions use: the path's last part, lower case."""
        return self.path.rpartition("/")[2].lower()

    def key(self, row: dict[str, Any]) -> str:
        """The key of a row, its parts joined by `/`."""
        return "/".join(str(row[part]) for part in self.keys)


_MODIFIED = Filter("lastModifiedDateTime", "lastModifiedDateTime", ordered=True)
_CREATED = Filter("createdDateTime", "createdDateTime", ordered=True)
_AP_STATUS = ("Hold", "Balanced", "Voided", "Scheduled", "Open", "Closed", "Printed", "Prebooked", "Reserved")
_AR_STATUS = (*_AP_STATUS[:6], "PendingPrint", "PendingEmail", "CreditHold", "CcHold", "Reserved")
_PO_STATUS = ("Balanced", "Cancelled", "Closed", "Hold", "Open", "PendingEmail", "PendingPrint", "Printed", "Voided")
_PAGE = 1000  # live for customers and customer documents; assumed for the others (apis/visma.md §3.1)

_DECLARED = (
    Resource(
        path="/v1/supplier",
        keys=("number",),
        singles=(Single("/{number}", "{number}"),),
        filters=(
            _MODIFIED,
            Filter("status", "status", allowed=("Active", "OnHold", "HoldPayments", "Inactive", "OneTime")),
            Filter("name", "name"),
            Filter("vatRegistrationId", "vatRegistrationId"),
            Filter("corporateId", "corporateId"),
        ),
        expands={"expandAccountInformation": "glAccounts", "expandNote": "note"},
        maximum=_PAGE,
        row_version=True,
    ),
    Resource(
        path="/v1/supplierInvoice",
        keys=("documentType", "referenceNumber"),
        singles=(
            Single("/{type}/{number}", "{type}/{number}"),
            Single("/{number}", "Invoice/{number}"),
        ),
        filters=(
            _MODIFIED,
            _CREATED,
            Filter("supplier", "supplier.number"),
            # The filter's enum is not the answers': QuickCheck comes in answers only (apis/visma.md §3.4).
            Filter(
                "documentType",
                "documentType",
                allowed=("Invoice", "CreditAdj", "DebitAdj", "Prepayment", "Refund", "Payment"),
            ),
            Filter("status", "status", allowed=_AP_STATUS),
            Filter("branch", "branchNumber.number"),
            Filter("financialPeriod", "financialPeriod"),
            Filter("item", "invoiceLines.*.inventoryNumber"),
            Filter("docDate", "date", ordered=True),
            Filter("dueDate", "dueDate", ordered=True),
            Filter("balance", "balance", ordered=True),
        ),
        expands={"expandAttachment": "attachments", "expandApproval": "approvalDetails", "expandNote": "note"},
        maximum=_PAGE,
        row_version=True,
    ),
    Resource(
        path="/v1/supplierPayment",
        keys=("type", "refNbr"),
        singles=(Single("/{type}/{number}", "{type}/{number}"), Single("/{number}", "Payment/{number}")),
        filters=(
            _MODIFIED,
            Filter("supplier", "supplier.number"),
            Filter(
                "paymentType",
                "type",
                allowed=("Payment", "DebitAdj", "Prepayment", "Refund", "VoidPayment", "VoidRefund"),
            ),
            Filter("invoiceRefNbr", "paymentLines.*.invoiceRefNbr"),
            Filter("status", "status", allowed=(*_AP_STATUS, "PendingApproval", "Rejected", "PendingPrint")),
            Filter("branch", "branch"),
            Filter("financialPeriod", "applicationPeriod"),
            Filter("docDate", "applicationDate", ordered=True),
            Filter("balance", "balance", ordered=True),
        ),
        maximum=_PAGE,
        row_version=True,
    ),
    Resource(
        path="/v1/customer",
        keys=("number",),
        singles=(Single("/internal/{internalId}", None), Single("/{number}", "{number}")),
        filters=(
            _MODIFIED,
            _CREATED,
            Filter("status", "status", allowed=("Active", "OnHold", "CreditHold", "Inactive", "OneTime")),
            Filter("name", "name"),
            Filter("vatRegistrationId", "vatRegistrationId"),
            Filter("corporateId", "corporateId"),
            Filter("email", "mainContact.email"),
            Filter("phone", "mainContact.phone1"),
        ),
        expands={"expandAccountInformation": "glAccounts", "expandPaymentMethods": "paymentMethods"},
        maximum=_PAGE,
    ),
    Resource(
        path="/v1/customerinvoice",
        keys=("documentType", "referenceNumber"),
        singles=(Single("/{number}", "Invoice/{number}"),),
        filters=(
            _MODIFIED,
            _CREATED,
            Filter("customer", "customer.number"),  # `customerNumber` is not a filter: ignored, all rows (LIVE-P)
            Filter("status", "status", allowed=_AR_STATUS),
            Filter("externalReference", "externalReference"),
            Filter("customerRefNumber", "customerRefNumber"),
            Filter("paymentReference", "paymentReference"),
            Filter("financialPeriod", "financialPeriod"),
            Filter("branch", "branchNumber.number"),
            Filter("documentDate", "documentDate", ordered=True),
            Filter("documentDueDate", "documentDueDate", ordered=True),
        ),
        expands={
            "expandAttachments": "attachments",
            "expandTaxDetails": "taxDetails",
            "expandInvoiceAddress": "invoiceAddress",
        },
        maximum=_PAGE,
    ),
    Resource(
        path="/v1/purchaseorder",
        keys=("orderType", "orderNbr"),
        singles=(Single("/{number}", "RegularOrder/{number}"),),
        filters=(
            _MODIFIED,
            Filter("orderType", "orderType", allowed=("RegularOrder", "DropShip", "Blanket", "StandardBlanket")),
            Filter(
                "orderStatus",
                "status",
                allowed=_PO_STATUS,
            ),
            Filter("supplier", "supplier.number"),
            Filter("branch", "branch.number"),
            Filter("orderDate", "date", ordered=True),
            Filter("deliveryDate", "promisedOn", ordered=True),
        ),
        maximum=_PAGE,
        row_version=True,
    ),
    Resource(
        path="/v2/PurchaseReceipt",
        keys=("receiptType", "receiptNbr"),
        singles=(Single("/{number}", "PoReceipt/{number}"),),
        filters=(
            _MODIFIED,
            Filter("receiptType", "receiptType", allowed=("PoReceipt", "PoReturn", "TransferReceipt")),
            Filter("status", "status", allowed=("Hold", "Balanced", "Released")),
            Filter("supplier", "supplier.number"),
            Filter("poOrderNbr", "lines.*.poOrderNbr"),
            Filter("branch", "branchNumber.number"),
            Filter("receiptDate", "date", ordered=True),
        ),
        expands={"expandNote": "note"},
        maximum=500,
        row_version=True,
    ),
    Resource(
        path="/v1/account",
        keys=("accountCD",),
        singles=(Single("/{number}", "{number}"),),
        filters=(_MODIFIED, Filter("active", "active"), Filter("publicCode", "publicCode1")),
        expands={"includeAccountClassDescription": "accountClassDescription"},
    ),
    Resource(path="/v1/dimension", keys=("id",), metadata=False),
    Resource(
        path="/v1/subaccount",
        keys=("subaccountNumber",),
        singles=(Single("/{number}", "{number}"),),
        filters=(_MODIFIED, Filter("active", "active")),
        maximum=_PAGE,
    ),
    Resource(path="/v2/journaltransaction", keys=("module", "batchNumber"), maximum=_PAGE),
    Resource(
        path="/v1/vat",
        keys=("vatId",),
        singles=(Single("/{number}", "{number}"),),
        filters=(_MODIFIED,),
        metadata=False,
    ),
    Resource(path="/v1/vatZone", keys=("id",), singles=(Single("/{number}", "{number}"),), maximum=_PAGE),
    Resource(path="/v1/currency", keys=("id",), singles=(Single("/{number}", "{number}"),), metadata=False),
    Resource(
        path="/v1/branch",
        keys=("number",),
        singles=(Single("/{number}", "{number}"),),
        filters=(_MODIFIED,),
        expands={
            "expandAddress": "mainAddress",
            "expandContact": "mainContact",
            "expandCurrency": "currency",
            "expandVatZone": "vatZone",
            "expandLedger": "ledger",
            "expandIndustryCode": "industryCode",
            "expandDeliveryAddress": "deliveryAddress",
            "expandDeliveryContact": "deliveryContact",
            "expandDefaultCountry": "defaultCountry",
            "expandBankSettings": "bankSettings",
        },
        metadata=False,
    ),
    Resource(
        path="/v1/paymentmethod",
        keys=("paymentMethodID",),
        singles=(Single("/{number}", "{number}"),),
        filters=(Filter("lastModifiedDateTime", "_modified", ordered=True),),
        metadata=False,
        modified="_modified",  # filtered by, never shown
    ),
    Resource(
        path="/v1/creditTerm",
        keys=("termsId",),
        filters=(_MODIFIED, _CREATED, Filter("termsId", "termsId")),
        maximum=_PAGE,
        metadata=False,
    ),
    Resource(path="/v1/ledger", keys=("number",), filters=(_MODIFIED,), metadata=False),
    Resource(path="/v1/financialPeriod", keys=("year", "period"), metadata=False),
)
RESOURCES = {resource.name: resource for resource in _DECLARED}
