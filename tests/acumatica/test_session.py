"""Signing in and out: seats, rotating refresh tokens, and what is told when it fails (apis/acumatica.md §2)."""

import pytest
from ml_connector.errors import AuthError, ConfigError, OutOfPatience
from ml_connector.secrets import MASK, Redactor, Secret
from ml_connector.vendors.acumatica.endpoint import find_endpoint
from ml_connector_simulators.acumatica import CLIENT_ID, REFRESH_TOKEN
from ml_connector_simulators.kit import Fault

from tests.acumatica.conftest import METHODS, NAME

VENDORS = "/entity/Default/24.200.001/Vendor"
TOKEN = "/identity/connect/token"


def signed_in(sim):
    return [each for each in sim.log.requests() if each.path in (TOKEN, "/entity/auth/login")]


@pytest.mark.parametrize("method", METHODS)
def test_every_way_to_sign_in_reads_and_signs_out(sim, connect, method):
    connection = connect(method)
    for _ in range(2):
        assert connection.client.request("GET", VENDORS, params={"$top": 1}).json()
    assert len(signed_in(sim)) == 1
    assert len(sim.sessions.all()) == 1
    connection.sign_out()
    # With a refresh token one session serves every run, and is left (§2).
    assert len(sim.sessions.all()) == (method == "oauth_refresh")
    assert connection.client.request("GET", VENDORS, params={"$top": 1}).json()


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_sent_to_sign_out_of_nothing(sim, connect, method):
    connect(method).sign_out()
    assert sim.log.requests() == []


@pytest.mark.parametrize("method", METHODS)
def test_a_session_that_ended_is_opened_again(sim, connect, method):
    connection = connect(method)
    connection.client.request("GET", VENDORS, params={"$top": 1})
    sim.expire_sessions()
    if method != "cookie":
        sim.tokens.expire_all()
    assert connection.client.request("GET", VENDORS, params={"$top": 1}).json()
    connection.sign_out()
    assert len(sim.sessions.all()) == (method == "oauth_refresh")


def test_a_password_is_used_once_and_later_tokens_take_no_other_seat(sim, connect):
    connection = connect()
    connection.client.request("GET", VENDORS, params={"$top": 1})
    sim.tokens.expire_all()
    connection.client.request("GET", VENDORS, params={"$top": 1})
    assert len(signed_in(sim)) == 2
    assert len(sim.sessions.all()) == 1


@pytest.mark.parametrize("method", ["oauth_password", "cookie"])
@pytest.mark.parametrize("at_sign_in", [True, False])
def test_no_free_seat_is_waited_for_and_then_told_in_every_shape(sim, connect, at_once, method, at_sign_in):
    sim.limit_seats(0)
    sim.settings.seats_at_sign_in = at_sign_in
    for shape in ("html", "json", "text"):
        sim.settings.seat_shape = shape
        sim.log.clear()
        with pytest.raises(OutOfPatience, match="seats"):
            connect(method, patience=0.05).client.request("GET", VENDORS)
        assert len(sim.log.requests()) > 1
    assert sim.sessions.all() == []


def test_a_seat_that_becomes_free_is_taken(sim, connect, at_once):
    sim.limit_seats(1)
    first, second = connect("cookie"), connect("cookie", patience=20)
    first.client.request("GET", VENDORS, params={"$top": 1})
    sim.faults.add(Fault("latency", path="/entity/auth/login", seconds=0))
    first.sign_out()
    assert second.client.request("GET", VENDORS, params={"$top": 1}).json()


