"""The company: branches and currencies."""

from __future__ import annotations

from tap_visma.streams.base import MODIFIED, VismaStream


class Branches(VismaStream):
    """Branches, the entities a document line may belong to."""

    name = "branches"
    path = "/v1/branch"
    keys = ("branchId",)
    modified = MODIFIED
    flags = ("expandAddress", "expandCurrency", "expandLedger", "expandVatZone")
    private = ("bankSettings",)


class Currencies(VismaStream):
    """Currencies in use, the base currency marked."""

    name = "currencies"
    path = "/v1/currency"
    keys = ("id",)


class Departments(VismaStream):
    """Departments of the HR master; the ledger's cost centres are another stream (apis/visma.md §3.4)."""

    name = "departments"
    path = "/v1/department"
    keys = ("departmentId",)
    modified = MODIFIED
