"""One request to an entity, that was let in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ml_connector_simulators.acumatica.company import BRANCHES, MAIN_BRANCH
from ml_connector_simulators.acumatica.contract import ENDPOINT, Contract
from ml_connector_simulators.acumatica.errors import failure
from ml_connector_simulators.acumatica.matching import Matcher
from ml_connector_simulators.acumatica.render import Tree, View
from ml_connector_simulators.acumatica.rules.rule import Desk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector_simulators.acumatica.sessions import Session
    from ml_connector_simulators.acumatica.settings import Settings
    from ml_connector_simulators.acumatica.store import Store
    from ml_connector_simulators.kit import Clock


@dataclass(frozen=True)
class Site:
    """What every request works on."""

    store: Store
    settings: Settings
    clock: Clock
    path: str  # the virtual directory, or nothing


@dataclass(frozen=True)
class Call:
    """A request with its session, contract, parameters and headers."""

    site: Site
    session: Session
    contract: Contract
    entity: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def root(self) -> str:
        """The site-absolute URL of this version of the endpoint."""
        return f"{self.site.path}/entity/{ENDPOINT}/{self.contract.version}"

    def matcher(self) -> Matcher:
        """What filters this entity's rows."""
        return Matcher(self.site.store, self.site.settings, self.contract, self.entity)

    def view(self) -> View:
        """What `$select`, `$expand` and `$custom` ask for."""
        trees = {name: Tree.of(self.query.get(f"${name}", "").split(",")) for name in ("select", "expand", "custom")}
        view = View(self.contract, self.site.settings.zone, self.session.id, self.root, **trees)
        view.check(self.entity)
        return view

    def desk(self) -> Desk:
        """What a form sees: business date and branch, of the headers or of the session."""
        given = self.headers.get("px-cbapibusinessdate")
        zone = ZoneInfo(self.site.settings.zone)
        today = date(*map(int, given.split("/"))) if given else self.site.clock.now().astimezone(zone).date()
        branch = self.headers.get("px-cbapibranch") or self.session.branch or MAIN_BRANCH
        if branch.upper() not in BRANCHES:
            raise failure(f"The {branch} branch cannot be found in the system.")
        return Desk(self.site.store, self.site.settings, today, branch.upper())
