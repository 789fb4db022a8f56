"""Cost centres, which Acumatica does not have under this name: made of what the tenant uses as such (§4)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from ml_connector.errors import BadAnswer
from ml_connector.singer.paging import Page, Paging, Unread, Whole
from ml_connector.vendors.acumatica.values import unwrap

from tap_acumatica.query import Query
from tap_acumatica.segments import Segments
from tap_acumatica.streams.base import AcumaticaStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml_connector.http import Reply
    from ml_connector.singer.normalise import Record
    from ml_connector.singer.tap import Tap

    from tap_acumatica.shape import Types

SUBACCOUNT, COST_CODE, BRANCH = SOURCES = ("subaccount", "cost_code", "branch")
_ENTITIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    SUBACCOUNT: ("Subaccount", ("SubaccountCD", "Description", "Active")),
    COST_CODE: ("CostCode", ("CostCodeID", "Description")),
    BRANCH: ("CompaniesStructure", ("BranchID", "BranchName", "BranchStatus")),
}


class CostCenters(AcumaticaStream):
    """Segments of the subaccount, cost codes, or branches, as `cost_center_source` says; read whole every time."""

    name = "cost_centers"
    path = "Subaccount, CostCode or CompaniesStructure"
    keys = ("code",)
    modified = None
    is_entity: ClassVar[bool] = False
    permission = "Give the user's role access to the form, or set `cost_center_source` to what the tenant uses."

    @classmethod
    def types(cls) -> Types:
        """Return the stream's own form."""
        return {"code": "string", "description": "string", "active": "boolean", "source": "string"}

    def types_for(self, tap: Tap) -> Types:
        """Return the same: it does not depend on versions."""
        del tap
        return self.types()

    @property
    def source(self) -> str:
        """What cost centres are made of."""
        return str(self.config["cost_center_source"])

    @property
    def entity(self) -> str:
        """The entity they are read from."""
        return _ENTITIES[self.source][0]

    @property
    def order(self) -> tuple[str, ...]:
        """The entity's key."""
        return _ENTITIES[self.source][1][:1]

    @property
    def query(self) -> Query:
        """The entity as it is."""
        return Query(_ENTITIES[self.source][1], ())

    def _way_through(self, since: str | None) -> Paging:
        return Whole() if self.source == BRANCH else super()._way_through(since)

    def get_page(self, since: str | None, paging: Mapping[str, Any]) -> Unread:
        """Fetch a page of the entity; branches are an inquiry, read by PUT, which changes nothing (§3)."""
        if self.source != BRANCH:
            return super().get_page(since, paging)
        path = f"{self.acumatica.endpoint.path}/{self.entity}"
        reply = self.tap.client.request("PUT", path, params={"$expand": "Results"}, json={}, safe=True)
        return partial(self._branches, reply)

    def record(self, entity: Record) -> Record:
        """Return an entity's plain values."""
        return unwrap(entity)

    def _branches(self, reply: Reply) -> Page:
        found = reply.json()
        if not isinstance(found, dict):
            raise BadAnswer(f"{reply}: expected the companies' structure")
        return Page(unwrap(found).get("Results") or [])

    def assemble(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Yield the cost centres that all pages make, by their codes."""
        code, name, *rest = _ENTITIES[self.source][1]
        segments = Segments.of(self.config) if self.source == SUBACCOUNT else None
        found: dict[str, tuple[bool, Record]] = {}
        for page in pages:
            for row in page.rows:
                value = str(row[code])
                centre, is_itself = segments.take(value) if segments else (value, True)
                made = {"code": centre, "description": row.get(name), "active": next(map(row.get, rest), None)}
                _add(found, is_itself, made | {"source": self.source})
        yield Page([found[code][1] for code in sorted(found)])

    def is_as_read(self, record: Mapping[str, Any]) -> bool:
        """Say no: it takes the whole list to know."""
        del record
        return False


def _add(found: dict[str, tuple[bool, Record]], is_itself: bool, made: Record) -> None:
    """Put subaccounts of one segment value together: named by the one that has nothing but it, active if any is."""
    was_itself, known = found.get(made["code"], (False, made))
    named = made if is_itself and not was_itself else known
    found[made["code"]] = (is_itself or was_itself, {**named, "active": known["active"] or made["active"]})
