"""The general ledger's forms: accounts, subaccounts, batches (apis/acumatica.md §4, §5)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_connector_simulators.acumatica.amounts import money, quantity
from ml_connector_simulators.acumatica.company import BASE_CURRENCY
from ml_connector_simulators.acumatica.errors import failure
from ml_connector_simulators.acumatica.rules.lines import check_period, default, number_lines, period, total
from ml_connector_simulators.acumatica.rules.rule import Rule

if TYPE_CHECKING:
    from ml_connector_simulators.acumatica.rules.rule import Desk
    from ml_connector_simulators.acumatica.store import Row

_POSTED = "Posted"


def complete_batch(desk: Desk, row: Row, _old: Row | None) -> None:
    """Date, period and ledger where none is given; numbered lines."""
    default(row, Module="GL", TransactionDate=desk.today.isoformat(), LedgerID="ACTUAL", BranchID=desk.branch)
    default(row, CurrencyID=BASE_CURRENCY, Hold=True, Details=[], PostPeriod=period(row["TransactionDate"]))
    number_lines(row["Details"])
    for line in row["Details"]:
        default(line, BranchID=row["BranchID"], IsNonPM=False, NonBillable=False, Subaccount="000-000")
        default(line, TransactionDescription=row.get("Description"), Project="X")
        account = desk.store.row("Account", line.get("Account") or "") or {}
        line["Description"] = account.get("Description")
        line |= {name: money(line.get(name) or 0) for name in ("DebitAmount", "CreditAmount")}
        line["Qty"] = quantity(line.get("Qty") or 0)
    if row.get("Status") != _POSTED:
        row["Status"] = "On Hold" if row["Hold"] else "Balanced"


def check_batch(desk: Desk, row: Row, old: Row | None) -> None:
    """The period is open; off hold, debit is credit."""
    check_period(desk, row, old, "ClosedInGL")
    debit, credit = total(row["Details"], "DebitAmount"), total(row["Details"], "CreditAmount")
    if not row["Hold"] and debit != credit:
        desk.complain(f"The batch is not balanced: debit {debit}, credit {credit}.")


def batch_locked(row: Row) -> str | None:
    """A posted batch is not edited."""
    return "The batch is posted and cannot be changed." if row["Status"] == _POSTED else None


def release_batch(_desk: Desk, row: Row) -> Row:
    """Release and post."""
    if row["Status"] != "Balanced":
        raise failure(f"Batch status invalid for processing: {row['Status']}.")
    return row | {"Status": _POSTED}


def complete_account(desk: Desk, row: Row, _old: Row | None) -> None:
    """The server gives the inner number."""
    default(row, Active=True, CashAccount=False, PostOption="Summary", RequireUnits=False, Secured=False)
    default(row, UseDefaultSubaccount=False, ChartOfAccountsOrder=0)
    default(row, AccountID=1000 + len(desk.store.rows("Account")))


def complete_subaccount(desk: Desk, row: Row, _old: Row | None) -> None:
    """The server gives the inner number."""
    default(row, Active=True, Secured=False, SubaccountID=500 + len(desk.store.rows("Subaccount")))


ACCOUNT = Rule(
    derived=frozenset({"AccountID", "CashAccount", "ChartOfAccountsOrder", "CreatedDateTime", "LastModifiedDateTime"}),
    required=("AccountCD", "Description"),
    types=("Asset", "Liability", "Income", "Expense"),
    complete=complete_account,
)
SUBACCOUNT = Rule(derived=frozenset({"SubaccountID"}), required=("SubaccountCD",), complete=complete_subaccount)
# The link to a company is dropped without a word (apis/acumatica.md §5 PUT nuance).
LEDGER = Rule(derived=frozenset({"LastModifiedDateTime", "Companies"}), required=("LedgerID", "Type"))
JOURNAL_TRANSACTION = Rule(
    defaults=MappingProxyType({"Module": "GL"}),
    derived=frozenset({"Status", "CreatedDateTime", "LastModifiedDateTime"}),
    derived_rows=MappingProxyType({"Details": frozenset({"Description"})}),
    row_keys=MappingProxyType({"Details": "LineNbr"}),
    series=lambda row: f"JournalTransaction {row['Module']}",
    number="BatchNbr",
    complete=complete_batch,
    check=check_batch,
    locked=batch_locked,
    actions=MappingProxyType({"releasejournaltransaction": release_batch, "release": release_batch}),
    long=frozenset({"releasejournaltransaction", "release"}),
)
