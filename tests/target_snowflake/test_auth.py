"""Keys of every form, tokens, and what is said when they are not usable; a secret is in no message."""

from __future__ import annotations

import base64
import logging
import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from ml_connector.errors import ConfigError
from ml_connector.secrets import Redactor
from ml_connector.secrets.guard import Guard
from target_snowflake import auth
from target_snowflake.auth import Method, credentials, method_of

PHRASE = "correct horse battery"
KEYS = {"rsa": rsa.generate_private_key(65537, 2048), "ec": ec.generate_private_key(ec.SECP256R1())}


def written(key, encoding=Encoding.PEM, phrase=None, form=PrivateFormat.PKCS8) -> bytes:
    locked = BestAvailableEncryption(phrase.encode()) if phrase else NoEncryption()
    return key.private_bytes(encoding, form, locked)


def config(**settings):
    return {"account": "acme-fin", "user": "LOADER", **settings}


def key_of(**settings):
    """Return the key that the connector would sign with."""
    given = config(**settings)
    arguments = credentials(method_of(given), given)
    assert arguments["authenticator"] == "SNOWFLAKE_JWT"
    assert set(arguments) == {"authenticator", "private_key"}
    return load_der_private_key(arguments["private_key"], None)


def same(one, other) -> bool:
    public = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return one.public_key().public_bytes(*public) == other.public_key().public_bytes(*public)


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("phrase", [None, PHRASE])
@pytest.mark.parametrize(
    "form", ["pem text", "escaped pem text", "base64 der", "wrapped base64", "pem file", "der file"]
)
def test_a_key_of_any_form_is_taken(kind, phrase, form, tmp_path) -> None:
    key = KEYS[kind]
    file = tmp_path / "rsa_key.p8"
    pem, der = written(key, Encoding.PEM, phrase), written(key, Encoding.DER, phrase)
    match form:
        case "pem text":
            given = {"private_key": pem.decode()}
        case "escaped pem text":
            given = {"private_key": pem.decode().replace("\n", "\\n")}
        case "base64 der":
            given = {"private_key": base64.b64encode(der).decode()}
        case "wrapped base64":
            given = {"private_key": base64.encodebytes(der).decode()}
        case _:
            file.write_bytes(pem if form == "pem file" else der)
            file.chmod(0o600)
            given = {"private_key_path": str(file)}
    assert same(key_of(**given, **({"private_key_passphrase": phrase} if phrase else {})), key)


def test_older_openssl_writes_pkcs1_and_sec1_which_are_taken_too() -> None:
    for key in KEYS.values():
        assert same(key_of(private_key=written(key, form=PrivateFormat.TraditionalOpenSSL).decode()), key)


def test_a_key_file_is_found_in_the_home_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key.p8").write_bytes(written(KEYS["ec"]))
    assert same(key_of(private_key_path="~/key.p8"), KEYS["ec"])


REFUSED_KEYS = {
    "wrong passphrase": (written(KEYS["rsa"], phrase=PHRASE), "not it at all", "private_key_passphrase is wrong"),
    "no passphrase": (written(KEYS["rsa"], phrase=PHRASE), None, "is encrypted: set private_key_passphrase"),
    "needless passphrase": (written(KEYS["ec"]), PHRASE, "is not encrypted: leave private_key_passphrase out"),
    "a public key": (
        KEYS["rsa"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        None,
        "is not a private key in PEM or DER",
    ),
    "a cut key": (written(KEYS["rsa"])[:900] + b"\n-----END PRIVATE KEY-----\n", None, "is not a private key"),
    "another kind": (written(ed25519.Ed25519PrivateKey.generate()), None, "use RSA or EC"),
    "another curve": (written(ec.generate_private_key(ec.SECP256K1())), None, "use P-256, P-384 or P-521"),
    "too short": (written(rsa.generate_private_key(65537, 1024)), None, "1024 bits"),
}


@pytest.mark.parametrize("case", REFUSED_KEYS)
@pytest.mark.parametrize("as_file", [False, True])
def test_a_key_that_cannot_be_used_says_what_to_do_and_nothing_of_itself(case, as_file, tmp_path) -> None:
    data, phrase, words = REFUSED_KEYS[case]
    given = config(**({"private_key_passphrase": phrase} if phrase else {}))
    file = tmp_path / "key.p8"
    file.write_bytes(data)
    file.chmod(0o600)
    given |= {"private_key_path": str(file)} if as_file else {"private_key": data.decode()}
    with pytest.raises(ConfigError, match=words) as caught:
        credentials(method_of(given), given)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    told = str(caught.value)
    assert (str(file) in told) is as_file
    assert phrase is None or phrase not in told
    assert not any(line in told for line in data.decode().splitlines()[1:-1] if len(line) > 8)


@pytest.mark.parametrize("text", ["hunter2-not-a-key", "AAAA", "é" * 40, "-----BEGIN PRIVATE KEY-----", " \n "])
def test_what_is_no_key_at_all_is_refused_without_repeating_it(text) -> None:
    given = config(auth_method="key_pair", private_key=text)
    with pytest.raises(ConfigError) as caught:
        credentials(method_of(given), given)
    assert text.strip() == "" or text not in str(caught.value).replace("-----BEGIN PRIVATE KEY-----", "")


def test_a_file_that_is_not_there_or_empty_is_named(tmp_path) -> None:
    absent, empty = tmp_path / "no.p8", tmp_path / "empty.p8"
    empty.write_bytes(b"\n")
    for path, words in ((absent, "No such file"), (empty, "is empty"), (tmp_path, "Is a directory")):
        given = config(private_key_path=str(path))
        with pytest.raises(ConfigError, match=words) as caught:
            credentials(method_of(given), given)
        assert str(path) in str(caught.value)
        assert "private_key_path" in str(caught.value)


def test_a_key_in_the_place_of_a_path_is_not_repeated() -> None:
    given = config(private_key_path=written(KEYS["ec"]).decode() + "\0")
    with pytest.raises(ConfigError, match="not the name of a file") as caught:
        credentials(method_of(given), given)
    assert "BEGIN" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="mode bits say something on POSIX only")
