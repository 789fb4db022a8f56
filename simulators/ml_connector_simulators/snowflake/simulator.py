"""The fake Snowflake as a simulator: requests logged and broken as the kit does it, statements logged by their SQL."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from ml_connector_simulators.kit import Fault, Simulator
from ml_connector_simulators.kit.wire import json_response
from ml_connector_simulators.snowflake.engine import Engine
from ml_connector_simulators.snowflake.errors import ERRORS, QUERY
from ml_connector_simulators.snowflake.log import Statements
from ml_connector_simulators.snowflake.sessions import Sessions
from ml_connector_simulators.snowflake.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from ml_connector_simulators.kit.log import LoggedRequest
    from ml_connector_simulators.kit.wire import Answer, Exchange


class SnowflakeSimulator(Simulator):
    """One Snowflake account; `data` is the folder its databases and stages are kept in."""

    name = "snowflake"
    token_path = "/session/v1/login-request"  # noqa: S105  a path

    def __init__(self, data: Path | None = None, schemas: Sequence[str] = ()) -> None:
        super().__init__()
        self._scratch = None if data is not None else Path(tempfile.mkdtemp(prefix="sim_snowflake_"))
        self._engine = Engine(data, (data or self._scratch or Path()) / "stages")
        self.sessions = Sessions(self._engine, self.clock)
        for name in schemas:
            self._engine.create_schema(*name.split("."))
        self.statements = Statements()
        self.app = Wire(self.sessions, self.statements).app()

    def close(self) -> None:
        """End all sessions, write the files, drop what was only in memory."""
        self.sessions.close()
        self._engine.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def is_write(self, method: str, path: str, body: bytes) -> bool:  # noqa: ARG002  the kit's signature
        """Statements and uploads may change data."""
        return path == QUERY or path.startswith("/fs_bucket/")

    def text(self, exchange: Exchange) -> str:
        """The SQL of a statement; of a login who asks for what."""
        return self._said(exchange).get("sqlText", "") or str(exchange.scope["query_string"], "latin-1")

    def fault(self, **fields: Any) -> Fault:
        """A fault of the kit, or `error`: one of `ERRORS` by its name, about the object `name`."""
        if "error" not in fields:
            return Fault(**fields)
        known = ERRORS.get(fields.pop("error"))
        if known is None:
            raise ValueError(f"unknown error; one of {', '.join(ERRORS)}")
        body = known.body(fields.pop("name", "X"))
        answer: dict[str, Any] = {"path": f"^{known.path}$", "status": 200, "body": body}
        return Fault("status", **answer | fields)

    def edits(self) -> Mapping[str, Callable[..., Any]]:
        """What an administrator, or time, does."""
        return {
            "expire_sessions": self.sessions.expire,
            "end_sessions": self.sessions.end_all,
            "create_schema": self._engine.create_schema,
            "set_warehouse": self._engine.warehouses.set,
            "set_default_warehouse": self._engine.warehouses.set_default,
        }

    def admin_routes(self) -> Sequence[BaseRoute]:
        """`/_sim/statements` and `/_sim/logins`."""
        return (
            Route("/_sim/statements", self._statements, methods=["GET", "DELETE"]),
            Route("/_sim/logins", self._logins, methods=["GET"]),
        )

    async def _statements(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.statements.forget()
            return Response(status_code=204)
        return json_response([asdict(each) for each in self.statements.all()])

    async def _logins(self, _: Request) -> Response:
        return json_response([asdict(each) for each in self.sessions.logins])

    async def _serve(self, exchange: Exchange) -> None:
        if exchange.scope["path"] == QUERY:
            said = self._said(exchange)
            session = self.sessions.find(dict(exchange.scope["headers"]).get(b"authorization", b"").decode("latin-1"))
            self.statements.arrived(
                exchange,
                said.get("sqlText", ""),
                said.get("bindings") or {},
                self.clock.now(),
                session.id if session else None,
            )
        await super()._serve(exchange)

    async def _misbehave(self, exchange: Exchange, entry: LoggedRequest, fault: Fault) -> None:
        self.statements.broken(exchange, fault.kind)
        if fault.kind == "token_expiry":
            self.sessions.expire()
        await super()._misbehave(exchange, entry, fault)

    async def _reply(self, exchange: Exchange, entry: LoggedRequest, answer: Answer) -> None:
        self.statements.answered(exchange)
        await super()._reply(exchange, entry, answer)

    def _said(self, exchange: Exchange) -> dict[str, Any]:
        body = exchange.body
        if dict(exchange.scope["headers"]).get(b"content-encoding") == b"gzip":
            body = gzip.decompress(body)
        with suppress(ValueError):
            if exchange.scope["path"] == QUERY:
                return dict(json.loads(body))
        return {}
