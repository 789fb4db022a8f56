"""Vendors and customers (apis/acumatica.md §4, §5)."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_connector_simulators.acumatica.amounts import money, quantity
from ml_connector_simulators.acumatica.company import BASE_CURRENCY
from ml_connector_simulators.acumatica.rules.lines import default
from ml_connector_simulators.acumatica.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector_simulators.acumatica.rules.rule import Desk
    from ml_connector_simulators.acumatica.store import Row

# Class → its default country.
VENDOR_CLASSES: Mapping[str, str | None] = MappingProxyType(
    {"GOODS": "US", "SERVICE": "US", "SUBCON": "US", "FOREIGN": None}
)
_STATUSES = ("Active", "One-Time", "Hold Payments", "On Hold", "Inactive")


def complete_vendor(desk: Desk, row: Row, _old: Row | None) -> None:
    """What the vendor class fills in."""
    row["VendorID"] = (row.get("VendorID") or "").upper() or None
    default(row, VendorClass="GOODS", Status="Active", CurrencyID=BASE_CURRENCY, CurrencyRateType="SPOT")
    default(row, Terms="NET30", PaymentMethod="CHECK", CashAccount="10200", PaymentBy="Due Date", TaxZone="EXEMPT")
    default(row, APAccount="20000", APSubaccount="000-000", LocationName="Primary Location", FATCA=False)
    default(row, ReceiptAction="Accept but Warn", TaxCalculationMode="Tax Settings", PaymentLeadTimedays=0)
    default(row, MinReceipt=quantity(0), MaxReceipt=quantity(100), ThresholdReceipt=quantity(100))
    default(row, LegalName=row.get("VendorName"), Contacts=[], Attributes=[], PaymentInstructions=[])
    flags = (
        "EnableCurrencyOverride EnableRateOverride F1099Vendor ForeignEntity LandedCostVendor PaySeparately"
        " PrintOrders RemittanceAddressOverride RemittanceContactOverride SendOrdersbyEmail"
        " ShippingContactOverride ShippingAddressOverride VendorIsLaborUnion VendorIsTaxAgency"
    )
    default(row, **dict.fromkeys(flags.split(), False))
    default(row, MainContact={}, PrimaryContact={})
    _contact(row, "MainContact", desk, VENDOR_CLASSES.get(row["VendorClass"]))
    for name in ("RemittanceContact", "ShippingContact"):
        default(row, **{name: dict(row["MainContact"])})


def _contact(row: Row, name: str, desk: Desk, country: str | None) -> None:
    contact = row[name] = dict(row[name])
    address = contact["Address"] = dict(contact.get("Address") or {})
    title = row.get("VendorName") or row.get("CustomerName")
    default(
        contact, DisplayName=title, CompanyName=title, Active=True, ContactID=desk.store.next_number("Contact", 4000)
    )
    default(address, Country=country, Validated=False)


def check_vendor(desk: Desk, row: Row, old: Row | None) -> None:
    """A name, a status of the list, a class that is known, a country; an address that can be one."""
    if row["VendorClass"] not in VENDOR_CLASSES and row["VendorClass"] != (old or {}).get("VendorClass"):
        desk.complain(f"Vendor Class '{row['VendorClass']}' cannot be found in the system.", "VendorClass")
    if row["Status"] not in _STATUSES:
        desk.complain(f"'{row['Status']}' is not one of {', '.join(_STATUSES)}.", "Status")
    _check_contact(desk, row["MainContact"])


def _check_contact(desk: Desk, contact: Row) -> None:
    if not contact["Address"].get("Country"):
        desk.complain("'Country' cannot be empty.", "MainContact", "Address", "Country")
    email = contact.get("Email")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        desk.complain(f"'{email}' is no email address.", "MainContact", "Email")


def complete_customer(desk: Desk, row: Row, _old: Row | None) -> None:
    """What the customer class fills in."""
    row["CustomerID"] = (row.get("CustomerID") or "").upper() or None
    default(row, CustomerClass="DEFAULT", Status="Active", CurrencyID=BASE_CURRENCY, Terms="NET30", TaxZone="EXEMPT")
    default(
        row, StatementCycleID="MONTHLY", StatementType="Open Item", LocationName="Primary Location", OrderPriority=0
    )
    default(row, CreditLimit=money(0), WriteOffLimit=money(0), ShippingRule="Back Order Allowed", Contacts=[])
    default(row, Attributes=[], Salespersons=[], PaymentInstructions=[], MainContact={}, PrimaryContact={})
    default(row, BAccountID=7000 + len(desk.store.rows("Customer")), NoteID=row.get("id"))
    _contact(row, "MainContact", desk, "US")
    default(row, BillingContact=dict(row["MainContact"]), ShippingContact=dict(row["MainContact"]))
    row["Email"] = row["MainContact"].get("Email")


def check_customer(desk: Desk, row: Row, _old: Row | None) -> None:
    """An address that can be one."""
    _check_contact(desk, row["MainContact"])


VENDOR = Rule(
    derived=frozenset({"CreatedDateTime", "LastModifiedDateTime"}),
    required=("VendorID", "VendorName"),
    series=lambda _row: "Vendor",
    number="VendorID",
    number_if="number_vendors",
    template="V{:06d}",
    complete=complete_vendor,
    check=check_vendor,
)
CUSTOMER = Rule(
    derived=frozenset({"CreatedDateTime", "LastModifiedDateTime", "BAccountID", "NoteID"}),
    required=("CustomerID", "CustomerName"),
    complete=complete_customer,
    check=check_customer,
)
