"""One ServiceNow instance: its parts put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector_simulators.servicenow.access import Access, Roles
from ml_connector_simulators.servicenow.ap_invoices import ApInvoices
from ml_connector_simulators.servicenow.imports import ImportSets
from ml_connector_simulators.servicenow.records import Records
from ml_connector_simulators.servicenow.requisitions import Requests, seed_requests
from ml_connector_simulators.servicenow.seed import seed
from ml_connector_simulators.servicenow.store import Store
from ml_connector_simulators.servicenow.tables import delivered

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from ml_connector_simulators.servicenow.installation import Installation
    from ml_connector_simulators.servicenow.schema import Schema


@dataclass(frozen=True)
class Instance:
    """What the REST API works on."""

    installation: Installation
    schema: Schema
    store: Store
    records: Records
    imports: ImportSets
    access: Access
    requests: Requests
    ap_invoices: ApInvoices

    @classmethod
    def create(cls, installation: Installation, path: Path | None, now: Callable[[], datetime]) -> Instance:
        """Open the instance kept in a file, or a fresh one; a new file is seeded."""
        schema = installation.apply(delivered())
        store = Store(schema, path, now)
        records = Records(store)
        requests = Requests(store, records)
        if store.is_empty():
            with store.transaction():
                seed(store, installation)
                seed_requests(requests)
        imports = ImportSets(store, records, installation)
        ap_invoices = ApInvoices(store, records, imports, installation)
        return cls(installation, schema, store, records, imports, Access(), requests, ap_invoices)

    def roles(self, user_name: str) -> Roles:
        """The roles of a user, to read and to edit."""
        return Roles(self.store, self.store.find("sys_user", user_name=user_name)[0])
