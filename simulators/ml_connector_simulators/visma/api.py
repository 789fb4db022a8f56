"""The read side of Visma.net's API over the store."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from ml_connector_simulators.kit import FixedWindow, json_response
from ml_connector_simulators.visma import dimensions, journal
from ml_connector_simulators.visma.queries import BadQueryError, criteria, is_true, look, select, whole
from ml_connector_simulators.visma.resources import RESOURCES
from ml_connector_simulators.visma.store import version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from ml_connector_simulators.kit.limits import Allowance
    from ml_connector_simulators.visma.auth import Connect
    from ml_connector_simulators.visma.bulk import Bulk
    from ml_connector_simulators.visma.resource import Resource, Single
    from ml_connector_simulators.visma.store import Store

Row = dict[str, Any]
_OLD_PREFIX = "^(?:(?:/api)?/controller/api)?"  # the former path shape still answers (apis/visma.md §1)


@dataclass
class Settings:
    """What differs between installations, or is not known of the real one; may be changed while it runs."""

    default_page_size: int = 50  # without paging parameters: a part of the rows, without a warning
    max_page_size: dict[str, int] = field(default_factory=dict)  # resource → its maxPageSize
    past_the_end: int = 200  # the status after the last page: 200 with [], 204 or 404 (unconfirmed)
    forbidden: set[tuple[str, str]] = field(default_factory=set)  # (company, resource): 403


@dataclass(frozen=True)
class Call:
    """One request that was let in."""

    company: str
    query: Mapping[str, str]  # names in lower case
    params: Mapping[str, str]


class Api:
    """The endpoints; every answer to a company that signed in carries the rate-limit headers."""

    def __init__(self, store: Store, connect: Connect, limit: FixedWindow, bulk: Bulk | None) -> None:
        self.settings = Settings()
        self._store = store
        self._connect = connect
        self._limit = limit
        self._bulk = bulk

    def app(self) -> Starlette:
        """All routes, in any case."""
        routes = [_route("/connect/token", self._connect.token, "POST")]
        for resource in RESOURCES.values():
            for path, handler in self._handlers(resource).items():
                routes.append(_route(f"{resource.path}{path}", self._guarded(resource, handler)))
        return Starlette(routes=routes)

    def _handlers(self, resource: Resource) -> Mapping[str, Callable[[Call], Response]]:
        if resource.name == "dimension":
            return dimensions.handlers(self._store)
        if resource.name == "journaltransaction":
            return journal.handlers(self._store, self._page_size)
        return {"": partial(self._list, resource)} | {
            single.path: partial(self._single, resource, single) for single in resource.singles
        }

    def _guarded(
        self, resource: Resource, handler: Callable[[Call], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            grant = self._connect.grant(request)
            if grant is None:
                return Response(status_code=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
            request.state.caller = grant.company
            allowance = self._limit.take(grant.company)
            if not allowance.granted:
                answer = json_response({"message": "API calls quota exceeded."}, 429)
                answer.headers["Retry-After"] = str(allowance.reset)
            elif (grant.company, resource.name) in self.settings.forbidden or not _may_read(grant.scopes):
                answer = json_response({"message": f"You are not authorized to read {resource.name}."}, 403)
            elif unknown := _not_simulated(resource, request):
                answer = json_response({"message": f"The simulator does not simulate {unknown}."}, 501)
            else:
                answer = _answered(handler, Call(grant.company, _query(request), request.path_params))
            return self._with_limits(answer, allowance)

        return endpoint

    def _with_limits(self, answer: Response, allowance: Allowance) -> Response:
        answer.headers["X-RateLimit-Limit"] = str(self._limit.limit)
        answer.headers["X-RateLimit-Remaining"] = str(allowance.remaining)
        answer.headers["X-RateLimit-Reset"] = str(allowance.reset)
        answer.headers["X-RateLimit-Policy"] = "4-fixed-window"
        return answer

    def _page_size(self, resource: Resource, query: Mapping[str, str]) -> tuple[int, int]:
        """The page size used and the largest: more than that is silently cut (apis/visma.md §3.1)."""
        largest = self.settings.max_page_size.get(resource.name, resource.maximum or 0)
        return min(whole(query, "pageSize", self.settings.default_page_size), largest), largest

    def _list(self, resource: Resource, call: Call) -> Response:
        _require(resource, call.query)
        number = whole(call.query, "pageNumber", 1)
        if self._bulk and self._bulk.serves(call.company, resource):
            return self._bulk.page(number, whole(call.query, "pageSize", self._bulk.page_size), call.query)
        size, largest = self._page_size(resource, call.query) if resource.maximum else (0, 0)
        total, rows = self._rows(resource, call, (number - 1) * size, size)
        shown = [_shown(resource, row, call.query, total, largest) for row in rows]
        if not rows and number > 1 and resource.maximum and self.settings.past_the_end != 200:  # noqa: PLR2004
            return Response(status_code=self.settings.past_the_end)
        if resource.name == "creditterm":
            return json_response({"pageNumber": number, "pageSize": size, "totalCount": total, "records": shown})
        return json_response(shown)

    def _rows(self, resource: Resource, call: Call, offset: int, size: int) -> tuple[int, list[Row]]:
        if resource.maximum and not criteria(resource, call.query):
            return self._store.page(call.company, resource, offset, size)
        rows = select(resource, self._store.rows(call.company, resource), call.query)
        return len(rows), rows[offset : offset + size] if resource.maximum else rows

    def _single(self, resource: Resource, single: Single, call: Call) -> Response:
        if single.key:
            row = self._store.row(call.company, resource, single.key.format(**call.params))
        else:
            row = _find(self._store.rows(call.company, resource), call.params)
        if row is None:
            return json_response({"message": f"{resource.path} {'/'.join(call.params.values())} was not found."}, 404)
        return json_response(_public(row), headers={"ETag": f'"{version(row)}"'})


def _route(path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str = "GET") -> Route:
    route = Route(path, endpoint, methods=[method])
    route.path_regex = re.compile(_OLD_PREFIX + route.path_regex.pattern[1:], re.IGNORECASE)
    return route


def _answered(handler: Callable[[Call], Response], call: Call) -> Response:
    try:
        return handler(call)
    except BadQueryError as error:
        return json_response({"message": str(error)}, 400)


def _query(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.query_params.items()}


def _not_simulated(resource: Resource, request: Request) -> str | None:
    """What the real API would heed and this one cannot: told, for an ignored filter would look like a working one."""
    if "erp-api-background" in request.headers:
        return "erp-api-background"
    query = _query(request)
    return next((name for name in resource.not_simulated if name.lower() in query), None)


def _require(resource: Resource, query: Mapping[str, str]) -> None:
    """Refuse a list whose mandatory parameters are missing; of a moment and a period, either will do."""
    missing = [name for name in resource.required if name.lower() not in query]
    either = "lastModifiedDateTime" in resource.required
    if missing and not (either and len(missing) < len(resource.required)):
        raise BadQueryError(f"{' or '.join(missing) if either else ' and '.join(missing)} is mandatory.")


def _may_read(scopes: frozenset[str]) -> bool:
    return "vismanet_erp_service_api:read" in scopes


def _find(rows: list[Row], wanted: Mapping[str, str]) -> Row | None:
    return next((row for row in rows if all(str(next(look(row, k))) == v for k, v in wanted.items())), None)


def _public(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _shown(resource: Resource, row: Row, query: Mapping[str, str], total: int, largest: int) -> Row:
    """A row as lists show it: without what was not asked for, with the list's totals."""
    hidden = {name for parameter, name in resource.expands.items() if not is_true(query, parameter)}
    hidden |= {name for parameter, name in resource.expanded.items() if not is_true(query, parameter, default=True)}
    shown = {name: value for name, value in _public(row).items() if name not in hidden}
    return shown | {"metadata": {"totalCount": total, "maxPageSize": largest or total}} if resource.metadata else shown
