"""The general ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ml_connector.singer.paging import Numbered
from ml_connector.singer.stream import Tier

from tap_visma.streams.base import MODIFIED, PAGED, ModifiedAlone, VismaStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector.singer.normalise import Record
    from ml_connector.singer.paging import Page

LINES = "journalTransactionLines"


class GlAccounts(VismaStream):
    """The chart of accounts; `accountCD` is the number, which may be renamed."""

    name = "gl_accounts"
    path = "/v1/account"
    keys = ("accountID",)
    modified = MODIFIED
    flags = ("includeAccountClassDescription",)


class Subaccounts(VismaStream):
    """Combinations of segment values."""

    name = "subaccounts"
    path = "/v1/subaccount"
    keys = ("subaccountId",)
    modified = MODIFIED
    paging = PAGED


class Ledgers(VismaStream):
    """Ledgers: actual, statistical, budget."""

    name = "ledgers"
    path = "/v1/ledger"
    keys = ("internalId",)
    modified = MODIFIED


class FinancialPeriods(VismaStream):
    """Periods, and where they are closed."""

    name = "financial_periods"
    path = "/v1/financialPeriod"
    keys = ("year", "period")


def count_lines(batches: list[Record]) -> int:
    """Count lines, which is what the page size and the total of journal transactions count (apis/visma.md §3.4)."""
    return sum(len(batch.get(LINES) or ()) for batch in batches)


class JournalTransactions(ModifiedAlone):
    """Journal batches with all their lines."""

    name = "journal_transactions"
    path = "/v2/journaltransaction"
    tier = Tier.JOURNALS
    keys = ("module", "batchNumber")
    modified = MODIFIED
    paging = Numbered("pageNumber", "pageSize", weigh=count_lines)
    amount, currency = "debitTotalInCurrency", "currencyId"

    def assemble(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Join the parts of a batch that a page's end cut in two (apis/visma.md §3.4)."""
        held: list[Record] = []
        page = None
        for page in pages:
            batches = joined([*held, *page.rows])
            held = batches[-1:]
            yield replace(page, rows=batches[:-1])
        if page:
            yield replace(page, rows=held)


def joined(parts: list[Record]) -> list[Record]:
    """Return batches with the lines of all their parts, the module being part of their identity."""
    batches: dict[tuple[str, str], Record] = {}
    for part in parts:
        batch = batches.setdefault((part["module"], part["batchNumber"]), part)
        if batch is not part:
            batch[LINES] = [*(batch.get(LINES) or ()), *(part.get(LINES) or ())]
    return list(batches.values())
