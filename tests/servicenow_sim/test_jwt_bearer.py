"""The JWT bearer grant: who signed, for whom, until when, and only once."""

import base64
import json
from uuid import uuid4

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CLIENT = {"client_id": "demo-sn-client", "client_secret": "demo-sn-secret"}
DENIED = {"error_description": "access_denied", "error": "server_error"}
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
RSA, OTHER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
CURVE = ec.generate_private_key(ec.SECP256R1())
WRONG_CLAIMS = [
    {"iss": "other"},
    {"aud": "other"},
    {"aud": None},
    {"sub": "nobody"},
    {"sub": None},
    {"exp": 1},
    {"exp": None},
    {"exp": "soon"},
    {"jti": None},
]


def pem(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def encoded(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def assertion(sim, key=RSA, header=(), **claims):
    alg = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    head = {"alg": alg, "kid": "k1", "typ": "JWT", **dict(header)}
    expires = int(sim.clock.now().timestamp()) + 60
    body = {"iss": "demo-sn-client", "aud": "demo-sn-client", "sub": "integration.user", "jti": uuid4().hex}
    body = {name: value for name, value in {**body, "exp": expires, **claims}.items() if value is not None}
    signed = f"{encoded(head)}.{encoded(body)}"
    if alg == "RS256":
        signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    else:
        numbers = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        signature = b"".join(number.to_bytes(32, "big") for number in numbers)
    return f"{signed}.{encoded(signature)}"


def ask(sim, text, client=CLIENT):
    form = {**client, "grant_type": GRANT, "assertion": text}
    return requests.post(f"{sim.url}/oauth_token.do", data=form, timeout=10)


@pytest.fixture(scope="module")
def sim(shared):
    shared.sim.trust_key(pem(RSA), "k1")
    shared.sim.trust_key(pem(CURVE), "curve")
    return shared.sim


def test_an_assertion_gives_an_access_token_and_no_refresh_token(sim):
    for text in (assertion(sim), assertion(sim, CURVE, {"kid": "curve"})):
        answer = ask(sim, text).json()
        assert answer.keys() == {"access_token", "scope", "token_type", "expires_in"}
        headers = {"Authorization": f"Bearer {answer['access_token']}"}
        assert requests.get(f"{sim.url}/api/now/table/sys_properties", headers=headers, timeout=10).status_code == 200


@pytest.mark.parametrize("claims", WRONG_CLAIMS, ids=str)
def test_every_claim_counts(sim, claims):
    reply = ask(sim, assertion(sim, **claims))
    assert (reply.status_code, reply.json()) == (401, DENIED)


def test_a_jti_is_used_once(sim):
    text = assertion(sim)
    assert [ask(sim, text).status_code for _ in range(2)] == [200, 401]


def test_the_clock_may_be_off_by_five_minutes(sim):
    now = int(sim.clock.now().timestamp())
    assert ask(sim, assertion(sim, exp=now - 200)).status_code == 200
    assert ask(sim, assertion(sim, exp=now - 400)).status_code == 401


def test_the_key_must_be_a_trusted_one(sim):
    assert ask(sim, assertion(sim, OTHER)).json() == DENIED
    for header in ({"kid": "curve"}, {"kid": "none"}, {"kid": None}, {"alg": "none"}, {"alg": "HS256"}):
        assert ask(sim, assertion(sim, header=header)).json() == DENIED


def test_the_secret_may_be_left_out_by_a_public_client_only(sim):
    assert ask(sim, assertion(sim), client={}).status_code == 401
    assert ask(sim, assertion(sim), client={**CLIENT, "client_secret": "wrong"}).status_code == 401
    client = sim.table("oauth_entity")[0]["sys_id"]
    sim.update("oauth_entity", client, public_client="true")
    assert ask(sim, assertion(sim), client={}).status_code == 200


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), others=st.permutations("Aa0-_.é"))
def test_what_was_touched_is_refused(sim, place, others):
    text = assertion(sim)
    at = int(place * (len(text) - 1))  # the last character may differ in bits that mean nothing
    other = next(it for it in others if it != text[at])
    assert ask(sim, text[:at] + other + text[at + 1 :]).json() == DENIED
