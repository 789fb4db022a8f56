"""Every way of signing in, and what a refusal says."""

from __future__ import annotations

import time

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from ml_connector.errors import AuthError, ConfigError, OutOfPatience, Unreachable
from ml_connector_simulators.kit import Fault
from tap_servicenow.tap import TapServiceNow

from tests.tap_servicenow.conftest import CREDENTIALS, REQUESTS, captured_run, run

USER = {"username": "integration.user", "password": "demo-sn-password"}
KEYS = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
}


def tap(sim, **settings):
    streams = {"tables": ["sn_fin_erp_source"], "exclude_tables": [REQUESTS], "company": "US01"}
    return TapServiceNow(config={"instance_url": sim.url, **streams, **settings})


@pytest.mark.parametrize(
    "method",
    [
        {"auth_method": "client_credentials", **CREDENTIALS},
        {"auth_method": "password", **CREDENTIALS, **USER},
        {"auth_method": "basic", **USER},
        {"auth_method": "api_key", "api_key": "demo-sn-api-key"},
    ],
    ids=lambda method: method["auth_method"],
)
def test_each_way_reads(shared, method):
    assert run(tap(shared, **method)).records["sn_fin_erp_source"]


def test_a_refresh_token_reads_and_is_used_again_when_the_access_token_ends(sim):
    token = sim.refresh_token()
    settings = {"auth_method": "refresh", **CREDENTIALS, "refresh_token": token}
    sim.faults.add(Fault("token_expiry", path="sn_fin_erp_source"))
    assert run(tap(sim, **settings)).records["sn_fin_erp_source"]
    assert len(sim.log.requests(path="/oauth_token.do")) == 2


def test_a_wrong_refresh_token_is_told_and_not_shown(sim):
    settings = {"auth_method": "refresh", **CREDENTIALS, "refresh_token": "wrong-refresh-token"}
    with pytest.raises(AuthError, match="application user") as refused:
        tap(sim, **settings)
    assert "wrong-refresh-token" not in str(refused.value)


def pem(key, form=serialization.PrivateFormat.PKCS8):
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def trusted(sim, key, **more):
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    sim.trust_key(public_key=key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode(), kid="k1")
    return {"auth_method": "jwt_bearer", **CREDENTIALS, "jwt_kid": "k1", "jwt_sub": "integration.user", **more}


@pytest.mark.parametrize("kind", KEYS)
def test_an_assertion_signed_by_a_key_reads_and_is_new_each_time(sim, kind):
    key = KEYS[kind]()
    settings = trusted(sim, key, jwt_key=pem(key))
    sim.faults.add(Fault("token_expiry", path="sn_fin_erp_source"))
    assert run(tap(sim, **settings)).records["sn_fin_erp_source"]
    assert len(sim.log.requests(path="/oauth_token.do")) == 2, "the simulator takes no assertion twice"


def test_a_key_may_come_on_one_line_as_environment_variables_write_it(sim):
    key = KEYS["ES256"]()
    text = pem(key, serialization.PrivateFormat.TraditionalOpenSSL).replace("\n", "\\n")
    assert run(tap(sim, **trusted(sim, key, jwt_key=text))).records["sn_fin_erp_source"]


@pytest.mark.parametrize("wrong", ["no key at all", pem(KEYS["ES256"]()).replace("PRIVATE", "PUBLIC")])
def test_a_key_that_is_none_is_a_setting_to_correct(sim, wrong):
    with pytest.raises(ConfigError, match="no PEM of a private RSA or EC key"):
        tap(sim, **trusted(sim, KEYS["ES256"](), jwt_key=wrong))


def test_another_key_is_refused_and_not_shown(sim):
    key, other = KEYS["ES256"](), KEYS["ES256"]()
    with pytest.raises(AuthError) as refused:
        tap(sim, **trusted(sim, key, jwt_key=pem(other)))
    assert not any(line in str(refused.value) for line in pem(other).splitlines() if line)


@pytest.mark.parametrize(
    ("method", "needed"),
    [
        ("client_credentials", "client_id and client_secret"),
        ("refresh", "client_id and client_secret and refresh_token"),
        ("jwt_bearer", "client_id and jwt_key and jwt_kid and jwt_sub"),
        ("api_key", "api_key"),
    ],
)
def test_credentials_that_are_missing_are_named(method, needed):
    with pytest.raises(ConfigError, match=f"auth_method {method} needs {needed}"):
        TapServiceNow(config={"instance_url": "https://acme.service-now.com", "auth_method": method})


@pytest.mark.usefixtures("at_once")
def test_an_instance_that_is_not_there_is_told():
    with pytest.raises(Unreachable, match="no connection"):
        TapServiceNow(config={"instance_url": "http://127.0.0.1:1", **CREDENTIALS, "patience": 1})


def test_the_rate_limit_is_obeyed_and_a_long_wait_stops_with_the_state_saved(sim):
    sim.limit(api="Table API", per_hour=2)
    began = time.monotonic()
    output = captured_run(tap(sim, **CREDENTIALS, patience=1), OutOfPatience, "run again later")
    assert time.monotonic() - began < 30
    assert [request.status for request in sim.log.requests()].count(429) == 1
    assert output.states


def test_the_tap_says_who_it_is(shared, monkeypatch):
    sent = []
    original = requests.Session.send
    monkeypatch.setattr(requests.Session, "send", lambda s, r, **k: sent.append(r.headers) or original(s, r, **k))
    tap(shared, **CREDENTIALS)
    assert sent[-1]["User-Agent"].startswith("ml-connector-tap-servicenow/")
