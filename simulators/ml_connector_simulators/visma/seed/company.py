"""The two companies of the group, and what everything seeded for one company shares."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ml_connector_simulators.visma.seed.chart import ACCOUNTS, COST_CENTRES, Account

Row = dict[str, Any]


@dataclass(frozen=True)
class Company:
    """One company: one tenant, one base currency, one language."""

    code: str
    tenant_id: str
    name: str
    corporate_id: str
    vat_registration_id: str
    language: str
    currency: str
    euro_rate: Decimal
    country: tuple[str, str]
    city: tuple[str, str]
    branches: tuple[tuple[str, str], ...]  # (number, name); the first is the company itself
    vat_rates: tuple[tuple[str, str, str, int], ...]  # (category, VAT id, description, per cent)
    supplier_invoices: int
    customer_invoices: int
    purchase_orders: int


NO01 = Company(
    code="NO01",
    tenant_id="11111111-1111-4111-8111-111111111111",
    name="Nordlys Handel AS",
    corporate_id="987654325",
    vat_registration_id="NO987654325MVA",
    language="no",
    currency="NOK",
    euro_rate=Decimal("11.7350"),
    country=("NO", "Norge"),
    city=("0155", "Oslo"),
    branches=(("10", "Nordlys Handel AS"), ("20", "Nordlys Eiendom AS")),
    vat_rates=(
        ("1", "IN25", "Inngående mva høy sats", 25),
        ("11", "IN15", "Inngående mva middels sats", 15),
        ("13", "IN12", "Inngående mva lav sats", 12),
        ("0", "IN00", "Ingen mva", 0),
        ("3", "UT25", "Utgående mva høy sats", 25),
    ),
    supplier_invoices=240,
    customer_invoices=90,
    purchase_orders=36,
)
SE01 = Company(
    code="SE01",
    tenant_id="22222222-2222-4222-8222-222222222222",
    name="Nordlys Handel AB",
    corporate_id="556677-8899",
    vat_registration_id="SE556677889901",
    language="sv",
    currency="SEK",
    euro_rate=Decimal("11.1280"),
    country=("SE", "Sverige"),
    city=("11122", "Stockholm"),
    branches=(("10", "Nordlys Handel AB"), ("20", "Nordlys Fastigheter AB")),
    vat_rates=(
        ("1", "IN25", "Ingående moms 25 %", 25),
        ("11", "IN12", "Ingående moms 12 %", 12),
        ("13", "IN06", "Ingående moms 6 %", 6),
        ("0", "IN00", "Ingen moms", 0),
        ("3", "UT25", "Utgående moms 25 %", 25),
    ),
    supplier_invoices=200,
    customer_invoices=70,
    purchase_orders=30,
)
COMPANIES = (NO01, SE01)


@dataclass
class Books:
    """One company's books while they are being written."""

    company: Company
    seed: int
    suppliers: list[Row] = field(default_factory=list)
    customers: list[Row] = field(default_factory=list)

    def chance(self, topic: str) -> random.Random:
        """Repeatable chance of its own for each kind of record, so that one does not move another."""
        words = f"{self.company.code}/{topic}/{self.seed}"
        return random.Random(zlib.crc32(words.encode()))  # noqa: S311  a seed, not a secret

    def text(self, names: dict[str, str]) -> str:
        """A name in the company's language."""
        return names[self.company.language]

    def rate(self, currency: str) -> Decimal:
        """Company currency per unit of a document's currency."""
        return Decimal(1) if currency == self.company.currency else self.company.euro_rate

    def account(self, number: str) -> Row:
        """An account as document lines show it."""
        account = self._accounts[number]
        return {
            "type": account.type,
            "externalCode1": "",
            "externalCode2": "",
            "active": account.active,
            "number": number,
            "description": self.text(account.names),
        }

    def branch(self, index: int = 0) -> Row:
        """A branch as documents show it."""
        number, name = self.company.branches[index]
        return {"number": number, "name": name}

    def subaccount(self, cost_centre: str, product: str = "00") -> Row:
        """A subaccount as document lines show it: a cost centre and a product group."""
        names = self._cost_centres.get(cost_centre)
        description = self.text(names) if names else ""
        return {
            "subaccountNumber": f"{cost_centre}{product}",
            "subaccountId": int(f"{cost_centre}{product}"),
            "description": description,
            "lastModifiedDateTime": "2025-01-02T09:00:00",
            "active": True,
            "segments": [
                segment(1, COST_CENTRE_SEGMENT, cost_centre, description),
                segment(2, PRODUCT_SEGMENT, product, ""),
            ],
        }

    def __post_init__(self) -> None:
        self._accounts: dict[str, Account] = {account.number: account for account in ACCOUNTS}
        self._cost_centres = {centre.code: centre.names for centre in COST_CENTRES}


COST_CENTRE_SEGMENT = "Cost centre"
PRODUCT_SEGMENT = "Product group"
PRODUCT_GROUPS = {"00": "None", "01": "Furniture", "02": "Office supplies", "03": "IT equipment"}


def segment(number: int, description: str, value: str, value_description: str) -> Row:
    """One segment of a subaccount."""
    return {
        "segmentId": number,
        "segmentDescription": description,
        "segmentValue": value,
        "segmentValueDescription": value_description,
    }
