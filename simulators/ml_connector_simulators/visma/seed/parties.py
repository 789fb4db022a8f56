"""Suppliers and customers: believable names, addresses, terms, bank details."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ml_connector_simulators.visma.seed.problems import LONG_NAME_SUPPLIER_NUMBER
from ml_connector_simulators.visma.seed.values import amount, instant, office_hours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector_simulators.visma.seed.company import Books, Row


@dataclass(frozen=True)
class Trade:
    """What a supplier deals in, and the accounts its invoices are booked on."""

    words: dict[str, str]
    accounts: tuple[str, ...]


_TRADES = """
Papir|Papper|6800 6810 4360 6840 6940
Renhold|Städ|6360 6390 6320 5910
Kontormøbler|Kontorsmöbler|1250 6540 5900
Data|Data|6551 6552 1280 6420 6490
Telekom|Telekom|6900 6907
Transport|Transport|6100 6110 4160 6400
Energi|Energi|6340 6345 6690
Bygg|Bygg|6600 6390 4510 6300 6620
Bilservice|Bilservice|7020 7000 7040 6440 6500
Bemanning|Bemanning|5010 5990 4500 7200
Råvarer|Råvaror|4000 4100 4300 1200 6570
Revisjon|Revision|6700 6705 7730
Advokat|Advokat|6720 6725 7600 7710 7400
Reklame|Reklam|7320 7330 7420 6860
Reisebyrå|Resebyrå|7130 7140 7350
Forsikring|Försäkring|7500 5950 7040 7770 7790
"""
TRADES = [
    Trade({"no": no, "sv": sv}, tuple(accounts.split()))
    for no, sv, accounts in (line.split("|") for line in _TRADES.strip().splitlines())
]
_PLACES = {
    "no": ("Fjord", "Bryggen", "Solheim", "Viken", "Trønder"),
    "sv": ("Mälar", "Göta", "Norrland", "Vasa", "Svea"),
}
_ABROAD = (
    ("Hansa Logistik GmbH", "DE", "Deutschland", "20457", "Hamburg"),
    ("Baltic Timber OÜ", "EE", "Eesti", "10111", "Tallinn"),
    ("Aarhus Emballage ApS", "DK", "Danmark", "8000", "Aarhus"),
    ("Suomen Toimisto Oy", "FI", "Suomi", "00100", "Helsinki"),
    ("Rotterdam Cloud Services B.V.", "NL", "Nederland", "3011 AA", "Rotterdam"),
    ("Wiener Büromöbel GmbH", "AT", "Österreich", "1010", "Wien"),
    ("Dublin Software Licensing Ltd", "IE", "Ireland", "D02 X285", "Dublin"),
    ("Lyon Papier SAS", "FR", "France", "69002", "Lyon"),
)
_LONG_NAME = (
    "Arbeidsfellesskapet for rehabilitering, vedlikehold og energioppgradering av lager- og kontorbygg på "
    "Gardermoen, ved Solheim Entreprenør AS, Viken Tømrerservice AS og Trønder Elektro AS, avdeling Øst"
)
_TOWNS = {
    "no": (("0581", "Oslo"), ("5003", "Bergen"), ("7010", "Trondheim"), ("4006", "Stavanger"), ("3015", "Drammen")),
    "sv": (
        ("11120", "Stockholm"),
        ("41104", "Göteborg"),
        ("21119", "Malmö"),
        ("55318", "Jönköping"),
        ("90325", "Umeå"),
    ),
}
_SUFFIX = {"no": "AS", "sv": "AB"}
_SHOPS = ("Skole", "Hotell", "Kommune", "Bygg", "Helse", "Kafé", "Studio", "Verksted")
_SUPPLIER_DEFAULTS: Row = {
    "paymentMethod": {"id": "3", "description": "Bank transfer"},
    "cashAccount": "1920",
    "chargeBearer": "Payer",
    "accountUsedForPayment": "IBAN",
    "paymentBy": "DueDate",
    "paymentLeadTime": 0,
    "paySeparately": False,
    "attributes": [],
    "retainageApply": False,
    "retainagePct": amount(0),
    "note": "",
    "landedCostSupplier": False,
    "currencyRateOverride": False,
}
_CUSTOMER_DEFAULTS: Row = {
    "creditVerification": "CreditLimit",
    "creditLimit": amount(250_000),
    "creditDaysPastDue": 0,
    "printInvoices": False,
    "acceptAutoInvoices": True,
    "sendInvoicesByEmail": True,
    "statementType": "OpenItem",
    "gln": "",
    "attributes": [],
    "priceClass": {"id": "BASE", "description": "Base price"},
    "invoiceToDefaultLocation": False,
    "paymentMethods": [{"paymentMethodId": "3", "isDefault": True}],
    "defaultPaymentMethodId": "3",
    "excludeDebtCollection": False,
}
PAYMENT_TERMS = {"30": ("30 days net", 30), "14": ("14 days net", 14), "10": ("10 days net", 10)}
SUPPLIERS = 80
CUSTOMERS = 40


def trade_of(number: str) -> Trade:
    """The trade of a supplier, by its number."""
    return TRADES[int(number) % len(TRADES)]


def suppliers(books: Books) -> Iterator[Row]:
    """The supplier master."""
    chance = books.chance("suppliers")
    for index in range(1, SUPPLIERS + 1):
        number = str(50000 + index)
        abroad = _ABROAD[index // 10 - 1] if index % 10 == 0 else None
        changed = office_hours(date(2025, 1, 6) + timedelta(days=chance.randrange(600)), chance)
        address = _foreign_address(index, abroad) if abroad else _address(books, index)
        terms = chance.choice(list(PAYMENT_TERMS))
        country = address["country"]["id"]
        digits = f"{chance.randrange(10**8, 10**9)}"
        yield {
            "internalId": 1000 + index,
            "number": number,
            "name": abroad[0] if abroad else _supplier_name(books, number),
            "status": "HoldPayments" if index == SUPPLIERS - 1 else "Active",
            "mainAddress": address,
            "mainContact": _contact(index, number),
            "accountReference": f"{books.company.code}-{number}",
            "supplierClass": {"id": "1", "description": "Domestic"} if not abroad else _FOREIGN_CLASS,
            "creditTerms": {"id": terms, "description": PAYMENT_TERMS[terms][0]},
            **_SUPPLIER_DEFAULTS,
            "documentLanguage": "en-US" if abroad else {"no": "nb-NO", "sv": "sv-SE"}[books.company.language],
            "currencyId": "EUR" if abroad else books.company.currency,
            "remitAddress": address,
            "remitContact": _contact(index, number),
            "supplierAddress": address,
            "supplierContact": _contact(index, number),
            "location": {"countryId": country, "id": "MAIN", "name": "Primary Location"},
            "vatRegistrationId": f"{country}{digits}",
            "corporateId": digits,
            "vatZone": VAT_ZONES["02" if abroad else "01"],
            "glAccounts": _supplier_accounts(books, number),
            "lastModifiedDateTime": instant(changed),
            "supplierPaymentMethodDetails": _bank_details(country, digits),
            "currencyOverride": bool(abroad),
        }


def customers(books: Books) -> Iterator[Row]:
    """The customer master."""
    chance = books.chance("customers")
    for index in range(1, CUSTOMERS + 1):
        number = str(10000 + index)
        changed = instant(office_hours(date(2025, 1, 6) + timedelta(days=chance.randrange(600)), chance))
        address = _address(books, index + 7)
        digits = f"{chance.randrange(10**8, 10**9)}"
        place = _PLACES[books.company.language][index % 5]
        yield {
            "internalId": 2000 + index,
            "number": number,
            "name": f"{place} {_SHOPS[index % 8]} {index} {_SUFFIX[books.company.language]}",
            "status": "CreditHold" if index == CUSTOMERS else "Active",
            "mainAddress": address,
            "mainContact": _contact(index + 200, number),
            "accountReference": "",
            "customerClass": {"id": "1", "description": "Domestic"},
            "creditTerms": {"id": "14", "description": PAYMENT_TERMS["14"][0]},
            **_CUSTOMER_DEFAULTS,
            "currencyId": books.company.currency,
            "invoiceAddress": address,
            "invoiceContact": _contact(index + 200, number),
            "deliveryAddress": address,
            "deliveryContact": _contact(index + 200, number),
            "vatRegistrationId": f"{books.company.country[0]}{digits}",
            "corporateId": digits,
            "vatZone": VAT_ZONES["01"],
            "location": {"countryId": books.company.country[0], "id": "MAIN", "name": "Primary Location"},
            "lastModifiedDateTime": changed,
            "createdDateTime": changed,
        }


_FOREIGN_CLASS = {"id": "2", "description": "Foreign"}
VAT_ZONES = {
    "01": {"id": "01", "description": "Domestic", "defaultVatCategory": "1"},
    "02": {"id": "02", "description": "EU", "defaultVatCategory": "0"},
    "03": {"id": "03", "description": "Outside the EU", "defaultVatCategory": "0"},
}


def _supplier_name(books: Books, number: str) -> str:
    if (books.company.code, number) == ("NO01", LONG_NAME_SUPPLIER_NUMBER):
        return _LONG_NAME
    language = books.company.language
    place = _PLACES[language][int(number) // len(TRADES) % 5]
    return f"{place} {books.text(trade_of(number).words)} {_SUFFIX[language]}"


def _address(books: Books, index: int) -> Row:
    postal_code, city = _TOWNS[books.company.language][index % 5]
    street = {"no": "Storgata", "sv": "Storgatan"}[books.company.language]
    return {
        "addressId": 3000 + index,
        "addressLine1": f"{street} {index}",
        "addressLine2": "",
        "addressLine3": "",
        "postalCode": postal_code,
        "city": city,
        "country": {"id": books.company.country[0], "name": books.company.country[1]},
        "county": {"id": "", "name": ""},
    }


def _foreign_address(index: int, abroad: tuple[str, str, str, str, str]) -> Row:
    _, code, country, postal_code, city = abroad
    return {
        "addressId": 3000 + index,
        "addressLine1": f"Hafenstraße {index}" if code in {"DE", "AT"} else f"Main Street {index}",
        "addressLine2": "",
        "addressLine3": "",
        "postalCode": postal_code,
        "city": city,
        "country": {"id": code, "name": country},
        "county": {"id": "", "name": ""},
    }


def _contact(index: int, number: str) -> Row:
    return {
        "contactId": 4000 + index,
        "name": "",
        "attention": "Accounts receivable",
        "email": f"invoice.{number}@example.com",
        "web": "",
        "phone1": f"+47 22 00 {index:04d}",
        "phone2": "",
        "fax": "",
    }


def _supplier_accounts(books: Books, number: str) -> Row:
    expense = books.account(trade_of(number).accounts[0])
    payable = books.account("2400")
    return {
        "supplierAccount": {name: payable[name] for name in ("type", "number", "description")},
        "expenseAccount": {name: expense[name] for name in ("type", "number", "description")},
    }


def _bank_details(country: str, digits: str) -> list[Row]:
    return [
        {
            "paymentMethodDetailDescription": "IBAN",
            "paymentMethodDetailValue": f"{country}93{digits}00",
            "paymentMethodDetailBankingDetailType": "IBAN",
            "paymentMethodDetailID": "1",
        },
        {
            "paymentMethodDetailDescription": "SWIFT code",
            "paymentMethodDetailValue": f"NORD{country}22",
            "paymentMethodDetailBankingDetailType": "SWIFT",
            "paymentMethodDetailID": "2",
        },
    ]
