"""A fake clock, and a small API on the simulator kit for faults over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest
from ml_connector.http import Budget, Client, ClientCredentials, Clock, Retry
from ml_connector_simulators.kit import Simulator, running
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

AT_ONCE = Retry(wait_initial=0, wait_max=0, jitter=0)
SECRET = "s3cr3t/with+signs="


class FakeClock(Clock):
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 2, 12, 0, tzinfo=UTC) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds


class LittleApi(Simulator):
    """Tokens, and one collection of things; what was stored is in `things`."""

    token_path = "/token"

    def __init__(self) -> None:
        super().__init__()
        self.things: list[object] = []
        self.forms: list[dict[str, str]] = []
        routes = [Route("/token", self.token, methods=["POST"]), Route("/things", self.serve, methods=["GET", "POST"])]
        self.app = Starlette(routes=routes)

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        self.forms.append(form)
        if form.get("client_secret") != SECRET:
            return JSONResponse({"error": "invalid_client", "error_description": f"not {form['client_secret']}"}, 400)
        return JSONResponse({"access_token": self.tokens.issue("us"), "expires_in": self.tokens.lifetime})

    async def serve(self, request: Request) -> Response:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not self.tokens.subject(bearer):
            return JSONResponse({"message": f"bad token {bearer}"}, 401)
        if request.method == "POST":
            self.things.append(await request.json())
            return JSONResponse({"id": len(self.things)}, 201)
        return JSONResponse([{"amount": 12.10}])


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api() -> Iterator[LittleApi]:
    with running(LittleApi()) as simulator:
        yield simulator


def client_of(api: LittleApi, clock: Clock | None = None, *, secret: str = SECRET, **options: object) -> Client:
    extra = {"tenant_id": "t1"}
    auth = ClientCredentials(f"{api.url}/token", "us", secret, extra=extra, hint="Look at the tenant.", clock=clock)
    settings = {"budget": Budget(max_concurrency=8), "retry": AT_ONCE, "timeout": (5, 5), "patience": 20, **options}
    return Client(api.url, auth=auth, **settings)


@pytest.fixture
def client(api: LittleApi) -> Iterator[Client]:
    with client_of(api) as client:
        yield client
