"""Vendors, customers, items, projects, cost codes and tax zones."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector_simulators.acumatica.amounts import money, quantity
from ml_connector_simulators.acumatica.company import NOT_TAXED, TAXABLE, ZONES
from ml_connector_simulators.acumatica.seed.books import SET_UP, identity, office_hours
from ml_connector_simulators.acumatica.seed.books import day_of as _day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector_simulators.acumatica.seed.books import Books, Row

# Name, what it sells (the expense account of its bills), class.
_VENDORS = """
Allfruits Wholesale:50000:GOODS|Good Fruits Inc.:50000:GOODS|Squirrel Kitchenware:50000:GOODS
Harbor Paper Products:61300:GOODS|Northway Freight:50100:SERVICE|Printico Copying:61300:SERVICE
Office Upkeep LLC:61200:SERVICE
Blue Ridge Utilities:61100:SERVICE|Keystone Properties:61000:SERVICE|Summit Insurance:66000:SERVICE
Cloudharbor Hosting:65200:SERVICE|Ledgerline Software:65000:SERVICE|Telecom East:65100:SERVICE
Parcel Express:61400:SERVICE|Brightside Advertising:62000:SERVICE|Expo Partners:62100:SERVICE
Hartwell and Dunn LLP:64000:SERVICE|Meridian Accounting:64100:SERVICE|Orchard Consulting:64200:SUBCON
Stonebridge Builders:61200:SUBCON|Skyline Travel:63000:SERVICE|Corner Bistro Catering:63100:SERVICE
Fleet Fuel Cards:63200:SERVICE|Learnwell Training:67000:SERVICE|Greenfield Farms:50000:GOODS
Hudson Packaging:50000:GOODS|Jam Jar Supply:50000:GOODS|Citrus Coast Growers:50000:GOODS
Maple Valley Syrups:50000:GOODS
Delta Office Furniture:15000:GOODS|Vertex Computers:15100:GOODS|Lakeside Cleaning:61200:SERVICE
Union Benefits:60200:SERVICE
Alpine Espresso GmbH:50000:FOREIGN|Obsthof Bodensee:50000:FOREIGN|Maison Confiture:50000:FOREIGN
Toronto Berry Co.:50000:FOREIGN|Old Mill Stationers:61300:GOODS|Riverside Motors:15200:GOODS
Quickfix Repairs:61200:SERVICE
"""
_CITIES = (
    ("New York", "NY", "10001"),
    ("Albany", "NY", "12207"),
    ("Oakland", "CA", "94607"),
    ("Buffalo", "NY", "14202"),
)
_ABROAD = {
    "Alpine Espresso GmbH": ("Vienna", "AT", "1010", "EUR"),
    "Obsthof Bodensee": ("Konstanz", "DE", "78462", "EUR"),
    "Maison Confiture": ("Lyon", "FR", "69002", "EUR"),
    "Toronto Berry Co.": ("Toronto", "CA", "M5H 2N2", "CAD"),
}
_STATUS = {"Old Mill Stationers": "Inactive", "Riverside Motors": "On Hold", "Quickfix Repairs": "One-Time"}
_ZONE_OF = {"NY": "NYZONE", "CA": "CAZONE"}
_CUSTOMERS = """
Jevy Computers|Grand Hotel Albany|Lakeview Diner|Fresh Corner Market|Sunrise Bakery|Metro Grocers|Harvest Table
Campus Dining|Bayside Resort|Green Leaf Cafe|Union Square Deli|Tri-County Schools|Northend Bistro|Oakland Foods
Pier 39 Snacks|Empire Catering|Riverwalk Inn|Family Mart|Hudson Terrace|Golden Gate Stores
"""
_ITEMS = """
APPLES:Apples:LB:2.29|ORANGES:Oranges:LB:2.75|BERRIES:Mixed berries:LB:6.40|PLUMJAM96:Plum jam 96 oz:EA:16.20
ORJAM32:Orange jam 32 oz:EA:7.45|ORJAM96:Orange jam 96 oz:EA:18.90|APJAM08:Apple jam 8 oz:EA:2.60
BANJAM96:Banana jam 96 oz:EA:17.35
JARS08:Jars 8 oz:BOX:11.80|JARS32:Jars 32 oz:BOX:19.50|LABELS:Label rolls:PACK:24.00
SUGAR:Sugar:LB:0.68|PECTIN:Pectin:LB:9.90
CARTON10:Cartons:BOX:13.25|PALLET:Pallets:EA:18.00|JUICER05:Commercial juicer:EA:499.00
JUICER10:Industrial juicer:EA:1890.00
DESK140:Desk 140 cm:EA:389.00|CHAIR01:Office chair:EA:214.50|LAPTOP14:Laptop 14 inch:EA:1149.00
MONITOR27:Monitor 27 inch:EA:279.00
TONERBK:Toner black:EA:86.40|PAPERA4:Copy paper:BOX:38.70|SYRUP12:Maple syrup 12 oz:EA:8.15
OLDMIXER:Old mixer:EA:75.00
"""
_PROJECTS = (
    ("WHEXT26", "Warehouse extension", "Active"),
    ("WEBSHOP", "Web shop", "Active"),
    ("MOVE2025", "Office move", "Completed"),
)
_COST_CODES = (
    ("00000", "Default"),
    ("01100", "Site preparation"),
    ("02100", "Materials"),
    ("03100", "Labor"),
    ("09900", "Other"),
)


def _entries(text: str) -> Iterator[list[str]]:
    for entry in filter(None, text.replace("\n", "|").split("|")):
        yield entry.split(":")


def vendor_code(name: str) -> str:
    """A vendor's key out of its name."""
    return "".join(filter(str.isalnum, name)).upper()[:10]


