"""A running instance and a signed-in caller."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import Installation, ServiceNowSimulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NO, SE = "visma:NO01", "visma:SE01"
USER = ("integration.user", "demo-sn-password")


class Api:
    """Calls of one signed-in user."""

    def __init__(self, sim: ServiceNowSimulator) -> None:
        self.sim = sim
        self.session = requests.Session()
        self.session.auth = USER

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.sim.url + path, timeout=30, **options)

    def list(self, table: str, query: str = "", **params: Any) -> list[dict[str, Any]]:
        reply = self.reply(table, query, **params)
        assert reply.status_code == 200, reply.text
        return reply.json()["result"]

    def reply(self, table: str, query: str = "", **params: Any) -> requests.Response:
        known = {f"sysparm_{name}": value for name, value in params.items()}
        return self.call("GET", f"/api/now/table/{table}", params={"sysparm_query": query, **known})

    def post(self, table: str, record: Any) -> requests.Response:
        return self.call("POST", f"/api/now/import/{table}", json=record)

    def load(self, table: str, **columns: str) -> dict[str, Any]:
        """Post one staging row; its one result."""
        reply = self.post(table, columns)
        assert reply.status_code == 201, reply.text
        (result,) = reply.json()["result"]
        return result

    def load_many(self, table: str, records: list[dict[str, Any]], **params: str) -> str:
        """Post staging rows together; the import set's sys_id."""
        reply = self.call("POST", f"/api/now/import/{table}/insertMultiple", json={"records": records}, params=params)
        assert reply.status_code == 201, reply.text
        return reply.json()["import_set_id"]

    def batch(self, *calls: tuple[str, str, Any], **extra: Any) -> dict[str, Any]:
        requests_ = [
            {
                "id": str(number),
                "method": method,
                "url": url,
                "headers": [{"name": "Content-Type", "value": "application/json"}],
                **({"body": base64.b64encode(json.dumps(body).encode()).decode()} if body is not None else {}),
                **extra,
            }
            for number, (method, url, body) in enumerate(calls)
        ]
        reply = self.call("POST", "/api/now/v1/batch", json={"batch_request_id": "1", "rest_requests": requests_})
        assert reply.status_code == 200, reply.text
        return reply.json()

    def masters(self, erp_source: str = NO) -> None:
        """A supplier, an account and a cost centre of one company."""
        self.load("sn_fcms_intg_imp_cost_center", erp_source=erp_source, code="110", name=f"Sales {erp_source}")
        self.load("sn_fcms_intg_gl_account_stage", erp_source=erp_source, number="71", gl_account="4000")
        self.load(
            "sn_fcms_intg_imp_supplier",
            erp_source=erp_source,
            supplier_number="50001",
            legal_name=f"Paper {erp_source}",
        )

    def invoice(self, key: str = "Invoice/1", **columns: str) -> dict[str, Any]:
        given = {
            "u_erp_source": NO,
            "u_external_invoice_number": key,
            "u_supplier": "50001",
            "u_currency": "NOK",
            "u_amount_invoiced": "1234.50",
            "u_invoice_date": "2026-10-03",
            **columns,
        }
        return self.load("sn_spend_intg_imp_invoice", **given)


@contextmanager
def serving(installation: Installation | None = None, **options: Any) -> Iterator[Api]:
    with running(ServiceNowSimulator(installation, **options)) as sim:
        api = Api(sim)
        with api.session:
            yield api


@pytest.fixture
def start() -> Iterator[Callable[..., Api]]:
    """Start an instance of some installation; it ends with the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(serving(*args, **options))


@pytest.fixture
def api(start: Callable[..., Api]) -> Api:
    """A caller of a fresh delivered instance."""
    return start()


@pytest.fixture(scope="module")
def shared() -> Iterator[Api]:
    """A caller of a delivered instance that the tests of one file share."""
    with serving() as api:
        yield api
