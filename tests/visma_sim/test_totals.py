"""What the simulated companies add up from their books: against what the seed says of them."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from ml_connector_simulators.visma import PROBLEMS, Month, VismaSimulator
from ml_connector_simulators.visma.seed.intercompany import DEALS
from ml_connector_simulators.visma.totals import totals

Totals = dict[tuple[str, str, str], tuple[int, Decimal]]


@pytest.fixture(scope="module")
def found() -> Totals:
    visma = VismaSimulator(Month(intercompany=True))
    told = {(each["what"], each["company"], each["currency"]): each for each in totals(visma.rows)}
    visma.close()
    return {key: (each["count"], each["amount"]) for key, each in told.items()}


def test_debit_is_credit(found: Totals) -> None:
    for company, currency in (("NO01", "NOK"), ("SE01", "SEK")):
        assert found["ledger_debit", company, currency] == found["ledger_credit", company, currency]


def test_dealings_are_those_of_the_seed(found: Totals) -> None:
    sold: dict[str, list[Decimal]] = defaultdict(list)
    bought: dict[str, list[Decimal]] = defaultdict(list)
    for deal in DEALS:
        sold[deal.seller].append(Decimal(deal.total))
        if deal.booked:
            bought[deal.buyer].append(Decimal(deal.booked))
    for company in ("NO01", "SE01"):
        assert found["sold_in_group", company, "EUR"] == (len(sold[company]), sum(sold[company]))
        assert found["bought_in_group", company, "EUR"] == (len(bought[company]), sum(bought[company]))


def test_the_one_duplicate_is_the_seeded_one(found: Totals) -> None:
    problem = PROBLEMS["suspected_duplicate"]
    visma = VismaSimulator()
    amount = visma.row(problem.company, "supplierInvoice", problem.document)["amount"]
    visma.close()
    assert {key: each for key, each in found.items() if key[0] == "booked_twice"} == {
        ("booked_twice", problem.company, "NOK"): (1, amount)
    }


def test_a_draft_and_a_void_are_neither_bought_nor_owed() -> None:
    visma = VismaSimulator()
    [invoice, *_] = [row for row in visma.rows("NO01", "supplierInvoice") if row["status"] == "Open"]
    before = spent(visma)
    for status in ("Hold", "Voided"):
        visma.edit("NO01", "supplierInvoice", f"{invoice['documentType']}/{invoice['referenceNumber']}", status=status)
        assert spent(visma)["spend"] == before["spend"] - 1
        assert spent(visma)["open_payables"] == before["open_payables"] - 1
    visma.close()


def spent(visma: VismaSimulator) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for each in totals(visma.rows):
        if each["company"] == "NO01":
            counts[each["what"]] += each["count"]
    return counts