def trades() -> dict[str, str]:
    """Vendor → the account its bills go to."""
    return {vendor_code(name): account for name, account, _ in _entries(_VENDORS)}


def vendors(books: Books) -> None:
    """Write forty vendors: some abroad, one inactive, one on hold."""
    chance = books.chance("vendors")
    for index, (name, _, kind) in enumerate(_entries(_VENDORS)):
        city, state, code, country, currency = *_CITIES[index % len(_CITIES)], "US", "USD"
        if name in _ABROAD:
            (city, country, code, currency), state = _ABROAD[name], ""
        taxed = _ZONE_OF.get(state, "EXEMPT") if index % 3 == 0 else "EXEMPT"
        address: Row = {"AddressLine1": f"{chance.randrange(1, 900)} Main Street", "City": city, "State": state or None}
        address |= {"Country": country, "PostalCode": code, "Validated": False}
        row: Row = {"VendorID": vendor_code(name), "VendorName": name, "LegalName": name, "VendorClass": kind}
        row |= {
            "Status": _STATUS.get(name, "Active"),
            "CurrencyID": currency,
            "TaxZone": taxed,
            "ForeignEntity": state == "",
        }
        row |= {"Terms": ("NET30", "NET15", "NET45")[index % 3], "PaymentMethod": ("CHECK", "ACH", "WIRE")[index % 3]}
        row |= {"TaxRegistrationID": f"{chance.randrange(10, 99)}-{chance.randrange(10**6, 10**7)}", "AccountRef": None}
        row["CashAccount"] = "10250" if currency == "EUR" else "10200"
        row |= _contacts(name, address, chance.randrange(2000, 9999), "RemittanceContact")
        books.add(
            "Vendor", row | _vendor_rest(), office_hours(_day(index % 20, 20), chance) if index % 5 == 0 else SET_UP
        )


def _contacts(name: str, address: Row, line: int, paid_at: str) -> Row:
    domain = "".join(filter(str.isalnum, name)).lower()
    contact = {
        "ContactID": line,
        "DisplayName": name,
        "CompanyName": name,
        "Email": f"ap@{domain}.example",
        "Phone1": f"+1 (555) 010-{line}",
        "Phone1Type": "Business 1",
        "WebSite": f"https://{domain}.example",
        "Active": True,
        "Address": address,
    }
    names = ("MainContact", "ShippingContact", paid_at)
    return {each: {"id": identity(name, each), "note": "", **contact} for each in names} | {"PrimaryContact": {}}


