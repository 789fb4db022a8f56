"""The masters of one company: accounts, dimensions, VAT, currencies, branches, terms, ledgers, periods."""

from __future__ import annotations

import uuid
from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING

from ml_connector_simulators.visma.seed.chart import ACCOUNTS, COST_CENTRES
from ml_connector_simulators.visma.seed.company import COST_CENTRE_SEGMENT, PRODUCT_GROUPS, PRODUCT_SEGMENT
from ml_connector_simulators.visma.seed.parties import PAYMENT_TERMS, VAT_ZONES
from ml_connector_simulators.visma.seed.values import amount, day, row_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector_simulators.visma.seed.company import Books, Row

SET_UP = "2025-01-02T09:00:00"
YEAR = 2026
LAST_CLOSED_MONTH = 9
_CURRENCIES = {"NOK": ("Norske kroner", "kr"), "SEK": ("Svenska kronor", "kr"), "EUR": ("Euro", "€")}
_CLASSES = {"1": "ASSET", "2": "LIABILITY", "3": "SALES", "8": "FINANCE"}


def accounts(books: Books) -> Iterator[Row]:
    """The chart of accounts; ids overlap between the companies."""
    for index, account in enumerate(ACCOUNTS, 1):
        yield {
            "accountID": 100 + index,
            "accountCD": account.number,
            "accountClass": _CLASSES.get(account.number[0], "EXPENSE"),
            "accountClassDescription": _CLASSES.get(account.number[0], "EXPENSE").capitalize(),
            "type": account.type,
            "active": account.active,
            "description": books.text(account.names),
            "useDefaultSub": account.number[0] in "12",
            "postOption": "Detail",
            "currency": "",
            "cashAccount": account.number == "1920",
            "publicCode1": account.number,
            "lastModifiedDateTime": SET_UP if account.active else "2026-09-30T16:20:11.5",
            "allowManualEntry": account.number not in {"1500", "2400"},
        }


def subaccounts(books: Books) -> Iterator[Row]:
    """Every combination of a cost centre and a product group."""
    for centre in COST_CENTRES:
        for product in PRODUCT_GROUPS:
            yield books.subaccount(centre.code, product)


def dimensions(books: Books) -> Iterator[Row]:
    """The segmented keys; the cost centres are values of segment 1 of SUBACCOUNT (apis/visma.md §3.4)."""
    centres = {centre.code: books.text(centre.names) for centre in COST_CENTRES}
    yield {
        "id": "SUBACCOUNT",
        "length": 5,
        "description": "Subaccount key",
        "segments": [
            _segment(books, 1, COST_CENTRE_SEGMENT, 3, centres),
            _segment(books, 2, PRODUCT_SEGMENT, 2, PRODUCT_GROUPS),
        ],
    }
    for name, length in (("ACCOUNT", 4), ("SUPPLIER", 5), ("CUSTOMER", 5)):
        yield {"id": name, "length": length, "description": f"{name.capitalize()} key", "segments": []}


def _segment(books: Books, number: int, description: str, length: int, values: dict[str, str]) -> Row:
    return {
        "internalId": _uuid(books, f"segment/{number}"),
        "segmentId": number,
        "description": description,
        "length": length,
        "publicId": _uuid(books, f"public segment/{number}"),
        "timeStamp": row_version(f"{books.company.code}/{number}".encode()),
        "lastModified": SET_UP,
        "validate": True,
        "segmentValues": [
            segment_value(books.company.code, number, value, text, SET_UP) for value, text in values.items()
        ],
        "isAutoNumber": False,
        "consolNumChar": 0,
        "consolOrder": 0,
    }


def segment_value(company: str, segment: int, value: str, description: str, modified: str) -> Row:
    """One value of a segment, as Visma shows it."""
    name = f"{company}/segment value/{segment}/{value}"
    return {
        "internalId": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        "segmentId": segment,
        "valueId": value,
        "description": description,
        "publicId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"public {name}")),
        "active": True,
        "timeStamp": row_version(f"{name}{modified}".encode()),
        "lastModified": modified,
        "mappedSegValue": "",
    }


