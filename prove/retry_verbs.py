"""What a tap and a target ask of a server, verb by verb, on a fake clock: each a call that may be turned away."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.sink import Effect, State
from ml_connector.errors import InDoubt
from ml_connector.http import Budget, Client, ClientCredentials
from ml_connector.secrets import Redactor
from ml_connector.vendors.servicenow.errors import classify
from ml_connector_simulators.kit import Simulator, running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator
from tap_visma.client import visma_client
from target_servicenow_importset.sink import Options, ServiceNowSink
from target_servicenow_importset.writer import Mode

from prove.flow import Flow
from prove.retry_forms import PATIENCE
from prove.scene import installation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from prove.fake_clock import FakeClock

SUPPLIERS, COST_CENTERS = "sn_fcms_intg_imp_supplier", "cmn_cost_center"


@dataclass(frozen=True, slots=True)
class Verb:
    """A request of the product: where it goes, whether it writes, and how it is made."""

    name: str
    path: str
    writes: bool
    open: Callable[[FakeClock, Path], Any]  # a context with a simulator and the call


@contextmanager
def _tap(clock: FakeClock, folder: Path, call: Callable[[Client], object]) -> Iterator[tuple[Simulator, Any]]:
    with running(VismaSimulator()) as visma:
        config = {
            **Flow(folder, visma.url).tap_config(),
            "scopes": "vismanet_erp_service_api:read",
            "request_timeout": 10,
            "patience": PATIENCE,
        }
        with visma_client(config, Budget(clock=clock), Redactor()) as client:
            client._auth._clock = clock  # type: ignore[attr-defined]  # noqa: SLF001  # no setting replaces it
            yield visma, lambda: call(client)


@contextmanager
def _target(
    clock: FakeClock, _: Path, mode: Mode, call: Callable[[ServiceNowSink], object]
) -> Iterator[tuple[Simulator, Any]]:
    with running(ServiceNowSimulator(installation(mode))) as servicenow:
        url = servicenow.url
        auth = ClientCredentials(f"{url}/oauth_token.do", "demo-sn-client", "demo-sn-secret", clock=clock)
        budget, options = Budget(max_concurrency=1, clock=clock), Options(mode=mode, max_concurrency=1)
        with Client(url, auth=auth, classify=classify, budget=budget, patience=PATIENCE, timeout=(5, 10)) as client:
            yield servicenow, lambda: call(ServiceNowSink(client, options, clock))


def _page(number: int) -> Callable[[Client], object]:
    asked = {"pageNumber": number, "pageSize": 50}
    return lambda client: client.request("GET", "/v1/supplierInvoice", params=asked).json()


def _lookup(sink: ServiceNowSink) -> object:
    return sink.lookup("sn_fin_erp_source", ["code"], [("visma:NO01",)], ["name"])


def _send(via: str = "import_set") -> Callable[[ServiceNowSink], object]:
    """Return what writes three rows, and raises InDoubt when one of them is neither settled nor surely unsent."""

    def send(sink: ServiceNowSink) -> object:
        outcomes = list(sink.send([_row(number, via) for number in (1, 2, 3)]))
        if lost := [outcome.message for outcome in outcomes if outcome.state is State.IN_DOUBT]:
            raise InDoubt(lost[0])
        if any(outcome.state not in (State.DELIVERED, State.SENT) for outcome in outcomes):
            raise AssertionError(outcomes)
        return outcomes

    return send


def _row(number: int, via: str) -> Effect:
    if via == "table":
        key = {"code": f"9{number}0"}
        return Effect(number, f"t:{number}", "header", COST_CENTERS, via, key, {**key, "name": f"Centre {number}"})
    key = {"ERP source": "visma:NO01", "Supplier number": str(70000 + number)}
    payload = {**key, "Legal name": f"Supplier {number}"}
    return Effect(number, f"t:{number}", "header", SUPPLIERS, via, key, payload)


VERBS = (
    Verb("tap: read a page", "/v1/supplierInvoice", False, lambda c, f: _tap(c, f, _page(1))),
    Verb("tap: fetch a token", "/connect/token", False, lambda c, f: _tap(c, f, _page(1))),
    Verb("target: look up", "/api/now/table/sn_fin", False, lambda c, f: _target(c, f, Mode.SINGLE, _lookup)),
    Verb("target: fetch a token", "/oauth_token", False, lambda c, f: _target(c, f, Mode.SINGLE, _lookup)),
    Verb("target: write one by one", "/api/now/import", True, lambda c, f: _target(c, f, Mode.SINGLE, _send())),
    Verb("target: write a batch", "/api/now/v1/batch", True, lambda c, f: _target(c, f, Mode.BATCH, _send())),
    Verb("target: insertMultiple", "insertMultiple", True, lambda c, f: _target(c, f, Mode.INSERT_MULTIPLE, _send())),
    Verb(
        "target: write a table",
        "/api/now/table/cmn",
        True,
        lambda c, f: _target(c, f, Mode.SINGLE, _send("table")),
    ),
)
"""Every kind of request that the product sends."""