def _vendor_rest() -> Row:
    flags = (
        "EnableCurrencyOverride EnableRateOverride F1099Vendor FATCA LandedCostVendor PaySeparately PrintOrders"
        " RemittanceAddressOverride RemittanceContactOverride SendOrdersbyEmail ShippingContactOverride"
        " ShippingAddressOverride VendorIsLaborUnion VendorIsTaxAgency"
    )
    return {
        **dict.fromkeys(flags.split(), False),
        "APAccount": "20000",
        "APSubaccount": "000-000",
        "CurrencyRateType": "SPOT",
        "LocationName": "Primary Location",
        "PaymentBy": "Due Date",
        "PaymentLeadTimedays": 0,
        "ReceiptAction": "Accept but Warn",
        "TaxCalculationMode": "Tax Settings",
        "MinReceipt": quantity(0),
        "MaxReceipt": quantity(100),
        "ThresholdReceipt": quantity(100),
    }


def customers(books: Books) -> None:
    """Write twenty customers."""
    for index, (name,) in enumerate(_entries(_CUSTOMERS)):
        city, state, code = _CITIES[index % len(_CITIES)]
        address = {"AddressLine1": f"{10 + index} Market Street", "City": city, "State": state, "Country": "US"}
        row: Row = {
            "CustomerID": f"C{index + 1:06d}",
            "CustomerName": name,
            "CustomerClass": "DEFAULT",
            "Status": "Active",
        }
        row |= {"CurrencyID": "USD", "Terms": "NET30", "TaxZone": "EXEMPT", "StatementCycleID": "MONTHLY"}
        row |= {
            "StatementType": "Open Item",
            "LocationName": "Primary Location",
            "OrderPriority": 0,
            "BAccountID": 7000 + index,
        }
        row |= {
            "CreditLimit": money(5000 * (index + 1)),
            "WriteOffLimit": money(0),
            "NoteID": identity("Customer", index),
        }
        row |= _contacts(name, address | {"PostalCode": code, "Validated": False}, 3000 + index, "BillingContact")
        row["Email"] = row["MainContact"]["Email"]
        books.add("Customer", row)


def items(books: Books) -> None:
    """Write the stock items; one is inactive."""
    for name, title, unit, cost in _entries(_ITEMS):
        row: Row = {"InventoryID": name, "Description": title, "ItemClass": "STOCK", "ItemType": "Finished Good"}
        row |= {
            "ItemStatus": "Inactive" if name == "OLDMIXER" else "Active",
            "PostingClass": "AUTO",
            "LotSerialClass": "NOTTRACKED",
        }
        row |= {"BaseUOM": unit, "PurchaseUOM": unit, "SalesUOM": unit, "DefaultWarehouseID": "WHOLESALE"}
        row |= {"TaxCategory": TAXABLE if float(cost) > 15 else NOT_TAXED, "ValuationMethod": "Average"}  # noqa: PLR2004
        row |= {name: money(cost) for name in ("LastCost", "AverageCost", "MinCost", "MaxCost")}
        row |= {"DefaultPrice": money(Decimal(cost) * Decimal("1.5")), "CurrentStdCost": money(0), "IsAKit": False}
        row |= {
            "InventoryAccount": "12000",
            "COGSAccount": "50000",
            "SalesAccount": "40000",
            "POAccrualAccount": "20100",
        }
        row |= {f"{each}Subaccount": "WHS-000" for each in ("Inventory", "COGS", "POAccrual")}
        books.add("StockItem", row | {"SalesSubaccount": "SAL-000", "NoteID": identity("StockItem", name)})


def small_tables(books: Books) -> None:
    """Write projects, cost codes and tax zones."""
    for code, name, status in _PROJECTS:
        row: Row = {"ProjectID": code, "Description": name, "Status": status, "Hold": False, "ExternalRefNbr": None}
        row |= {each: money(0) for each in ("Assets", "Expenses", "Income", "Liabilities")}
        books.add("Project", row)
    for code, name in _COST_CODES:
        books.add("CostCode", {"CostCodeID": code, "Description": name})
    for zone, (name, taxes) in ZONES.items():
        books.add(
            "TaxZone", {"TaxZoneID": zone, "Description": name, "ApplicableTaxes": [{"TaxID": tax} for tax in taxes]}
        )