WRONG = {
    "password": ("oauth_password", {"password": "wrong-password"}, AuthError, "invalid_grant"),
    "secret": ("oauth_password", {"client_secret": "wrong-secret"}, AuthError, "invalid_client"),
    "password of a session": ("cookie", {"password": "wrong-password"}, AuthError, "Invalid credentials"),
    "tenant of a session": ("cookie", {"tenant": "NOBODY"}, ConfigError, "check `tenant`"),
    "tenant of the client": ("oauth_password", {"tenant": "NOBODY"}, ConfigError, "must end in @NOBODY"),
    "client without tenant": ("oauth_password", {"client_id": "8EC1A2B4-0F6E"}, ConfigError, "must name the tenant"),
    "no password": ("cookie", {"password": None}, ConfigError, "needs password"),
    "a page's address": ("cookie", {"instance_url": "https://erp.example/Main?ScreenId=AP301000"}, ConfigError, "site"),
    "no vault": ("oauth_refresh", {"kept": None}, ConfigError, "ml-connector secrets set acumatica.refresh_token"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_after_one_try_and_without_secrets(sim, connect, case):
    method, changes, kind, words = WRONG[case]
    with pytest.raises(kind, match=words) as raised:
        connect(method, **changes).client.request("GET", VENDORS)
    assert len(sim.log.requests()) <= 1
    assert "wrong-" not in str(raised.value)
    assert sim.sessions.all() == []


def test_a_500_at_sign_in_is_never_tried_again(sim, connect, at_once):
    for path, method in ((TOKEN, "oauth_password"), ("/entity/auth/login", "cookie")):
        sim.log.clear()
        sim.faults.add(Fault("status", path=path, times=None, status=500, body="<html>Runtime Error</html>"))
        with pytest.raises(AuthError):
            connect(method).client.request("GET", VENDORS)
        assert len(sim.log.requests()) == 1


def test_a_passing_fault_at_sign_in_is_tried_again(sim, connect, at_once):
    for path, method in ((TOKEN, "oauth_password"), ("/entity/auth/login", "cookie"), (TOKEN, "oauth_refresh")):
        sim.faults.add(Fault("status", path=path, times=2, status=503))
        assert connect(method).client.request("GET", VENDORS, params={"$top": 1}).json()


def test_a_sign_out_that_fails_stops_nothing(sim, connect, caplog):
    connection = connect("cookie")
    connection.client.request("GET", VENDORS, params={"$top": 1})
    sim.faults.add(Fault("status", path="/entity/auth/logout", status=500))
    connection.sign_out()
    assert "was not closed" in caplog.text


def test_secrets_of_a_session_are_masked(sim, connect, vault):
    for method in METHODS:
        redactor = Redactor()
        connection = connect(method, redactor=redactor)
        connection.client.request("GET", VENDORS, params={"$top": 1})
        signature = next(iter(connection.session.headers().values()))
        assert redactor.clean(signature.partition("=")[2] or signature.removeprefix("Bearer ")).startswith(MASK)
    assert redactor.clean(vault.get(NAME).reveal()) != vault.get(NAME).reveal() or method == "cookie"


# refresh tokens


def test_a_refresh_token_is_replaced_in_the_vault_before_the_access_token_is_used(sim, connect, vault):
    seen = []
    connection = connect("oauth_refresh")
    send = connection.client._session.request

    def request(*given, **options):
        seen.append(vault.get(NAME).reveal())
        return send(*given, **options)

    connection.client._session.request = request
    connection.client.request("GET", VENDORS, params={"$top": 1})
    assert seen
    assert seen[0] != REFRESH_TOKEN
    assert seen[0] == vault.get(NAME).reveal()


def test_a_wrong_client_is_not_a_lost_token(connect, vault):
    with pytest.raises(AuthError, match="invalid_client") as raised:
        connect("oauth_refresh", client_secret="wrong-secret").client.request("GET", VENDORS)
    assert "authorise again" not in str(raised.value)
    assert vault.get(NAME).reveal() == REFRESH_TOKEN


def test_each_run_goes_on_with_the_token_of_the_one_before(sim, connect, vault):
    tokens = {REFRESH_TOKEN}
    for _ in range(3):
        connect("oauth_refresh").client.request("GET", VENDORS, params={"$top": 1})
        tokens.add(vault.get(NAME).reveal())
    assert len(tokens) == 4
    assert len(sim.sessions.all()) == 1


def test_a_vault_that_cannot_be_written_costs_no_token(sim, connect, vault, kept, monkeypatch):
    def full(_name, _value):
        raise ConfigError("the vault cannot be written: No space left on device.")

    with monkeypatch.context() as patch:
        patch.setattr(vault, "put", full)
        with pytest.raises(ConfigError, match="No space"):
            connect("oauth_refresh").client.request("GET", VENDORS)
    assert sim.log.requests() == []
    assert connect("oauth_refresh").client.request("GET", VENDORS, params={"$top": 1}).json()


class Killed(BaseException):
    """The process ends here."""


def test_killed_before_the_new_token_was_kept_a_person_is_asked_to_authorise_again(sim, connect, vault, monkeypatch):
    keep = vault.put

    def put(name, value):
        if value.reveal() != REFRESH_TOKEN:
            raise Killed
        keep(name, value)

    with monkeypatch.context() as patch:
        patch.setattr(vault, "put", put)
        with pytest.raises(Killed):
            connect("oauth_refresh").client.request("GET", VENDORS)
    with pytest.raises(AuthError, match=rf"authorise again.*ml-connector secrets set {NAME}.*Nothing else is lost"):
        connect("oauth_refresh").client.request("GET", VENDORS)
    vault.put(NAME, Secret(sim.consent()))
    assert connect("oauth_refresh").client.request("GET", VENDORS, params={"$top": 1}).json()


def test_killed_after_the_new_token_was_kept_nothing_happens(sim, connect, vault, monkeypatch):
    keep = vault.put

    def put(name, value):
        keep(name, value)
        if value.reveal() != REFRESH_TOKEN:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(vault, "put", put)
        with pytest.raises(Killed):
            connect("oauth_refresh").client.request("GET", VENDORS)
    assert connect("oauth_refresh").client.request("GET", VENDORS, params={"$top": 1}).json()


def test_a_lost_answer_to_a_refresh_is_asked_for_again(sim, connect, at_once):
    sim.settings.old_refresh_works_once = True
    sim.faults.add(Fault("commit_then_drop", path=TOKEN))
    assert connect("oauth_refresh").client.request("GET", VENDORS, params={"$top": 1}).json()


# the endpoint


def test_the_endpoint_is_found_or_those_there_are_told(sim, connect):
    config = {"endpoint": "Default", "endpoint_version": "24.200.001"}
    client = connect().client
    for bare in (False, True):
        sim.settings.bare_list = bare
        found = find_endpoint(client, config)
        assert found.path == "/entity/Default/24.200.001"
        assert bool(found.build) is not bare
    with pytest.raises(ConfigError, match=r"It offers: .*Default 22\.200\.001, 23\.200\.001, 24\.200\.001"):
        find_endpoint(client, config | {"endpoint_version": "18.200.001"})
    with pytest.raises(ConfigError, match="endpoint Mine 1"):
        find_endpoint(client, {"endpoint": "Mine", "endpoint_version": "1"})


def test_the_client_id_names_its_tenant():
    assert CLIENT_ID.endswith("@DEMO")
