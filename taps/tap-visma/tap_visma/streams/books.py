"""Which books a company keeps: its ledgers, branches and years, read once for the streams that loop over them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_connector.http import Client
    from ml_connector.singer.normalise import Record


class CompanyBooks:
    """What lists by ledger, branch and year are asked for."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def _read(self, path: str) -> list[Record]:
        return self._client.request("GET", path).json() or []

    @cached_property
    def ledgers(self) -> list[Record]:
        """The ledgers; `number` is what `ledger=` takes, `balanceType` tells budgets from the actual one."""
        return self._read("/v1/ledger")

    @cached_property
    def branches(self) -> list[Record]:
        """The branches."""
        return self._read("/v1/branch")

    @cached_property
    def years(self) -> list[int]:
        """The financial years that have periods."""
        return sorted({period["year"] for period in self._read("/v1/financialPeriod")})
