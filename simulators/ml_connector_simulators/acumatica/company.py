"""The company DEMO and what has no entity of its own in the endpoint: branches, terms, taxes, warehouses."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPANY = "RIVERBEND"
COMPANY_NAME = "Riverbend Supply Co."
BASE_CURRENCY = "USD"
BRANCHES: Mapping[str, str] = MappingProxyType({"MAIN": "Riverbend Headquarters", "WEST": "Riverbend West"})
MAIN_BRANCH = "MAIN"
CURRENCIES = ("USD", "EUR", "CAD")
RATES: Mapping[str, Decimal] = MappingProxyType({"USD": Decimal(1), "EUR": Decimal("1.08"), "CAD": Decimal("0.72")})
TERMS: Mapping[str, int] = MappingProxyType({"NET30": 30, "NET15": 15, "NET45": 45, "NET60": 60, "DUE": 0, "30D": 30})
PAYMENT_METHODS = ("CHECK", "ACH", "WIRE")
CASH_ACCOUNTS = ("10200", "10210", "10250")
UNITS = ("EA", "HOUR", "BOX", "LB", "KG", "PACK", "MONTH")
WAREHOUSES = ("MAIN", "WHOLESALE", "WEST")

TAXES: Mapping[str, Decimal] = MappingProxyType(
    {"NYSTATETAX": Decimal("4.00"), "NYCITYTAX": Decimal("4.875"), "CASTATETAX": Decimal("7.25")}
)
ZONES: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "NYZONE": ("New York City", ("NYSTATETAX", "NYCITYTAX")),
        "CAZONE": ("California", ("CASTATETAX",)),
        "EXEMPT": ("Exempt", ()),
    }
)
TAXABLE = "TAXABLE"
NOT_TAXED = "EXEMPT"
