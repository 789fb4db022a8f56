"""A ServiceNow instance as a real HTTP server."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from ml_connector_simulators.kit import Fault, Simulator
from ml_connector_simulators.servicenow.access import NOBODY, Rule
from ml_connector_simulators.servicenow.api.batch_api import items
from ml_connector_simulators.servicenow.api.calls import Call, RefusedError, Reply
from ml_connector_simulators.servicenow.api.limits import RateLimits
from ml_connector_simulators.servicenow.api.router import Router
from ml_connector_simulators.servicenow.faults import ERRORS, HIBERNATING
from ml_connector_simulators.servicenow.installation import Api, Installation, RateLimit
from ml_connector_simulators.servicenow.instance import Instance
from ml_connector_simulators.servicenow.oauth import SignIn
from ml_connector_simulators.servicenow.seed import CLIENT_ID, USER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from starlette.requests import Request

    from ml_connector_simulators.kit.wire import Exchange
    from ml_connector_simulators.servicenow.access import Operation, Roles
    from ml_connector_simulators.servicenow.store import Row

TOKEN_SECONDS = 1800
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class ServiceNowSimulator(Simulator):
    """A ServiceNow instance, seeded; `installation` says how it differs from the delivered one.

    `data` is the SQLite file that keeps it over restarts; without it the instance lives in memory.
    """

    name = "servicenow"
    token_path = "/oauth_token.do"  # noqa: S105  a path

    def __init__(
        self, installation: Installation | None = None, *, data: Path | None = None, start: datetime | None = None
    ) -> None:
        super().__init__(**({} if start is None else {"start": start}))
        self.tokens.lifetime = TOKEN_SECONDS
        self.installation = installation or Installation()
        self.instance = Instance.create(self.installation, data, self.clock.now)
        self._sign_in = SignIn(self.instance, self.tokens, self.clock)
        self._router = Router(self.instance, RateLimits(self.installation, self.clock), lambda: self.url)
        self.app = Starlette(routes=[Route("/{path:path}", self._respond, methods=METHODS)])

    def is_write(self, method: str, path: str, body: bytes) -> bool:
        """A batch of reads is no write."""
        if path.endswith("/batch"):
            call = Call(method, path, {}, {"content-type": "application/json"}, body)
            return any(self.is_write(item.method, item.path, item.body) for item in items(call))
        return super().is_write(method, path, body)

    def fault(self, **fields: Any) -> Fault:
        """A fault of the kit, or `error`: an answer of `ERRORS` by its name."""
        if "error" not in fields:
            return Fault(**fields)
        known = ERRORS.get(fields.pop("error"))
        if known is None:
            raise ValueError(f"unknown error; one of {', '.join(ERRORS)}")
        return known.fault(**fields)

    def text(self, exchange: Exchange) -> str:
        """The query string, as faults look into it."""
        return unquote_plus(exchange.scope["query_string"].decode())

    def edits(self) -> Mapping[str, Callable[..., Any]]:
        """What people do in the instance."""
        return {
            "table": self.table,
            "update": self.update,
            "update_silently": self.update_silently,
            "delete": self.delete,
            "process_imports": self.process_imports,
            "grant": self.grant,
            "revoke": self.revoke,
            "set_property": self.set_property,
            "restrict": self.restrict,
            "allow": self.allow,
            "configure": self.configure,
            "delete_old_imports": self.delete_old_imports,
            "add": self.add,
            "trust_key": self.trust_key,
            "refresh_token": self.refresh_token,
            "limit": self.limit,
            "request": self.request,
            "approve_request": self.approve_request,
            "cancel_request": self.cancel_request,
            "change_request": self.change_request,
        }

    def close(self) -> None:
        """Close the SQLite file."""
        self.instance.store.close()

    def table(self, table: str, **equals: str) -> list[Row]:
        """The rows of a table, oldest first; an FX column comes with its `.amount` and `.currency`."""
        rows = self.instance.store.match(table, equals)
        return [self._with_money(table, row) for row in rows]

    def update(self, table: str, sys_id: str, **values: str) -> None:
        """Change a row as a person in the instance does: `state='approved'`."""
        row = self.instance.store.get(table, sys_id)
        if row is None:
            raise KeyError(f"{table} has no row {sys_id}")
        typed = self.instance.records.typed(table, values, "USD")
        with self.instance.store.transaction():
            self.instance.records.update(table, row, typed, "a.person")

    def update_silently(self, table: str, sys_id: str, **values: str) -> None:
        """Change a row as a script with autoSysFields(false) does: no stamp moves, unless `sys_updated_on` is given."""
        if self.instance.store.get(table, sys_id) is None:
            raise KeyError(f"{table} has no row {sys_id}")
        self.instance.store.update(table, sys_id, values, stamped=False)

    def add(self, table: str, **values: str) -> Row:
        """Add a row as a person does: a reference by its sys_id, money as `EUR;12.50`."""
        with self.instance.store.transaction():
            typed = self.instance.records.typed(table, values, "USD")
            return self.instance.records.insert(table, typed, "a.person")

    def delete(self, table: str, sys_id: str) -> None:
        """Delete a row."""
        with self.instance.store.transaction():
            self.instance.store.delete(table, sys_id, "a.person")

    def request(self, supplier_number: str, lines: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
        """An approved requisition of a supplier; arguments as `Requests.create` has. Its sys_id, number, lines."""
        row = self.instance.requests.create(lines, supplier_number=supplier_number, **values)
        return self._told(row)

    def approve_request(self, request: str) -> dict[str, Any]:
        """Approve a requisition, named by number or sys_id."""
        return self._changed_request(request, status="approved", approval="approved")

    def cancel_request(self, request: str) -> dict[str, Any]:
        """Cancel a requisition."""
        return self._changed_request(request, status="canceled", approval="not_requested")

    def change_request(self, request: str, **changes: Any) -> dict[str, Any]:
        """Change a requisition's columns and its `lines`, each named by its `line_number`."""
        return self._changed_request(request, **changes)

    def _changed_request(self, request: str, **changes: Any) -> dict[str, Any]:
        self.clock.advance(1)  # sys_updated_on has one-second resolution: a change is seen to be later
        return self._told(self.instance.requests.change(request, **changes))

    def _told(self, header: Row) -> dict[str, Any]:
        lines = self.instance.requests.lines(header["sys_id"])
        shown = [{name: line[name] for name in ("sys_id", "number", "line_number")} for line in lines]
        return {"sys_id": header["sys_id"], "number": header["number"], "lines": shown}

    def process_imports(self) -> None:
        """Run the import sets and the posted invoices that wait, in their order."""
        with self.instance.store.transaction():
            self.instance.imports.finish()
            self.instance.ap_invoices.finish()

    def delete_old_imports(self) -> None:
        """Run the nightly job that deletes import sets older than seven days."""
        with self.instance.store.transaction():
            self.instance.imports.clean()

    def roles(self, user: str = "integration.user") -> Roles:
        """The roles of a user; a set that can be edited."""
        return self.instance.roles(user)

    def grant(self, user: str, role: str) -> None:
        """Give a user a role."""
        self.roles(user).add(role)

    def revoke(self, user: str, role: str) -> None:
        """Take a role from a user."""
        self.roles(user).discard(role)

    def restrict(
        self, operation: Operation, table: str, role: str = NOBODY, *, column: str = "", rows: str = ""
    ) -> None:
        """Ask for a role from now on: for a table, one of its columns, or its rows that match an encoded query."""
        self.instance.access.rules.append(Rule(operation, table, role, column, rows))

    def allow(self, operation: Operation, table: str, role: str = "") -> None:
        """Ask for this role only from now on, or for none."""
        self.instance.access.replace(Rule(operation, table, role))

    def trust_key(self, public_key: str, kid: str = "demo-sn-key", client_id: str = CLIENT_ID) -> None:
        """Let a client's JWT assertions be signed with the private half of this PEM key."""
        (client,) = self.instance.store.find("oauth_entity", client_id=client_id)
        values = {"kid": kid, "client": client["sys_id"], "public_key": public_key}
        self.instance.store.insert("jwt_verifier_map", values)

    def refresh_token(self, user: str = USER) -> str:
        """A refresh token, as a person's own sign-in in a browser would give; it ends with this process."""
        return self._sign_in.refresh_tokens.issue(user)

    def limit(self, api: Api, per_hour: int, table: str = "") -> None:
        """Have an inbound rate rule from now on, before all others."""
        self.installation.rate_limits.insert(0, RateLimit(per_hour, api, table))

    def set_property(self, name: str, value: str) -> None:
        """Set a system property."""
        found = self.instance.store.find("sys_properties", name=name)
        if found:
            self.instance.store.update("sys_properties", found[0]["sys_id"], {"value": value})
        else:
            self.instance.store.insert("sys_properties", {"name": name, "value": value})

    def configure(self, **settings: Any) -> None:
        """Change settings of the installation that count at run time: `hibernating=true`."""
        for name, value in settings.items():
            if name not in Installation.__dataclass_fields__:
                raise ValueError(f"an installation has no setting {name!r}")
            setattr(self.installation, name, value)

    def sums(self, table: str, column: str, **equals: str) -> dict[str, Decimal]:
        """The total of an FX column per currency."""
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in self.table(table, **equals):
            if row[f"{column}.amount"]:
                totals[row[f"{column}.currency"]] += Decimal(row[f"{column}.amount"])
        return dict(totals)

    def _with_money(self, table: str, row: Row) -> Row:
        for name, column in self.instance.schema.columns(table).items():
            if column.type == "currency2":
                money = self.instance.records.exchange.read(row[name])
                row[f"{name}.amount"] = str(money.amount) if money else ""
                row[f"{name}.currency"] = money.currency if money else ""
        return row

    async def _respond(self, request: Request) -> Response:
        headers = dict(request.headers)
        call = Call(request.method, request.url.path, dict(request.query_params), headers, await request.body())
        reply = self._answer(request, call)
        response = Response(reply.content(), reply.status, dict(reply.headers), media_type=None)
        response.headers["Content-Type"] = reply.content_type
        return response

    def _answer(self, request: Request, call: Call) -> Reply:
        if self.installation.hibernating:
            return Reply(200, HIBERNATING, content_type="text/html;charset=UTF-8")
        if call.path == self.token_path:
            return self._sign_in.token(call)
        try:
            session = self._sign_in.session(call)
        except RefusedError as refused:
            return refused.reply
        request.state.caller = session.name
        if self.installation.imports == "clock":
            with self.instance.store.transaction():
                self.instance.imports.catch_up()
                self.instance.ap_invoices.catch_up()
        return self._router.answer(session, call)