def _uuid(books: Books, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{books.company.code}/{name}"))


def vat_codes(books: Books) -> Iterator[Row]:
    """The VAT codes; document lines name the category, tax lines the code."""
    for category, vat_id, description, rate in books.company.vat_rates:
        yield {
            "vatCategoryId": category,
            "vatId": vat_id,
            "description": description,
            "type": "Vat" if rate else "ExemptVat",
            "deductibleVat": vat_id.startswith("IN"),
            "reverseVat": False,
            "statisticalVat": False,
            "pendingVat": False,
            "includeinVatExemptTotal": not rate,
            "includeinVatTotal": bool(rate),
            "enterFromVatInvoice": False,
            "calculateOn": "ItemAmount",
            "cashDiscount": "NoAdjust",
            "lastModifiedDateTime": SET_UP,
            "schedules": [
                {
                    "startDate": "2020-01-01T00:00:00",
                    "vatRate": amount(rate),
                    "reportingGroup": "1",
                    "deductibleVatRate": amount(100),
                    "groupType": "Input" if vat_id.startswith("IN") else "Output",
                }
            ],
        }


def vat_categories(books: Books) -> Iterator[Row]:
    """The VAT categories, which document lines name, each with its code."""
    for category, vat_id, description, rate in books.company.vat_rates:
        yield {
            "vatCategoryId": category,
            "description": description,
            "active": True,
            "excludeListedTaxes": False,
            "lastModifiedDateTime": SET_UP,
            "_created": SET_UP,
            "vatCategoryLines": [
                {
                    "vatId": vat_id,
                    "description": description,
                    "type": "Vat" if rate else "ExemptVat",
                    "calculateOn": "ItemAmount",
                    "cashDiscount": "NoAdjust",
                    "vatRates": [{"revisionID": "1", "vatRate": amount(rate), "startDate": "2020-01-01T00:00:00"}],
                }
            ],
        }


def vat_zones(_: Books) -> Iterator[Row]:
    """The VAT zones."""
    yield from (dict(zone) for zone in VAT_ZONES.values())


def currencies(books: Books) -> Iterator[Row]:
    """The currencies in use."""
    yield from (currency(books, code) for code in _CURRENCIES)


def currency(books: Books, code: str) -> Row:
    """One currency, as Visma shows it."""
    description, symbol = _CURRENCIES[code]
    base = code == books.company.currency
    return {
        "id": code,
        "description": description,
        "symbol": symbol,
        "isBaseCurrency": base,
        "decimalPrecision": 2,
        "isUsedForAccounting": base or code == "EUR",
    }


def branches(books: Books) -> Iterator[Row]:
    """The company's own branch and the property company's."""
    company = books.company
    for index, (number, name) in enumerate(company.branches):
        address = {
            "addressId": index + 1,
            "addressLine1": "Havnegata 1",
            "postalCode": company.city[0],
            "city": company.city[1],
            "country": {"id": company.country[0], "name": company.country[1]},
        }
        contact = {"contactId": index + 1, "name": name, "email": "post@example.com"}
        yield {
            "branchId": index + 1,
            "number": number,
            "name": name,
            "organizationId": index + 1,
            "isMainBranch": index == 0,
            "isActive": True,
            "lastModifiedDateTime": SET_UP,
            "corporateId": company.corporate_id,
            "vatRegistrationId": company.vat_registration_id,
            "mainAddress": address,
            "mainContact": contact,
            "deliveryAddress": address,
            "deliveryContact": contact,
            "defaultCountry": {"id": company.country[0], "name": company.country[1]},
            "industryCode": {"id": "46", "description": "Wholesale"},
            "currency": {"id": company.currency, "description": _CURRENCIES[company.currency][0], "symbol": "kr"},
            "vatZone": {"id": "01", "description": "Domestic"},
            "ledger": {"id": "1", "description": "Actual"},
            "bankSettings": {"bankName": "Nordbanken", "iban": f"{company.country[0]}9386011117947", "bic": "NORDXX22"},
        }


def payment_methods(_: Books) -> Iterator[Row]:
    """The payment methods; the row shows no modification time (apis/visma.md §3.3)."""
    for code, description, means in (("1", "Cash", "CashOrCheck"), ("3", "Bank transfer", "DirectDeposit")):
        yield {
            "paymentMethodID": code,
            "active": True,
            "meansOfPayment": means,
            "description": description,
            "useInAP": True,
            "details": [],
            "_modified": SET_UP,
        }


def credit_terms(_: Books) -> Iterator[Row]:
    """The terms of payment."""
    for code, (description, days) in PAYMENT_TERMS.items():
        yield {
            "termsId": code,
            "description": description,
            "visibleTo": "All",
            "dueDateType": "FixedNumberOfDays",
            "dueDay1": days,
            "discountType": "FixedNumberOfDays",
            "discountDay": 0,
            "discountPercent": amount(0),
            "instalmentType": "Single",
            "numberOfInstalments": 0,
            "instalmentsSchedule": [],
            "createdDateTime": SET_UP,
            "lastModifiedDateTime": SET_UP,
        }


def ledgers(books: Books) -> Iterator[Row]:
    """The actual ledger and the budget."""
    for index, (number, kind) in enumerate((("1", "Actual"), ("BUDGET", "Budget")), 1):
        yield {
            "internalId": index,
            "number": number,
            "description": kind,
            "balanceType": kind,
            "currencyId": books.company.currency,
            "consolidationSource": False,
            "branchAccounting": True,
            "lastModifiedDateTime": SET_UP,
            "postInterCompany": False,
        }


def financial_periods(_: Books) -> Iterator[Row]:
    """The year's periods; all before October are closed."""
    for month in range(1, 13):
        closed = month <= LAST_CLOSED_MONTH
        start = date(YEAR, month, 1)
        yield {
            "year": YEAR,
            "period": f"{month:02d}",
            "startDate": day(start),
            "endDate": day(date(YEAR, month, monthrange(YEAR, month)[1])),
            "description": f"{start:%B} {YEAR}",
            "active": True,
            "closedInSupplierLedger": closed,
            "closedInCustomerLedger": closed,
            "closedInInventoryManagement": closed,
            "closedInGeneralLedger": closed,
            "closedInCashManagement": closed,
            "closedInFixedAssets": closed,
        }
