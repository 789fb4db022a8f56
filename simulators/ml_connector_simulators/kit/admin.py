"""The `/_sim` routes: what a test does in Python, for use out of process."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from ml_connector_simulators.kit.wire import decode_json, json_response

if TYPE_CHECKING:
    from starlette.requests import Request

    from ml_connector_simulators.kit.simulator import Simulator


def admin_app(simulator: Simulator) -> Starlette:
    """The admin routes of one simulator."""
    admin = _Admin(simulator)
    return Starlette(
        routes=[
            Route("/_sim/requests", admin.requests, methods=["GET", "DELETE"]),
            Route("/_sim/faults", admin.faults, methods=["GET", "POST", "DELETE"]),
            Route("/_sim/clock", admin.clock, methods=["GET", "POST"]),
            Route("/_sim/edit", admin.edit, methods=["GET", "POST"]),
            *simulator.admin_routes(),
        ]
    )


class _Admin:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def requests(self, request: Request) -> Response:
        """GET lists the log (`path`, `method`, `writes=1`); DELETE clears it."""
        log = self._simulator.log
        if request.method == "DELETE":
            log.clear()
            return Response(status_code=204)
        entries = log.requests(request.query_params.get("path"), request.query_params.get("method"))
        if request.query_params.get("writes"):
            entries = [entry for entry in entries if entry.is_write]
        return json_response([asdict(entry) for entry in entries])

    async def faults(self, request: Request) -> Response:
        """GET lists the armed faults; POST arms one (the fields of `Fault`); DELETE disarms all."""
        faults = self._simulator.faults
        if request.method == "GET":
            return json_response([asdict(fault) for fault in faults.all()])
        if request.method == "DELETE":
            faults.clear()
            return Response(status_code=204)
        try:
            fault = faults.add(self._simulator.fault(**await request.json()))
        except (TypeError, ValueError) as error:
            return _refusal(error)
        return json_response(asdict(fault), 201)

    async def clock(self, request: Request) -> Response:
        """GET tells the simulated time; POST `{"advance": seconds}` sets it forward."""
        if request.method == "POST":
            self._simulator.clock.advance((await request.json())["advance"])
        return json_response({"now": self._simulator.clock.now()})

    async def edit(self, request: Request) -> Response:
        """GET lists the edits; POST `{"edit": name, …arguments}` makes one."""
        edits = self._simulator.edits()
        if request.method == "GET":
            return json_response({name: edit.__doc__ for name, edit in edits.items()})
        arguments: dict[str, Any] = decode_json(await request.body())
        try:
            result = edits[arguments.pop("edit")](**arguments)
        except (KeyError, TypeError, ValueError) as error:
            return _refusal(error)
        return json_response(result)


def _refusal(error: Exception) -> Response:
    return json_response({"message": f"{type(error).__name__}: {error}"}, 400)
