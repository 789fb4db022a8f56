"""Tokens: what Connect refuses with 400, what the API refuses with 401 and 403."""

from __future__ import annotations

import base64

import pytest
import requests
from ml_connector_simulators.kit import Fault, running
from ml_connector_simulators.visma import CLIENT_ID, CLIENT_SECRET, CUSTOMER_TENANT_ID, SE01, VismaSimulator

from tests.visma_sim.conftest import READ, Client, ask_token, client_of

SUPPLIERS = "/v1/supplier"


def test_a_token_says_when_it_ends(shared):
    answer = ask_token(shared).json()
    assert (answer["expires_in"], answer["token_type"], answer["scope"]) == (3600, "Bearer", READ)
    assert "refresh_token" not in answer


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "isv_somebody"}, "invalid_client"),
        ({"tenant_id": "33333333-3333-4333-8333-333333333333"}, "invalid_tenant"),
        ({"tenant_id": None}, "invalid_tenant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
    ],
)
def test_connect_refuses_with_400(shared, changes, error):
    answer = ask_token(shared, **changes)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_the_client_may_stand_in_the_basic_header(shared):
    form = {"grant_type": "client_credentials", "scope": READ, "tenant_id": SE01.tenant_id}
    ok = requests.post(f"{shared.url}/connect/token", data=form, auth=(CLIENT_ID, CLIENT_SECRET), timeout=10)
    bad = requests.post(f"{shared.url}/connect/token", data=form, auth=(CLIENT_ID, "wrong"), timeout=10)
    assert (ok.status_code, bad.status_code) == (200, 400)
    garbled = {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()}
    assert requests.post(f"{shared.url}/connect/token", data=form, headers=garbled, timeout=10).status_code == 400


def test_the_tenant_chooses_the_company(no01, se01):
    norwegian, swedish = no01.rows(f"{SUPPLIERS}/50001"), se01.rows(f"{SUPPLIERS}/50001")
    assert (norwegian["currencyId"], swedish["currencyId"]) == ("NOK", "SEK")
    assert norwegian["internalId"] == swedish["internalId"]


def test_a_customer_tenant_gets_a_token_that_opens_nothing(shared):
    answer = ask_token(shared, tenant_id=CUSTOMER_TENANT_ID)
    assert answer.status_code == 200
    stray = Client(shared, answer.json()["access_token"])
    assert [stray.get(path).status_code for path in (SUPPLIERS, "/v1/account")] == [401, 401]


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic abc"])
def test_without_a_token_401(shared, header):
    answer = requests.get(shared.url + SUPPLIERS, headers={"Authorization": header}, timeout=10)
    assert answer.status_code == 401
    assert answer.content == b""


def test_a_token_expires_by_the_clock_and_by_the_fault(sim, client):
    assert client.get(SUPPLIERS).status_code == 200
    sim.clock.advance(3601)
    assert client.get(SUPPLIERS).status_code == 401
    fresh = client_of(sim)
    sim.faults.add(Fault("token_expiry"))
    assert fresh.get(SUPPLIERS).status_code == 401
    assert client_of(sim).get(SUPPLIERS).status_code == 200


def test_the_lifetime_is_a_setting():
    with running(VismaSimulator(token_lifetime=60)) as sim:
        assert ask_token(sim).json()["expires_in"] == 60
        client = client_of(sim)
        sim.clock.advance(61)
        assert client.get(SUPPLIERS).status_code == 401


def test_ipp_company_id_is_not_needed_and_not_read(shared, no01):
    headers = {"Authorization": f"Bearer {no01.token}", "ipp-company-id": "4711"}
    assert requests.get(f"{shared.url}{SUPPLIERS}/50001", headers=headers, timeout=10).json()["currencyId"] == "NOK"


def test_a_lacking_right_is_403_for_that_resource_and_company_only(sim, client):
    sim.forbid("NO01", "supplierPayment")
    refused = client.get("/v1/supplierPayment")
    assert refused.status_code == 403
    assert "supplierpayment" in refused.json()["message"]
    assert client.get(SUPPLIERS).status_code == 200
    assert client_of(sim, "SE01").get("/v1/supplierPayment").status_code == 200
    sim.permit("NO01", "supplierPayment")
    assert client.get("/v1/supplierPayment").status_code == 200


def test_a_token_without_the_read_scope_reads_nothing(shared):
    token = ask_token(shared, scope="vismanet_erp_service_api:create").json()["access_token"]
    assert Client(shared, token).get(SUPPLIERS).status_code == 403


def test_the_log_tells_the_company_and_counts_no_token_as_a_write(sim, client):
    client.get(SUPPLIERS)
    assert [(entry.path, entry.caller) for entry in sim.log.requests()] == [
        ("/connect/token", "NO01"),
        (SUPPLIERS, "NO01"),
    ]
    assert sim.log.writes() == []


def test_rate_limit_headers_and_429(sim, client):
    first = client.get(SUPPLIERS)
    assert first.headers["X-RateLimit-Policy"] == "4-fixed-window"
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("15000", "14999")
    sim.limit.limit = 2
    assert client.get(SUPPLIERS).headers["X-RateLimit-Remaining"] == "0"
    refused = client.get(SUPPLIERS)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert client_of(sim, "SE01").get(SUPPLIERS).status_code == 200
    sim.clock.advance(int(refused.headers["Retry-After"]) - 1)
    assert client.get(SUPPLIERS).status_code == 429
    sim.clock.advance(2)
    sim.tokens.expire_all()
    assert client_of(sim).get(SUPPLIERS).status_code == 200
