"""Serving a simulator on loopback: in a thread for tests, in the foreground for a demo."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from ml_connector_simulators.kit.simulator import Simulator
from ml_connector_simulators.kit.wire import TRANSPORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

S = TypeVar("S", bound=Simulator)


class _OpenProtocol(H11Protocol):
    """HTTP/1.1 that hands the application its connection, so that a fault can break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio leaves a socket whose listener was made by hand to Nagle: 40 ms for every answer to a POST.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app = _with_transport(self.app, transport)


def _with_transport(app: ASGIApp, transport: asyncio.Transport) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[TRANSPORT] = transport
        await app(scope, receive, send)

    return wrapped


class Serving:
    """A simulator bound to a loopback port; `url` is known before the first request can be answered.

    uvicorn's protocol on asyncio's own server: uvicorn's server polls, and takes the process's signals for itself.
    """

    def __init__(self, simulator: Simulator, port: int = 0) -> None:
        self.simulator = simulator
        self._socket = socket.create_server(("127.0.0.1", port))  # listening from here on: no start-up race
        simulator.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    async def serve(self, stop: asyncio.Event) -> None:
        """Answer requests until told to stop, then end what still hangs."""
        config = uvicorn.Config(self.simulator, lifespan="off", access_log=False, log_config=None, log_level="warning")
        config.load()
        state = ServerState()  # without default headers: `Date` is the simulated clock's, as the records' time stamps
        server = await asyncio.get_running_loop().create_server(
            lambda: _OpenProtocol(config, state, app_state={}), sock=self._socket
        )
        await stop.wait()
        server.close()
        await self.simulator.hang_up()
        for connection in list(state.connections):
            connection.transport.abort()  # kept alive, but idle
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=1)
        self.simulator.close()


@contextlib.contextmanager
def running(simulator: S, port: int = 0) -> Iterator[S]:
    """Serve a simulator on a free loopback port, in a thread, for as long as the block lasts."""
    serving = Serving(simulator, port)
    handles: dict[str, Any] = {}
    ready = threading.Event()

    async def main() -> None:
        handles["loop"], handles["stop"] = asyncio.get_running_loop(), asyncio.Event()
        ready.set()
        await serving.serve(handles["stop"])

    thread = threading.Thread(target=asyncio.run, args=(main(),), name=f"{simulator.name} simulator")
    thread.start()
    ready.wait()
    try:
        yield simulator
    finally:
        handles["loop"].call_soon_threadsafe(handles["stop"].set)
        thread.join()
