"""The chart of accounts, subaccounts of two segments, ledgers, periods."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from ml_connector_simulators.acumatica.company import (
    BASE_CURRENCY,
    BRANCHES,
    CASH_ACCOUNTS,
    COMPANY,
    COMPANY_NAME,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector_simulators.acumatica.seed.books import Books, Row

_ACCOUNTS = """
10100 Petty Cash|10200 Operating Checking|10210 Payroll Checking|10250 Euro Account|11000 Accounts Receivable
11100 Allowance for Doubtful Accounts|12000 Inventory|12100 Inventory in Transit|13000 Prepaid Expenses
13100 Vendor Prepayments|14000 Other Current Assets|15000 Furniture and Fixtures|15100 Computer Equipment
15200 Vehicles|15900 Accumulated Depreciation
20000 Accounts Payable|20100 PO Accrual|20200 Credit Cards Payable|21000 Sales Tax Payable|21100 Use Tax Payable
22000 Accrued Payroll|22100 Payroll Taxes Payable|23000 Customer Deposits|24000 Notes Payable|29000 Retained Earnings
29100 Common Stock
40000 Sales|40100 Service Revenue|40200 Freight Income|41000 Sales Returns|42000 Discounts Given|49000 Other Income
50000 Cost of Goods Sold|50100 Freight In|50200 Purchase Price Variance|51000 Inventory Adjustments
60000 Salaries|60100 Payroll Taxes|60200 Benefits|61000 Rent|61100 Utilities|61200 Repairs and Maintenance
61300 Office Supplies|61400 Postage and Courier|62000 Advertising|62100 Trade Shows|63000 Travel|63100 Meals
63200 Vehicle Fuel|64000 Legal Fees|64100 Accounting Fees|64200 Consulting|65000 Software Subscriptions
65100 Telephone|65200 Hosting|66000 Insurance|67000 Training|68000 Depreciation|69000 Bank Charges|69900 Old Expenses
80000 Interest Expense|81000 Exchange Gain or Loss
"""
_KINDS = {"1": "Asset", "2": "Liability", "4": "Income", "5": "Expense", "6": "Expense", "8": "Expense"}
INACTIVE_ACCOUNT = "69900"
COST_CENTRES = {
    "ADM": "Administration",
    "FIN": "Finance",
    "HRM": "Human Resources",
    "ITS": "IT Services",
    "MKT": "Marketing",
    "SAL": "Sales",
    "LOG": "Logistics",
    "WHS": "Warehouse",
    "RND": "Product Development",
    "LEG": "Legal",
    "FAC": "Facilities",
    "SVC": "Customer Service",
}
REGIONS = {"000": "All regions", "010": "East", "020": "West"}
INACTIVE_SUBACCOUNT = "OLD-000"
LAST_CLOSED = 9  # of 2026: September


def accounts(books: Books) -> None:
    """Write the chart."""
    for index, line in enumerate(filter(None, _ACCOUNTS.replace("\n", "|").split("|"))):
        number, _, name = line.partition(" ")
        row: Row = {"AccountCD": number, "Description": name, "Type": _KINDS[number[0]], "AccountID": 1000 + index}
        row |= {"Active": number != INACTIVE_ACCOUNT, "CashAccount": number in CASH_ACCOUNTS, "PostOption": "Summary"}
        row |= {"RequireUnits": False, "Secured": False, "UseDefaultSubaccount": False, "ChartOfAccountsOrder": index}
        row["AccountClass"] = row["Type"].upper()
        row["CurrencyID"] = "EUR" if number == "10250" else None
        books.add("Account", row)


def subaccounts(books: Books) -> None:
    """Write cost centre by region; one is closed, and one stands for none."""
    rows = [("000-000", "Default")]
    rows += [(f"{c}-{r}", f"{name}, {region}") for c, name in COST_CENTRES.items() for r, region in REGIONS.items()]
    rows += [(INACTIVE_SUBACCOUNT, "Former Mail Order")]
    for index, (code, name) in enumerate(rows):
        active = code != INACTIVE_SUBACCOUNT
        row = {"SubaccountCD": code, "Description": name, "Active": active, "Secured": False}
        books.add("Subaccount", row | {"SubaccountID": 500 + index})


def ledgers(books: Books) -> None:
    """Write the actual ledger and the budget."""
    branches = [
        {"BranchID": code, "BranchName": name, "CompanyName": COMPANY_NAME, "Active": True}
        for code, name in BRANCHES.items()
    ]
    companies = [{"Company": COMPANY, "CompanyName": COMPANY_NAME, "CompanyType": "With Branches", "Active": True}]
    for code, kind in (("ACTUAL", "Actual"), ("BUDGET", "Budget")):
        row: Row = {"LedgerID": code, "Description": f"{kind} Ledger", "Type": kind, "Currency": BASE_CURRENCY}
        row |= {"ConsolidationSource": False, "Branches": branches, "Companies": companies}
        books.add("Ledger", row)


def periods(books: Books) -> None:
    """Write the calendar; all to September 2026 is closed."""
    for year in (2025, 2026, 2027):
        row = {"FinancialYear": str(year), "StartDate": f"{year}-01-01", "NbrOfPeriods": 12}
        books.add("FinancialPeriod", row | {"UserDefinedPeriods": False, "Details": list(_months(year))})


def _months(year: int) -> Iterator[Row]:
    for month in range(1, 13):
        closed = (year, month) <= (2026, LAST_CLOSED)
        first = date(year, month, 1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        status = "Closed" if closed else "Open" if year == 2026 else "Inactive"  # noqa: PLR2004
        yield {
            "FinancialPeriodID": f"{month:02d}{year}",
            "PeriodNbr": f"{month:02d}",
            "Description": f"{first:%B}",
            "StartDate": first.isoformat(),
            "EndDate": last.isoformat(),
            "LengthInDays": last.day,
            "Status": status,
            "AdjustmentPeriod": False,
            **dict.fromkeys(("ClosedInAP", "ClosedInAR", "ClosedInCA", "ClosedInFA", "ClosedInIN"), closed),
        }


def structure(books: Books) -> None:
    """Write the branches of the company."""
    results = [
        {
            "CompanyID": COMPANY,
            "CompanyName": COMPANY_NAME,
            "CompanyType": "With Branches Not Requiring Balancing",
            "CompanyStatus": True,
            "BranchID": code,
            "BranchName": name,
            "BranchStatus": True,
            "BranchCountry": "US",
            "BaseCurrencyID": BASE_CURRENCY,
        }
        for code, name in BRANCHES.items()
    ]
    books.add("CompaniesStructure", {"Results": results})
