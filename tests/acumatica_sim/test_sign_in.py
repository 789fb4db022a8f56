"""Tokens, cookies, sessions and seats (apis/acumatica.md §2)."""

from http.client import HTTPConnection

import pytest
import requests
from ml_connector_simulators.acumatica import CLIENT_ID, REFRESH_TOKEN, Settings
from ml_connector_simulators.kit import Fault

from tests.acumatica_sim.conftest import NEWEST, Client, ask_token, failure, log_in

VENDORS = f"/entity/Default/{NEWEST}/Vendor?$top=1"


def refresh(sim, token):
    return ask_token(sim, grant_type="refresh_token", refresh_token=token, username=None, password=None)


def seen(sim, token=None, **options):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(sim.url + VENDORS, headers=headers, timeout=10, **options)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"password": "x"}, "invalid_grant"),
        ({"client_secret": "x"}, "invalid_client"),
        ({"client_id": CLIENT_ID.partition("@")[0]}, "invalid_client"),
        ({"client_id": CLIENT_ID.replace("DEMO", "OTHER")}, "invalid_client"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_refused_sign_in(shared, changes, error):
    answer = ask_token(shared, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_token_and_its_scope(shared):
    answer = ask_token(shared).json()
    assert answer.keys() == {"access_token", "expires_in", "token_type", "scope", "refresh_token"}
    assert (answer["expires_in"], answer["token_type"]) == (3600, "Bearer")
    assert "refresh_token" not in ask_token(shared, scope="api").json()
    assert seen(shared, answer["access_token"]).status_code == 200
    assert seen(shared, "made-up").status_code == 401
    assert seen(shared).status_code == 401


def test_refresh_tokens_rotate_and_end(sim):
    first = refresh(sim, REFRESH_TOKEN).json()
    assert seen(sim, first["access_token"]).status_code == 200
    assert refresh(sim, REFRESH_TOKEN).json() == {"error": "invalid_grant"}
    sim.clock.advance(29 * 86400)
    second = refresh(sim, first["refresh_token"]).json()
    sim.clock.advance(2 * 86400)
    assert refresh(sim, second["refresh_token"]).status_code == 400
    consent = sim.consent()
    sim.revoke_refresh_token(consent)
    assert refresh(sim, consent).status_code == 400


def test_refresh_as_settings_have_it(start):
    sim = start(settings=Settings(old_refresh_works_once=True, sliding=True, logout_ends_refresh=True))
    assert [refresh(sim, REFRESH_TOKEN).status_code for _ in range(3)] == [200, 200, 400]
    token = sim.consent()
    for _ in range(3):
        sim.clock.advance(20 * 86400)
        answer = refresh(sim, token).json()
        token = answer["refresh_token"]
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert requests.post(f"{sim.url}/entity/auth/logout", headers=headers, timeout=10).status_code == 204
    assert refresh(sim, token).status_code == 400


def test_cookies(sim):
    session = requests.Session()
    assert failure(log_in(sim, session, password="x")) == "PXException"
    assert failure(log_in(sim, session, tenant="OTHER")) == "PXUndefinedCompanyException"
    assert failure(log_in(sim, session, company="DEMO")) == "PXException"
    assert log_in(sim, session, branch="WEST").status_code == 204
    assert session.get(sim.url + VENDORS, timeout=10).status_code == 200
    sim.clock.advance(599)
    assert session.get(sim.url + VENDORS, timeout=10).status_code == 200
    sim.clock.advance(601)
    assert session.get(sim.url + VENDORS, timeout=10).status_code == 401
    sim.set(several_tenants=False)
    assert log_in(sim, session, tenant="OTHER").status_code == 204
    assert session.post(f"{sim.url}/entity/auth/logout", timeout=10).status_code == 204
    assert session.get(sim.url + VENDORS, timeout=10).status_code == 401


def test_a_logout_without_a_length(sim):
    connection = HTTPConnection(sim.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/entity/auth/logout")  # `request` would say 0
    connection.endheaders()
    assert connection.getresponse().status == 411
    connection.close()


@pytest.mark.parametrize(("shape", "status"), [("html", 500), ("json", 500), ("text", 429)])
def test_seats(start, shape, status):
    sim = start(settings=Settings(seats=2, seat_shape=shape))
    sessions = [requests.Session() for _ in range(3)]
    assert [log_in(sim, each).status_code for each in sessions] == [204, 204, status]
    assert ("API Login Limit" in log_in(sim, sessions[2]).text) == (shape != "text")
    token = ask_token(sim).json()["access_token"]
    assert seen(sim, token).status_code == status  # a grant's first call takes the seat
    sessions[0].post(f"{sim.url}/entity/auth/logout", timeout=10)
    assert [seen(sim, token).status_code for _ in range(3)] == [200, 200, 200]
    sim.set(seats_at_sign_in=True)
    assert ask_token(sim).status_code == status
    sim.limit_seats(3)
    assert ask_token(sim).status_code == 200


def test_sessions_end(client):
    sim = client.sim
    sim.limit_seats(1)
    assert client.get("Vendor", top=1).status_code == 200
    other = Client(sim)
    assert other.get("Vendor").status_code == 500
    assert client.call("POST", "/entity/auth/logout").status_code == 204
    assert other.get("Vendor", top=1).status_code == 200
    sim.expire_sessions()
    assert client.get("Vendor", top=1).status_code == 200  # the token lives on and opens another
    sim.clock.advance(3601)
    assert client.get("Vendor", top=1).status_code == 401


def test_concurrent_access_opens_sessions(sim):
    token = ask_token(sim, scope="api:concurrent_access").json()["access_token"]
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    for _ in range(3):
        session.get(sim.url + VENDORS, timeout=10)
    assert len(sim.sessions.all()) == 1
    seen(sim, token)
    assert len(sim.sessions.all()) == 2


def test_tokens_expire_on_demand(client):
    client.sim.faults.add(Fault("token_expiry"))
    assert client.get("Vendor", top=1).status_code == 401


def test_state_outlives_a_restart(start, tmp_path):
    first = start(data=tmp_path / "acumatica.db")
    token = refresh(first, REFRESH_TOKEN).json()["refresh_token"]
    Client(first).write("Vendor", {"VendorID": "KEPT", "VendorName": "Kept"})
    second = start(data=tmp_path / "acumatica.db")
    assert refresh(second, REFRESH_TOKEN).status_code == 400
    assert refresh(second, token).status_code == 200
    assert second.row("Vendor", "KEPT")["VendorName"] == "Kept"
    assert second.clock.now() > first.clock.now().replace(second=0)
