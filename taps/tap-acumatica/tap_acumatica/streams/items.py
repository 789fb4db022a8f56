"""Projects and items."""

from __future__ import annotations

from tap_acumatica.streams.base import AcumaticaStream


class Projects(AcumaticaStream):
    """Projects (PM301000)."""

    name = "projects"
    path = "Project"
    keys = ("ProjectID",)


class StockItems(AcumaticaStream):
    """Stock items (IN202500)."""

    name = "stock_items"
    path = "StockItem"
    keys = ("InventoryID",)
