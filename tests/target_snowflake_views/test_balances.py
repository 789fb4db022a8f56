"""Open AP and ledger balances at their edges, in tables that hold nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.target_snowflake_views.loader import document

Row = dict[str, Any]


class TestOpenAp:
    @pytest.mark.parametrize(
        ("kind", "sign"),
        [("Invoice", 1), ("CreditAdj", 1), ("DebitAdj", -1), ("Check", -1), ("Prepayment", 1), ("Refund", 1)],
    )
    def test_the_sign_follows_the_kind(self, world, kind, sign):
        [row] = world.rows("VISMA_OPEN_AP", supplier_documents=[document("1", "10.00", documentType=kind)])
        assert (row["OPEN_AMOUNT"], row["AMOUNT"], row["BASE_OPEN_AMOUNT"]) == (sign * 10, sign * 10, sign * 10)

    @pytest.mark.parametrize(
        ("due", "days", "bucket", "column"),
        [
            ("2026-11-30", -30, "not due", "NOT_DUE"),
            ("2026-10-31", 0, "not due", "NOT_DUE"),
            ("2026-10-30", 1, "1-30", "OVERDUE_1_30"),
            ("2026-10-01", 30, "1-30", "OVERDUE_1_30"),
            ("2026-09-30", 31, "31-60", "OVERDUE_31_60"),
            ("2026-09-01", 60, "31-60", "OVERDUE_31_60"),
            ("2026-08-31", 61, "61-90", "OVERDUE_61_90"),
            ("2026-08-02", 90, "61-90", "OVERDUE_61_90"),
            ("2026-08-01", 91, "over 90", "OVERDUE_OVER_90"),
        ],
    )
    def test_the_age_at_each_edge(self, world, due, days, bucket, column):
        [row] = world.rows("VISMA_OPEN_AP", supplier_documents=[document("1", "9.99", dueDate=f"{due}T00:00:00")])
        assert (row["DAYS_OVERDUE"], row["AGE_BUCKET"], row[column]) == (days, bucket, Decimal("9.99"))
        others = {name for name in row if name == "NOT_DUE" or name.startswith("OVERDUE_")} - {column}
        assert all(row[name] == 0 for name in others)

    def test_without_due_date_it_ages_from_its_own(self, world):
        [row] = world.rows("VISMA_OPEN_AP", supplier_documents=[document("1", "1.00", dueDate=None)])
        assert row["DAYS_OVERDUE"] == 30

    def test_each_company_has_its_own_day(self, world):
        late = document("2", "1.00", _company="SE01", lastModifiedDateTime="2026-11-15T00:10:00")
        rows = world.rows("VISMA_OPEN_AP", supplier_documents=[document("1", "1.00"), late])
        assert {row["COMPANY"]: row["DAYS_OVERDUE"] for row in rows} == {"NO01": 0, "SE01": 15}

    def test_what_is_settled_drafted_voided_or_gone_is_not_owed(self, world):
        rows = world.rows(
            "VISMA_OPEN_AP",
            supplier_documents=[
                document("1", "1.00", balanceInCurrency=Decimal(0), status="Closed"),
                document("2", "1.00", status="Hold"),
                document("3", "1.00", status="Balanced"),
                document("4", "1.00", status="Voided"),
                document("5", "1.00", _sdc_deleted_at="2026-11-01T00:00:00"),
                document("6", "8.00", balanceInCurrency=Decimal("2.50"), currencyId="EUR", balance=Decimal("29.34")),
            ],
        )
        assert [(row["DOCUMENT"], row["CURRENCY"], row["AMOUNT"], row["OPEN_AMOUNT"]) for row in rows] == [
            ("6", "EUR", Decimal("8.00"), Decimal("2.50"))
        ]


def balance(period: str, opening: str, debit: str, credit: str, closing: str, **fields: Any) -> Row:
    kind, subaccount = fields.pop("kind", "Asset"), fields.pop("subaccount", "1")
    return {
        "_company": "NO01",
        "branchNumber": "10",
        "ledgerId": "1",
        "financialPeriod": period,
        "accountNumber": "1500",
        "account": {"type": kind, "number": "1500", "description": "Kundefordringer"},
        "subaccountKey": subaccount,
        "currencyKey": "",
        "beginningBalance": Decimal(opening),
        "periodToDateDebit": Decimal(debit),
        "periodToDateCredit": Decimal(credit),
        "yearToDateBalance": Decimal(closing),
        **fields,
    }


@pytest.fixture
def ledger(world):
    def ledger(*rows: Row) -> dict[tuple[str, str], tuple[int, ...]]:
        ledgers = [{"_company": "NO01", "number": "1", "currencyId": "NOK"}]
        found = world.rows("VISMA_GL_BALANCES", general_ledger_balances=list(rows), ledgers=ledgers)
        names = ("OPENING", "DEBIT", "CREDIT", "CLOSING", "DIFFERENCE")
        return {(row["ACCOUNT_NUMBER"], row["PERIOD"]): tuple(int(row[name]) for name in names) for row in found}

    return ledger


class TestGlBalances:
    def test_what_did_not_move_is_carried(self, ledger):
        first = balance("202601", "0", "70", "0", "70", subaccount="1")
        second = balance("202602", "0", "5", "0", "5", subaccount="2")
        third = balance("202603", "70", "0", "20", "50", subaccount="1")
        assert ledger(first, second, third) == {
            ("1500", "202601"): (0, 70, 0, 70, 0),
            ("1500", "202602"): (70, 5, 0, 75, 0),
            ("1500", "202603"): (75, 0, 20, 55, 0),
        }

    @pytest.mark.parametrize(("kind", "opening"), [("Asset", 70), ("Expense", 0)])
    def test_income_and_expense_begin_each_year_at_nothing(self, ledger, kind, opening):
        december = balance("202612", "0", "70", "0", "70", kind=kind)
        other = balance("202701", "0", "1", "0", "1", accountNumber="1920")
        found = ledger(december, other)
        assert found["1500", "202701"] == (opening, 0, 0, opening, 0)

    def test_liabilities_stated_with_the_sign_turned_are_turned_back(self, ledger):
        owed = balance("202601", "100", "30", "80", "150", kind="Liability", accountNumber="2400")
        still = balance("202601", "40", "0", "0", "40", kind="Income", accountNumber="3000")
        bank = balance("202601", "140", "80", "30", "190", accountNumber="1920")
        assert ledger(owed, still, bank) == {
            ("2400", "202601"): (-100, 30, 80, -150, 0),
            ("3000", "202601"): (-40, 0, 0, -40, 0),
            ("1920", "202601"): (140, 80, 30, 190, 0),
        }

    def test_books_that_do_not_add_up_are_told(self, ledger):
        assert ledger(balance("202601", "10", "5", "0", "16")) == {("1500", "202601"): (10, 5, 0, 16, 1)}

    def test_branches_and_account_currencies_are_added_up(self, ledger):
        rows = [
            balance("202601", "0", "1", "0", "1"),
            balance("202601", "0", "2", "0", "2", branchNumber="20"),
            balance("202601", "0", "4", "0", "4", currencyKey="EUR"),
        ]
        assert ledger(*rows) == {("1500", "202601"): (0, 7, 0, 7, 0)}
