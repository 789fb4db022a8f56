"""The seeded month adds up, and has the problems it promises."""

from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest
from ml_connector_simulators.acumatica import PROBLEMS, AcumaticaSimulator, Bulk, Month
from ml_connector_simulators.acumatica.contract import CONTRACTS, NESTED, SHAPES
from ml_connector_simulators.acumatica.totals import totals

from tests.acumatica_sim.conftest import NEWEST, Client


@pytest.fixture(scope="module", params=[1, 7])
def books(request):
    sim = AcumaticaSimulator(Month(request.param))
    yield sim
    sim.close()


def test_documents_foot(books):
    for bill in books.rows("Bill"):
        assert sum(line["Amount"] for line in bill["Details"]) + bill["TaxTotal"] == bill["Amount"]
        assert sum(tax["TaxAmount"] for tax in bill["TaxDetails"]) == bill["TaxTotal"]
    for order in books.rows("PurchaseOrder"):
        assert sum(line["ExtendedCost"] for line in order["Details"]) == order["LineTotal"]
        assert order["LineTotal"] + order["TaxTotal"] == order["OrderTotal"]
        assert [line["LineNbr"] for line in order["Details"]] == list(range(1, len(order["Details"]) + 1))
    for batch in books.rows("JournalTransaction"):
        assert sum(line["DebitAmount"] - line["CreditAmount"] for line in batch["Details"]) == 0
    for invoice in books.rows("Invoice"):
        assert sum(line["Amount"] for line in invoice["Details"]) + invoice["TaxTotal"] == invoice["Amount"]


def test_balances_are_amounts_less_what_was_paid(books):
    paid = Counter()
    for check in books.rows("Check"):
        for line in check["History"] if check["Status"] in ("Closed", "Open") else []:
            sign = -1 if check["Type"] == "Voided Payment" else 1
            paid[line["ReferenceNbr"]] += sign * line["AmountPaid"]
    voided = books.row("Check", "Payment/000007")["History"][0]
    paid[voided["ReferenceNbr"]] += voided["AmountPaid"]
    for bill in books.rows("Bill"):
        assert bill["Balance"] == bill["Amount"] - paid[bill["ReferenceNbr"]]
        assert (bill["Status"] == "Closed") == (bill["Balance"] == 0)


def test_the_problems_are_there(books):
    bills = {name: books.row("Bill", key) for name, key in PROBLEMS.items() if key.startswith("Bill")}
    assert not books.row("Subaccount", bills["inactive_subaccount"]["Details"][0]["Subaccount"])["Active"]
    assert not books.row("Account", bills["inactive_account"]["Details"][0]["Account"])["Active"]
    assert books.row("Vendor", bills["inactive_vendor"]["Vendor"])["Status"] == "Inactive"
    assert bills["vendor_reference_missing"]["VendorRef"] is None
    assert len(bills["long_description"]["Description"]) > 255
    assert bills["project_and_cost_code"]["Details"][0]["CostCode"] == "02100"
    assert 0 < bills["partly_paid"]["Balance"] < bills["partly_paid"]["Amount"]
    again = bills["duplicate_vendor_ref"]
    names = ("Vendor", "VendorRef", "Amount")
    first = [row for row in books.rows("Bill") if all(row[name] == again[name] for name in names)]
    assert len(first) == 2
    assert {row["Status"] for row in books.rows("Check")} >= {"Closed", "Voided", "On Hold"}
    assert {row["Type"] for row in books.rows("Bill")} == {"Bill", "Credit Adj.", "Debit Adj.", "Prepayment"}
    assert {row["CurrencyID"] for row in books.rows("Bill")} == {"USD", "EUR", "CAD"}


def test_references_hold(books):
    accounts = {row["AccountCD"] for row in books.rows("Account")}
    subaccounts = {row["SubaccountCD"] for row in books.rows("Subaccount")}
    vendors = {row["VendorID"] for row in books.rows("Vendor")}
    bills = {row["ReferenceNbr"] for row in books.rows("Bill")}
    lines = [line for name in ("Bill", "JournalTransaction") for row in books.rows(name) for line in row["Details"]]
    assert {line["Account"] for line in lines} <= accounts
    assert {line["Subaccount"] for line in lines} <= subaccounts
    assert {row["Vendor"] for name in ("Bill", "Check") for row in books.rows(name)} <= vendors
    assert {row["VendorID"] for row in books.rows("PurchaseOrder")} <= vendors
    assert {line["ReferenceNbr"] for row in books.rows("Check") for line in row["History"]} <= bills
    assert len(books.rows("Subaccount")) == 38