def test_a_key_file_that_others_may_read_is_warned_of(tmp_path, caplog) -> None:
    file = tmp_path / "key.p8"
    file.write_bytes(written(KEYS["ec"]))
    file.chmod(0o644)
    key_of(private_key_path=str(file))
    assert f"Type: chmod 600 {file}" in caplog.text
    caplog.clear()
    file.chmod(0o600)
    key_of(private_key_path=str(file))
    assert caplog.text == ""


@pytest.fixture
def redactor():
    """A redactor that guards this process until the test is over."""
    before, fresh = logging.getLogRecordFactory(), Redactor()
    logging.setLogRecordFactory(Guard(before, fresh))
    yield fresh
    logging.setLogRecordFactory(before)


def test_what_comes_out_of_files_is_masked_from_then_on(tmp_path, redactor) -> None:
    token, key = tmp_path / "token", tmp_path / "key.p8"
    token.write_text("tokensecretvalue123\n")
    key.write_bytes(written(KEYS["rsa"]))
    for given in (config(token_path=str(token)), config(private_key_path=str(key))):
        credentials(method_of(given), given)
    line = key.read_text().splitlines()[3]
    assert redactor.clean(f"a tokensecretvalue123 b {line} c") == "a *** b *** c"


METHODS = {
    "access token": (
        {"token": " pat \n"},
        Method.ACCESS_TOKEN,
        {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": "pat"},
    ),
    "oauth token": (
        {"token": "oat", "auth_method": "oauth_token"},
        Method.OAUTH_TOKEN,
        {"authenticator": "oauth", "token": "oat"},
    ),
    "oauth client": (
        {"oauth_client_id": "i", "oauth_client_secret": "s", "oauth_token_request_url": "https://idp/t"},
        Method.OAUTH_CLIENT,
        {
            "authenticator": "OAUTH_CLIENT_CREDENTIALS",
            "oauth_client_id": "i",
            "oauth_client_secret": "s",
            "oauth_token_request_url": "https://idp/t",
        },
    ),
    "password": ({"password": "p"}, Method.PASSWORD, {"authenticator": "snowflake", "password": "p"}),
    "workload": (
        {"workload_identity_provider": "AWS"},
        Method.WORKLOAD_IDENTITY,
        {"authenticator": "WORKLOAD_IDENTITY", "workload_identity_provider": "AWS"},
    ),
    "workload with a token": (
        {"workload_identity_provider": "OIDC", "token": "jwt"},
        Method.WORKLOAD_IDENTITY,
        {"authenticator": "WORKLOAD_IDENTITY", "workload_identity_provider": "OIDC", "token": "jwt"},
    ),
    "what connections.toml says": ({"connection_name": "prod"}, None, {}),
    "the named one of two": (
        {"password": "p", "token": "t", "auth_method": "programmatic_access_token"},
        Method.ACCESS_TOKEN,
        {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": "t"},
    ),
}


@pytest.mark.parametrize("case", METHODS)
def test_the_way_to_sign_in_follows_from_what_is_set(case) -> None:
    settings, method, arguments = METHODS[case]
    given = config(**settings)
    assert method_of(given) is method
    assert credentials(method, given) == arguments


def test_a_token_file_is_read_anew_each_time(tmp_path) -> None:
    file = tmp_path / "token"
    given = config(token_path=str(file))
    for token in ("first-token", "second-token"):
        file.write_text(token + "\n")
        assert credentials(method_of(given), given)["token"] == token


CONTRADICTIONS = {
    "nothing": ({}, "nothing is set to sign in"),
    "two keys": ({"private_key": "a", "private_key_path": "b"}, "private_key and private_key_path are both set"),
    "two tokens": ({"token": "a", "token_path": "b"}, "token and token_path are both set"),
    "key and password": ({"private_key": "a", "password": "b"}, "different ways to sign in"),
    "token and password": ({"token": "a", "password": "b"}, "different ways to sign in"),
    "client without secret": ({"oauth_client_id": "a"}, "needs oauth_client_secret and oauth_token_request_url"),
    "key pair without key": ({"auth_method": "key_pair"}, "needs private_key or private_key_path"),
    "token without token": ({"auth_method": "oauth_token"}, "needs token or token_path"),
    "password without one": ({"auth_method": "password"}, "needs password"),
    "workload without cloud": ({"auth_method": "workload_identity"}, "needs workload_identity_provider"),
    "oidc without token": ({"workload_identity_provider": "OIDC"}, "needs token or token_path"),
    "key pair without user": ({"private_key": "a", "user": ""}, "needs `user`"),
    "password without user": ({"password": "a", "user": None}, "needs `user`"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_missing_and_contradicting_credentials_say_which_settings_to_give(case) -> None:
    settings, words = CONTRADICTIONS[case]
    with pytest.raises(ConfigError, match=words):
        method_of(config(**settings))


def test_a_password_and_idle_settings_are_warned_of(caplog) -> None:
    caplog.set_level(logging.INFO)
    auth.warn(Method.PASSWORD, config(password="p-secret", token="t-secret"))
    assert "Snowflake ends single-factor passwords" in caplog.text
    assert "token is set and not used" in caplog.text
    assert "secret" not in caplog.text.replace("single", "")
    caplog.clear()
    auth.warn(Method.KEY_PAIR, config(private_key="x", private_key_passphrase="y"))
    assert caplog.text == ""
