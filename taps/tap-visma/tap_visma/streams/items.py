"""What lines are about: projects and inventory."""

from __future__ import annotations

from tap_visma.streams.base import MODIFIED, PAGED, VismaStream


class Projects(VismaStream):
    """Projects with their tasks; `projectID` may be renamed, `internalID` stays."""

    name = "projects"
    path = "/v1/project"
    keys = ("internalID",)
    modified = MODIFIED
    paging = PAGED
    private = ("projectManager", "employees")


class Inventory(VismaStream):
    """Items, in stock or not; `inventoryNumber` may be renamed, `inventoryId` stays.

    Every switch is set: what Visma expands by itself is announced to change (apis/visma.md §3.3).
    """

    name = "inventory"
    path = "/v1/inventory"
    keys = ("inventoryId",)
    modified = MODIFIED
    paging = PAGED
    flags = ("expandAccountInformation", "expandInventoryUnits")
    collapsed = (
        "expandCrossReference",
        "expandAttachment",
        "expandAttribute",
        "expandWarehouseDetail",
        "expandSupplierDetails",
        "expandSalesCategories",
        "expandNote",
    )
