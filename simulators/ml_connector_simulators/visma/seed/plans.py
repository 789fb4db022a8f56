"""Budgets, departments, projects and items."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector_simulators.visma.seed.chart import COST_CENTRES, ITEMS
from ml_connector_simulators.visma.seed.masters import SET_UP, YEAR
from ml_connector_simulators.visma.seed.values import amount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector_simulators.visma.seed.company import Books, Row

_BUDGETED = ("5000", "6300", "6340", "6360", "6552", "6700", "6800", "6900", "7140", "7320")
_MONTHS = 12
_PROJECTS = (
    ("P-001", "Nytt lager", "Nytt lager", "Active"),
    ("P-002", "Nettbutikk", "Nätbutik", "Active"),
    ("P-003", "Kontorflytting", "Kontorsflytt", "Completed"),
)


def budgets(books: Books) -> Iterator[Row]:
    """This year's budget of some accounts for the first cost centres, in the main branch; no row names its ledger."""
    chance = books.chance("budgets")
    for account in _BUDGETED:
        for centre in COST_CENTRES[:4]:
            monthly = Decimal(chance.randrange(5, 60) * 1000)
            subaccount = books.subaccount(centre.code)
            total = amount(monthly * _MONTHS)
            yield {
                "_branch": books.branch()["number"],
                "_ledger": "BUDGET",
                "_account": account,
                "_subaccount": subaccount["subaccountNumber"],
                "financialYear": str(YEAR),
                "released": True,
                "releasedAmount": total,
                "account": books.account(account),
                "subaccount": {
                    "active": True,
                    "id": subaccount["subaccountNumber"],
                    "description": subaccount["description"],
                },
                "description": books.account(account)["description"],
                "amount": total,
                "distributedAmount": total,
                "periods": [{"periodId": f"{month:02d}", "amount": amount(monthly)} for month in range(1, _MONTHS + 1)],
                "lastModifiedDateTime": SET_UP,
                "branchNumber": books.branch(),
            }


def departments(books: Books) -> Iterator[Row]:
    """The HR master's departments; not the ledger's cost centres (apis/visma.md §3.4)."""
    for centre in COST_CENTRES[:6]:
        subaccount = books.subaccount(centre.code)
        yield {
            "departmentId": f"D{centre.code}",
            "publicId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{books.company.code}/department/{centre.code}")),
            "description": books.text(centre.names),
            "expenseAccount": books.account("5000"),
            "expenseSubaccount": {
                "active": True,
                "id": subaccount["subaccountNumber"],
                "description": subaccount["description"],
            },
            "lastModifiedDateTime": SET_UP,
        }


def projects(books: Books) -> Iterator[Row]:
    """A few projects, one of them over."""
    for index, (code, norwegian, swedish, status) in enumerate(_PROJECTS, 1):
        yield {
            "internalID": 700 + index,
            "projectID": code,
            "hold": False,
            "status": status,
            "description": books.text({"no": norwegian, "sv": swedish}),
            "assets": amount(0),
            "liability": amount(0),
            "income": amount(0),
            "expenses": amount(0),
            "startDate": "2026-01-01T00:00:00",
            "restrictEmployees": False,
            "restrictEquipment": False,
            "billingPeriod": "Monthly",
            "branch": books.branch(),
            "autoAllocate": False,
            "automaticReleaseAr": False,
            "lastModifiedDateTime": SET_UP,
            "_created": SET_UP,
            "tasks": [{"taskId": "01", "description": "Start", "status": "Active", "restrictEmployees": False}],
            "publicId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{books.company.code}/project/{code}")),
            "attributes": [],
        }


def inventory(books: Books) -> Iterator[Row]:
    """The items that purchase orders and sales name."""
    for index, (number, (norwegian, swedish, price)) in enumerate(ITEMS.items(), 1):
        yield {
            "inventoryId": 10_000 + index,
            "inventoryNumber": number,
            "status": "Active",
            "type": "FinishedGoodItem",
            "description": books.text({"no": norwegian, "sv": swedish}),
            "body": "",
            "postingClass": {"id": "1", "description": "Goods"},
            "vatCode": {"id": "3", "description": ""},
            "defaultPrice": amount(Decimal(price) * Decimal("1.4")),
            "currentCost": amount(price),
            "lastCost": amount(price),
            "lastModifiedDateTime": SET_UP,
            "_created": SET_UP,
            "baseUnit": "STK",
            "salesUnit": "STK",
            "purchaseUnit": "STK",
            "stockItem": True,
            "kitItem": False,
            "accountInformation": {"inventoryAccount": books.account("1460"), "salesAccount": books.account("3000")},
            "crossReferences": [],
            "attachments": [],
            "attributes": [],
            "warehouseDetails": [],
            "inventoryUnits": [],
            "supplierDetails": [],
            "salesCategories": [],
            "note": "",
        }
