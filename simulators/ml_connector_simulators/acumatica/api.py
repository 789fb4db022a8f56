"""The URLs of the site (apis/acumatica.md §1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from ml_connector_simulators.acumatica import reading, writing
from ml_connector_simulators.acumatica.access import COOKIE
from ml_connector_simulators.acumatica.acting import Actions
from ml_connector_simulators.acumatica.call import Call, Site
from ml_connector_simulators.acumatica.contract import CONTRACTS, ENDPOINT, ENTITIES, INQUIRIES
from ml_connector_simulators.acumatica.errors import Refused, not_set_up, refused
from ml_connector_simulators.acumatica.swagger import swagger
from ml_connector_simulators.kit import json_response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from ml_connector_simulators.acumatica.access import Access
    from ml_connector_simulators.acumatica.bulk import Bulk
    from ml_connector_simulators.acumatica.limits import Licence

BUILD = "24.212.0033"
METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH"]


class Api:
    """Tells a request by its path, for keys may stand in it in any number."""

    def __init__(self, site: Site, access: Access, licence: Licence, bulk: Bulk | None) -> None:
        self._site = site
        self._access = access
        self._licence = licence
        self._bulk = bulk
        self._actions = Actions()

    def app(self) -> Starlette:
        """One route for all."""
        return Starlette(routes=[Route("/{path:path}", self._endpoint, methods=METHODS)])

    async def _endpoint(self, request: Request) -> Response:
        body = await request.body()
        try:
            async with self._licence.admitted():
                answer = self._answer(request, body)
        except Refused as refusal:
            answer = refusal.answer
        if session := getattr(request.state, "new_session", None):
            answer.set_cookie(COOKIE, session, httponly=True)
        return answer

    def _answer(self, request: Request, body: bytes) -> Response:
        parts = self._parts(request.scope["path"])
        match request.method, parts:
            case "POST", ["identity", "connect", "token"]:
                return self._access.token(body)
            case "GET", ["entity"]:
                return self._endpoints()
            case "POST", ["entity", "auth", "login"]:
                return self._access.login(body)
            case "POST", ["entity", "auth", "logout"]:
                return self._access.logout(request)
            case _, ["entity", endpoint, version, *rest] if rest:
                return self._below(request, body, f"{endpoint}/{version}", rest)
        raise refused(404, f"Nothing is at {request.scope['path']}.")

    def _parts(self, path: str) -> list[str]:
        """The path below the site, which IIS finds in any case."""
        site = self._site.path
        if not path.lower().startswith(f"{site}/".lower()):
            raise refused(404)
        return path[len(site) :].strip("/").split("/")

    def _below(self, request: Request, body: bytes, endpoint: str, rest: list[str]) -> Response:
        """What a version of the endpoint answers."""
        session = self._access.session(request)
        contract = CONTRACTS.get(endpoint.removeprefix(f"{ENDPOINT}/"))
        if contract is None:
            raise refused(404, f"No endpoint {endpoint}.")
        if rest == ["swagger.json"]:
            return json_response(swagger(contract, self._site.path))
        if rest[0] not in ENTITIES:
            raise refused(404, f"No entity {rest[0]} in {endpoint}.")
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(self._site, session, contract, rest[0], dict(request.query_params), headers, body)
        return self._entity(request.method, call, rest[1:])

    def _endpoints(self) -> Response:
        """System endpoints, which are told without a sign-in; this tenant has no others."""
        known = [
            {"name": ENDPOINT, "version": version, "href": f"{self._site.path}/entity/{ENDPOINT}/{version}/"}
            for version in CONTRACTS
        ]
        if self._site.settings.bare_list:
            return json_response(known)
        return json_response(
            {"version": {"acumaticaBuildVersion": BUILD, "databaseVersion": BUILD}, "endpoints": known}
        )

    def _entity(self, method: str, call: Call, rest: list[str]) -> Response:
        if call.entity in self._site.settings.forbidden:
            raise refused(403, f"You have insufficient rights to access the object ({ENTITIES[call.entity].form}).")
        if call.entity in self._site.settings.not_set_up:
            raise not_set_up(call.entity)
        match method, rest:
            case "GET", [action, "status", operation]:
                return self._actions.status(call, action, operation)
            case "POST", [action]:
                self._actions.wait_for_none(call)
                return self._actions.invoke(call, action)
        self._actions.wait_for_none(call)
        return self._read(call, rest) if method == "GET" else self._write(method, call, rest)

    def _read(self, call: Call, rest: list[str]) -> Response:
        if rest == ["$adHocSchema"]:
            return json_response({"custom": {}})  # this tenant has no fields of its own
        if rest:
            return reading.one_record(call, rest)
        bulk = self._bulk.page(call) if self._bulk else None
        return bulk or reading.list_records(call)

    def _write(self, method: str, call: Call, rest: list[str]) -> Response:
        if method == "DELETE" and rest:
            return writing.delete(call, rest)
        if method == "PUT" and not rest:
            return reading.inquiry(call) if call.entity in INQUIRIES else writing.put(call)
        raise refused(405)
