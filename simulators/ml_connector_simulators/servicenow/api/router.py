"""From a call to the API that answers it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector_simulators.servicenow.ap_invoices import LOG
from ml_connector_simulators.servicenow.api.aggregate_api import aggregate
from ml_connector_simulators.servicenow.api.ap_invoice_api import accept
from ml_connector_simulators.servicenow.api.batch_api import batch
from ml_connector_simulators.servicenow.api.calls import RefusedError, Reply, forbidden_api, forbidden_query
from ml_connector_simulators.servicenow.api.import_api import ImportApi
from ml_connector_simulators.servicenow.api.table_api import TableApi
from ml_connector_simulators.servicenow.query import NotSimulatedError
from ml_connector_simulators.servicenow.sql import DeniedColumnError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector_simulators.servicenow.api.calls import Call, Session
    from ml_connector_simulators.servicenow.api.limits import RateLimits
    from ml_connector_simulators.servicenow.instance import Instance

ROUTE = re.compile(r"/api/now(?:/v\d+)?/(table|stats|import|batch)(?:/([^/]+))?(?:/([^/]+))?/?")
AP_INVOICE = re.compile(r"/api/sn_spend_intg(?:/v\d+)?/(ap_invoice)/(json|xml|cxml)()/?")
APIS = {
    "ap_invoice": "APO Invoice Ingestion",
    "table": "Table API",
    "stats": "Aggregate API",
    "import": "Import Set API",
    "batch": "Batch API",
}


@dataclass(frozen=True)
class Router:
    """Answers the calls of signed-in users."""

    instance: Instance
    limits: RateLimits
    url: Callable[[], str]

    def answer(self, session: Session, call: Call) -> Reply:
        """One call in the platform's envelope, whatever happens."""
        try:
            return self._limited(session, call)
        except RefusedError as refused:
            return refused.reply
        except DeniedColumnError:
            return forbidden_query().reply
        except NotSimulatedError as part:
            return RefusedError(501, "Not simulated", f"This simulator does not know the query part {part}").reply

    def _limited(self, session: Session, call: Call) -> Reply:
        match = ROUTE.fullmatch(call.path) or AP_INVOICE.fullmatch(call.path)
        if match is None:
            raise RefusedError(400, "Requested URI does not represent any resource")
        if self.instance.installation.rest_api_acls and not session.roles & {"rest_service", "admin"}:
            raise forbidden_api()
        kind, table, rest = match.groups()
        headers = self.limits.take(session.name, APIS[kind], table or "")
        reply = self._routed(session, call, kind, table, rest)
        return replace(reply, headers={**reply.headers, **headers})

    def _routed(self, session: Session, call: Call, kind: str, table: str | None, rest: str | None) -> Reply:
        if kind == "batch":
            seconds = self.instance.installation.batch_item_seconds
            return batch(call, lambda item: self.answer(session, item), seconds)
        if table is None:
            raise RefusedError(400, "Requested URI does not represent any resource")
        if kind == "stats":
            return aggregate(self.instance, session, call, table)
        with self.instance.store.transaction():
            if kind == "ap_invoice":
                return accept(self.instance, session, call, table)
            if kind == "import":
                return ImportApi(self.instance, session, call, self.url(), table).answer(rest)
            return self._table(session, call, table, rest)

    def _table(self, session: Session, call: Call, table: str, rest: str | None) -> Reply:
        reply = TableApi(self.instance, session, call, self.url(), table).answer(rest)
        if call.method == "GET" and self.instance.installation.imports == "poll":
            # After the answer: whoever polls sees every state.
            if table == "sys_import_set":
                self.instance.imports.step()
            if table == LOG:
                self.instance.ap_invoices.step()
        return reply
