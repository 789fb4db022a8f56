"""The Visma.net ERP simulator: the API, and what the vendor's own users do behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from starlette.routing import Route

from ml_connector_simulators.kit import FixedWindow, Simulator
from ml_connector_simulators.kit.clock import MONTH_END_CLOSE
from ml_connector_simulators.kit.wire import json_response
from ml_connector_simulators.visma.api import Api
from ml_connector_simulators.visma.auth import Connect
from ml_connector_simulators.visma.bulk import Bulk
from ml_connector_simulators.visma.resources import RESOURCES
from ml_connector_simulators.visma.seed.masters import segment_value
from ml_connector_simulators.visma.seed.month import Month
from ml_connector_simulators.visma.seed.values import instant
from ml_connector_simulators.visma.store import Row, Store
from ml_connector_simulators.visma.totals import totals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from ml_connector_simulators.visma.resource import Resource

SERVER_ZONE = ZoneInfo("Europe/Oslo")  # unconfirmed; some recorded answers hint at it (apis/visma.md §3.2)
CALLS_PER_HOUR = 15_000


class VismaSimulator(Simulator):
    """Visma.net with two companies; `data` keeps their records in a file, else they live in memory.

    `settings` and `limit` may be changed while it runs: page sizes, permissions, calls per hour.
    """

    name = "visma"
    token_path = "/connect/token"  # noqa: S105  a path

    def __init__(
        self,
        seed: Month | Bulk | None = None,
        *,
        data: Path | None = None,
        start: datetime = MONTH_END_CLOSE,
        token_lifetime: int = 3600,
    ) -> None:
        seed = seed or Month()
        self.store = Store(data)
        self.store.seed(seed.rows())
        super().__init__(start=max(start, self._last_edit() if data else start))
        self.tokens.lifetime = token_lifetime
        self.limit = FixedWindow(self.clock, CALLS_PER_HOUR, seconds=3600)
        api = Api(self.store, Connect(self.tokens), self.limit, seed if isinstance(seed, Bulk) else None)
        self.settings = api.settings
        self.app = api.app()

    def _last_edit(self) -> datetime:
        """A restart must not set the clock back: an edit would come before one already read."""
        newest = self.store.newest()
        return newest.replace(tzinfo=SERVER_ZONE) + timedelta(seconds=1) if newest else datetime.min.replace(tzinfo=UTC)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def edits(self) -> Mapping[str, Callable[..., Any]]:
        """What Visma's own users can do, by name."""
        return {
            "edit": self._edit,
            "add": self.add,
            "remove": self.remove,
            "release": self.release,
            "add_segment_value": self.add_segment_value,
            "activate_account": self.activate_account,
            "add_supplier": self.add_supplier,
            "forbid": self.forbid,
            "permit": self.permit,
            "limit_page": self.limit_page,
        }

    def admin_routes(self) -> Sequence[BaseRoute]:
        """`/_sim/totals`: what the companies' own people would add up."""
        return (Route("/_sim/totals", self._totals, methods=["GET"]),)

    async def _totals(self, _: Request) -> Response:
        return json_response(totals(self.rows))

    def row(self, company: str, resource: str, key: str) -> Row:
        """A row as it is stored."""
        row = self.store.row(company, _resource(resource), key)
        if row is None:
            raise KeyError(f"{company} has no {resource} {key}")
        return row

    def rows(self, company: str, resource: str) -> list[Row]:
        """All rows of a resource."""
        return self.store.rows(company, _resource(resource))

    def edit(self, company: str, resource: str, key: str, /, **changes: Any) -> Row:
        """Change fields of a row (`{"invoiceLines.0.account.number": "6800"}` reaches inside) and touch it."""
        known = _resource(resource)
        row = self.row(company, resource, key)
        for path, value in (self._touch(known) | changes).items():
            _assign(row, path, value)
        self.store.change(company, known, key, row)
        return row

    def _edit(self, company: str, resource: str, key: str, changes: dict[str, Any]) -> Row:
        """Change fields of a row and touch it."""
        return self.edit(company, resource, key, **changes)

    def add(self, company: str, resource: str, row: Row) -> Row:
        """Add a row, modified now."""
        known = _resource(resource)
        row = self._touch(known) | row
        self.store.add(company, known, row)
        return row

    def remove(self, company: str, resource: str, key: str) -> None:
        """Delete a row: no endpoint tells of it."""
        self.store.remove(company, _resource(resource), key)

    def release(self, company: str, key: str) -> Row:
        """Release a supplier invoice that was on hold."""
        return self.edit(
            company, "supplierInvoice", key, hold=False, status="Open", approvalStatus="ApprovedInApproval"
        )

    def add_segment_value(self, company: str, value: str, description: str, *, segment: int = 1) -> Row:
        """Add a value to a segment of the subaccount key: a new cost centre, by default."""
        dimension = self.row(company, "dimension", "SUBACCOUNT")
        row = segment_value(company, segment, value, description, self._now())
        found = next(known for known in dimension["segments"] if known["segmentId"] == segment)
        found["segmentValues"].append(row)
        found["lastModified"] = self._now()
        self.store.change(company, RESOURCES["dimension"], "SUBACCOUNT", dimension)
        return row

    def activate_account(self, company: str, number: str, *, active: bool = True) -> Row:
        """Make an account active, or inactive."""
        return self.edit(company, "account", number, active=active)

    def add_supplier(self, company: str, number: str, name: str, **fields: Any) -> Row:
        """Add a supplier like the first one, under its own number and name."""
        rows = self.rows(company, "supplier")
        own = {"internalId": 1 + max(row["internalId"] for row in rows), "number": number, "name": name}
        digits = f"8{int(own['internalId']):08d}"
        own |= {"corporateId": digits, "vatRegistrationId": digits, "accountReference": f"{company}-{number}"}
        return self.add(company, "supplier", rows[0] | own | {"lastModifiedDateTime": self._now()} | fields)

    def forbid(self, company: str, resource: str) -> None:
        """Take the right to read a resource away from the integration: 403."""
        self.settings.forbidden.add((company, _resource(resource).name))

    def permit(self, company: str, resource: str) -> None:
        """Give it back."""
        self.settings.forbidden.discard((company, _resource(resource).name))

    def limit_page(self, resource: str, size: int) -> None:
        """Set the largest page of a resource, its `maxPageSize`."""
        self.settings.max_page_size[_resource(resource).name] = size

    def _touch(self, resource: Resource) -> Row:
        return {resource.modified: self._now()} if resource.modified else {}

    def _now(self) -> str:
        return instant(self.clock.now().astimezone(SERVER_ZONE))


def _resource(name: str) -> Resource:
    try:
        return RESOURCES[name.lower()]
    except KeyError:
        raise KeyError(f"no resource {name}; one of {', '.join(RESOURCES)}") from None


def _assign(row: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        row = row[int(part)] if isinstance(row, list) else row[part]
    value = Decimal(str(value)) if isinstance(value, float) else value
    row[int(last) if isinstance(row, list) else last] = value