def test_ids_are_unique_and_stamps_are_before_the_clock(books):
    ids = [row["id"] for entity in SHAPES if SHAPES[entity].form for row in books.rows(entity)]
    assert len(set(ids)) == len(ids)
    lines = [line["id"] for row in books.rows("Bill") for line in row["Details"]]
    assert len(set(lines)) == len(lines)
    assert books.store.newest() < books.clock.now().isoformat()


def unknown_names(shape, row):
    """Names in a row that no version of the contract knows: a misspelt field would never be shown."""
    known = {each.name: each for each in SHAPES[shape].all_fields}
    for name, value in row.items():
        if name in ("id", "note"):
            continue
        if name not in known:
            yield f"{shape}.{name}"
        elif known[name].type in NESTED:
            for each in value if isinstance(value, list) else [value or {}]:
                yield from unknown_names(known[name].shape, each)


def test_rows_have_the_contracts_fields_only(books):
    entities = [name for name in SHAPES if SHAPES[name].form]
    assert sorted({each for name in entities for row in books.rows(name) for each in unknown_names(name, row)}) == []


def test_another_seed_gives_other_amounts_under_the_same_keys():
    first, second = (AcumaticaSimulator(Month(seed)) for seed in (1, 2))
    assert [row["ReferenceNbr"] for row in first.rows("Bill")] == [row["ReferenceNbr"] for row in second.rows("Bill")]
    assert [row["Amount"] for row in first.rows("Bill")] != [row["Amount"] for row in second.rows("Bill")]
    first.close()
    second.close()


def test_totals(books):
    told = {(each["what"], each["currency"]): each for each in totals(books.rows)}
    for currency in ("USD", "EUR", "CAD"):
        assert told["ledger_debit", currency]["amount"] == told["ledger_credit", currency]["amount"]
        bills = [row for row in books.rows("Bill") if row["CurrencyID"] == currency]
        assert told["Bill", currency]["count"] == len(bills)
        assert told["Bill", currency]["amount"] == sum(row["Amount"] for row in bills)
    held = [row for row in books.rows("Bill") if row["Status"] in ("On Hold", "Balanced")]
    spent = sum(told[key]["count"] for key in told if key[0] == "spend")
    assert spent == 80 - len(held) - sum(row["Type"] == "Prepayment" for row in books.rows("Bill"))
    assert told["open_payables", "USD"]["amount"] > 0


def test_a_bulk_of_bills(start):
    client = Client(start(Bulk(2500)))

    def page(text="", **query):
        query |= {"filter": text} if text else {}
        return [(row["ReferenceNbr"]["value"], row["id"]) for row in client.get("Bill", **query).json()]

    numbers = page()
    assert len({number for number, _ in numbers}) == len({each for _, each in numbers}) == 2500
    assert all(one < two for one, two in pairwise(number for number, _ in numbers))
    assert [row for skip in range(0, 3000, 700) for row in page(top=700, skip=skip)] == numbers
    last, walked = "", []
    while found := page(f"Type eq 'Bill' and ReferenceNbr gt '{last}'", top=800):
        walked += found
        last = found[-1][0]
    assert walked == numbers
    assert page("LastModifiedDateTime ge datetimeoffset'2026-11-01T00:00:00+00:00'") == []
    assert len(page("Type eq 'Bill' and ReferenceNbr gt 'B000001000999' or Type gt 'Bill'")) == 500
    bill = client.get("Bill", top=1, skip=1234).json()[0]
    assert Decimal(str(sum(line["Amount"]["value"] for line in bill["Details"]))) <= Decimal(
        str(bill["Amount"]["value"])
    )
    assert len(client.read("Vendor")) == 40
    assert bill.keys() >= CONTRACTS[NEWEST].fields("Bill").keys() - {"Applications"}
