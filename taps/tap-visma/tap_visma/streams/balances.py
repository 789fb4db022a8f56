"""The ledger by line and by period, and budgets: lists that come by ledger, year and branch."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from ml_connector.singer.stream import Tier
from singer_sdk.singerlib.catalog import Metadata

from tap_visma.streams.base import MODIFIED, PAGED, ModifiedAlone, VismaStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml_connector.singer.normalise import Record
    from ml_connector.singer.paging import Page, Unread
    from singer_sdk.singerlib import MetadataMapping


class _Keyed(VismaStream):
    """Rows whose key lies inside objects, or in the request only: it is put beside them under names of its own."""

    inside: ClassVar[Mapping[str, str]] = {}
    """Key field → where in the row its value is."""
    asked: ClassVar[Mapping[str, str]] = {}
    """Key field → the query parameter that its value was asked by."""

    @property
    def metadata(self) -> MetadataMapping:
        """Return the catalog metadata, in which what keys are made of is always selected."""
        metadata = super().metadata
        for path in self.inside.values():
            metadata["properties", path.partition(".")[0]].inclusion = Metadata.InclusionType.AUTOMATIC
        return metadata

    def get_page(self, since: str | None, paging: Mapping[str, Any]) -> Unread:
        """Fetch one page."""
        return partial(self._with_keys, super().get_page(since, paging), paging)

    def _with_keys(self, unread: Unread, paging: Mapping[str, Any]) -> Page:
        page = unread()
        told = {name: paging[parameter] for name, parameter in self.asked.items()}
        for row in page.rows:
            row.update(told)
            row.update({name: _text_at(row, path) for name, path in self.inside.items()})
        return page


def _text_at(row: Record, path: str) -> str:
    """Return a value inside a row as text; a part of a key is never null."""
    value: Any = row
    for name in path.split("."):
        value = (value or {}).get(name)
    return "" if value is None else str(value)


class GeneralLedgerTransactions(VismaStream):
    """Posted ledger lines, ledger by ledger."""

    name = "general_ledger_transactions"
    path = "/v1/GeneralLedgerTransactions"
    tier = Tier.JOURNALS
    keys = ("module", "batchNumber", "lineNumber")
    modified = MODIFIED
    paging = PAGED

    def slices(self) -> Iterator[Mapping[str, Any]]:
        """Yield every ledger; the endpoint refuses a request without one (apis/visma.md §3.3)."""
        return ({"ledger": ledger["number"]} for ledger in self.visma.company_books.ledgers)


class GeneralLedgerBalances(_Keyed, ModifiedAlone):
    """Balances of accounts by branch, ledger, period and subaccount."""

    name = "general_ledger_balances"
    path = "/v2/generalLedgerBalance"
    tier = Tier.JOURNALS
    keys = ("branchNumber", "ledgerId", "financialPeriod", "accountNumber", "subaccountKey", "currencyKey")
    added = ("branchNumber", "ledgerId", "accountNumber", "subaccountKey", "currencyKey")
    inside: ClassVar = {
        "branchNumber": "branch.number",
        "ledgerId": "ledger.id",
        "accountNumber": "account.number",
        "subaccountKey": "subaccountId",
        "currencyKey": "currencyId",
    }
    modified = MODIFIED
    paging = PAGED


class Budgets(_Keyed):
    """Budgets by branch, budget ledger and year; a row does not name its ledger, so the request does."""

    name = "budgets"
    path = "/v1/budget"
    tier = Tier.JOURNALS
    keys = ("branch", "ledger", "financialYear", "accountNumber", "subaccountKey")
    added = ("branch", "ledger", "accountNumber", "subaccountKey")
    inside: ClassVar = {"accountNumber": "account.number", "subaccountKey": "subaccount.id"}
    asked: ClassVar = {"branch": "branch", "ledger": "ledger"}
    modified = MODIFIED

    def slices(self) -> Iterator[Mapping[str, Any]]:
        """Yield every branch, budget ledger and year; all three are mandatory (apis/visma.md §3.3)."""
        books = self.visma.company_books
        for ledger in books.ledgers:
            if ledger.get("balanceType") == "Budget":
                for branch in books.branches:
                    for year in books.years:
                        yield {"branch": branch["number"], "ledger": ledger["number"], "financialYear": str(year)}
