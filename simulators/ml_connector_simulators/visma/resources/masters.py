"""Masters of the company (apis/visma.md §3.3, OpenAPI of April 2025)."""

from __future__ import annotations

from ml_connector_simulators.visma.resource import Filter, Resource, Single
from ml_connector_simulators.visma.resources.common import CREATED, MODIFIED, PAGE

_CREATED = Filter("createdDateTime", "_created", ordered=True)  # filtered by, never shown

MASTERS = (
    Resource(
        path="/v1/vat",
        keys=("vatId",),
        singles=(Single("/{number}", "{number}"),),
        filters=(MODIFIED,),
        metadata=False,
    ),
    Resource(
        path="/v1/vatZone",
        keys=("id",),
        singles=(Single("/{number}", "{number}"),),
        maximum=PAGE,
        modified=None,
    ),
    Resource(
        path="/v1/currency",
        keys=("id",),
        singles=(Single("/{number}", "{number}"),),
        metadata=False,
        modified=None,
    ),
    Resource(
        path="/v1/branch",
        keys=("number",),
        singles=(Single("/{number}", "{number}"),),
        filters=(MODIFIED,),
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
        after=("number",),
        not_simulated=("orderBy",),
    ),
    Resource(
        path="/v1/paymentmethod",
        keys=("paymentMethodID",),
        singles=(Single("/{number}", "{number}"),),
        filters=(Filter("lastModifiedDateTime", "_modified", ordered=True),),
        metadata=False,
        modified="_modified",  # filtered by, never shown,
        after=("paymentMethodID",),
    ),
    Resource(
        path="/v1/creditTerm",
        keys=("termsId",),
        filters=(MODIFIED, CREATED, Filter("termsId", "termsId")),
        maximum=PAGE,
        metadata=False,
    ),
    Resource(
        path="/v1/vatCategory",
        keys=("vatCategoryId",),
        singles=(Single("/{number}", "{number}"),),
        filters=(MODIFIED, _CREATED),
        metadata=False,
        after=("vatCategoryId",),
    ),
    Resource(
        path="/v1/department",
        keys=("departmentId",),
        singles=(Single("/{number}", "{number}"),),
        filters=(MODIFIED,),
        metadata=False,
        after=("departmentId",),
        not_simulated=("orderBy",),
    ),
    Resource(
        path="/v1/project",
        keys=("projectID",),
        singles=(Single("/internal/{internalID}", None), Single("/{number}", "{number}")),
        filters=(
            MODIFIED,
            _CREATED,
            Filter(
                "status",
                "status",
                allowed=("Planned", "Active", "Completed", "Cancelled", "OnHold", "PendingApproval"),
            ),
            Filter("branch", "branch.number"),
            Filter("publicId", "publicId"),
        ),
        expands={"expandAttribute": "attributes"},
        maximum=PAGE,
        not_simulated=(
            *("systemTemplate", "visibleInAP", "startDate", "attributes", "taskStatus", "nonProject"),
            *("restrictedEmployee", "restrictedUser"),
            *(f"taskVisibleIn{module}" for module in ("Ap", "Ar", "Ca", "Cr", "Ea", "Gl", "In", "Po", "So", "Ta")),
        ),
    ),
    Resource(
        path="/v1/inventory",
        keys=("inventoryNumber",),
        singles=(Single("/internal/{inventoryId}", None), Single("/{number}", "{number}")),
        filters=(
            MODIFIED,
            _CREATED,
            Filter("inventoryNumber", "inventoryNumber"),
            Filter("description", "description"),
            Filter(
                "status",
                "status",
                allowed=("Active", "NoSales", "NoPurchases", "NoRequest", "Inactive", "MarkedForDeletion"),
            ),
        ),
        expanded={
            "expandAccountInformation": "accountInformation",
            "expandInventoryUnits": "inventoryUnits",
            "expandCrossReference": "crossReferences",
            "expandAttachment": "attachments",
            "expandAttribute": "attributes",
            "expandWarehouseDetail": "warehouseDetails",
            "expandSupplierDetails": "supplierDetails",
            "expandSalesCategories": "salesCategories",
            "expandNote": "note",
        },
        maximum=5000,
        after=("inventoryNumber",),
        not_simulated=(
            *("alternateID", "salesCategory", "addCostPriceStatistics", "attributes", "inventoryTypes"),
            *("availabilityLastModifiedDateTime", "availabilityLastModifiedDateTimeCondition"),
            *("attachmentLastModifiedDateTime", "attachmentLastModifiedDateTimeCondition"),
        ),
    ),
)
