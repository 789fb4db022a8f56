"""Every way to sign in, and every way to fail."""

from __future__ import annotations

import urllib.error
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from ml_connector_simulators.snowflake import SnowflakeServer, running_snowflake
from snowflake.connector.errors import DatabaseError, Error, OperationalError

from tests.snowflake_sim.client import Client


def test_every_way_to_sign_in(sim: SnowflakeServer, open_client: Callable[..., Client]) -> None:
    seen = len(sim.logins())
    open_client(session_parameters={"QUERY_TAG": "nightly"}, application="ml_connector")
    open_client(private_key=rsa.generate_private_key(65537, 2048))
    open_client(private_key=ec.generate_private_key(ec.SECP256R1()))
    open_client(authenticator="PROGRAMMATIC_ACCESS_TOKEN", token="pat")
    open_client(authenticator="oauth", token="access")
    open_client(
        authenticator="OAUTH_CLIENT_CREDENTIALS",
        oauth_client_id="id",
        oauth_client_secret="secret",
        oauth_token_request_url=f"{sim.url}/oauth/token-request",
    )
    logins = sim.logins()[seen:]
    assert [each["authenticator"] for each in logins] == [
        "SNOWFLAKE",
        "SNOWFLAKE_JWT",
        "SNOWFLAKE_JWT",
        "PROGRAMMATIC_ACCESS_TOKEN",
        "OAUTH",
        "OAUTH",
    ]
    assert logins[0]["parameters"]["QUERY_TAG"] == "nightly"
    assert logins[0]["client"]["application"] == "ml_connector"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wrong_password", "Incorrect username or password"),
        ("jwt_invalid", "JWT token is invalid"),
        ("jwt_wrong_key", "fingerprint mismatch"),
        ("role_missing", "Role 'LOADER' specified in the connect string does not exist"),
        ("network_policy", "is not allowed to access Snowflake"),
        ("user_locked", "User temporarily locked"),
    ],
)
def test_a_login_is_refused_in_snowflakes_words(
    sim: SnowflakeServer, open_client: Callable[..., Client], name: str, words: str
) -> None:
    sim.fail(name, name="LOADER")
    with pytest.raises(DatabaseError, match=words):
        open_client()
    open_client()


@pytest.mark.parametrize(
    ("name", "code"),
    [("no_warehouse", 606), ("warehouse_suspended", 608), ("insufficient_privileges", 3001), ("object_missing", 2003)],
)
def test_a_statement_is_refused_by_its_sql_and_not_run(
    sim: SnowflakeServer, client: Client, name: str, code: int
) -> None:
    sim.fail(name, text="^CREATE TABLE T ", name="S1")
    client.ask("CREATE TABLE OTHER (ID NUMBER)")
    assert "S1" in str(client.refused("CREATE TABLE T (ID NUMBER)", code)) or name == "no_warehouse"
    client.ask("CREATE TABLE T (ID NUMBER)")
    assert [each["fault"] for each in sim.statements("CREATE TABLE T ")] == ["status", None]
    assert [each["outcome"] for each in sim.statements("CREATE TABLE T ")] == [None, "done"]
    assert [each["struck"] for each in sim.faults()] == [1]


def test_an_answer_that_is_lost_is_given_again_and_nothing_is_done_twice(sim: SnowflakeServer, client: Client) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0))")
    sim.lose_answers("^INSERT", times=2)
    assert client.count("INSERT INTO T VALUES (1)") == 1
    assert client.one("SELECT COUNT(*) FROM T") == 1
    assert len(sim.statements("INSERT")) == 3


def test_a_commit_whose_answer_never_comes_is_a_commit(
    sim: SnowflakeServer, client: Client, open_client: Callable[..., Client]
) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0))")
    loser = open_client(network_timeout=2)
    loser.ask("BEGIN")
    loser.ask("INSERT INTO T VALUES (1)")
    sim.lose_answers("^COMMIT")
    with pytest.raises(Error):
        loser.ask("COMMIT")
    sim.clear_faults()
    assert client.one("SELECT COUNT(*) FROM T") == 1


def test_a_statement_that_never_arrives_is_not_run(
    sim: SnowflakeServer, client: Client, open_client: Callable[..., Client]
) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0))")
    loser = open_client(network_timeout=2)
    sim.fault("reset", text="^INSERT", times=None)
    with pytest.raises(OperationalError):
        loser.ask("INSERT INTO T VALUES (1)")
    sim.clear_faults()
    assert {each["outcome"] for each in sim.statements("INSERT")} == {None}
    assert client.one("SELECT COUNT(*) FROM T") == 0


def test_an_outage_passes(sim: SnowflakeServer, client: Client) -> None:
    sim.fault("status", status=503, text="^SELECT", times=2)
    assert client.one("SELECT 1") == 1
    sim.fault("latency", seconds=0.2, text="^SELECT")
    assert client.one("SELECT 1") == 1


def test_an_expired_session_is_renewed_by_the_client(sim: SnowflakeServer, client: Client) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0))")
    client.ask("BEGIN")
    client.ask("INSERT INTO T VALUES (1)")
    sim.edit("expire_sessions")
    client.ask("COMMIT")
    sim.advance(3700)
    assert client.one("SELECT COUNT(*) FROM T") == 1
    sim.fail("session_expired", text="^SELECT")
    assert client.one("SELECT COUNT(*) FROM T") == 1


def test_an_ended_session_cannot_be_renewed_and_its_transaction_is_rolled_back(
    sim: SnowflakeServer, client: Client, open_client: Callable[..., Client]
) -> None:
    client.ask("CREATE TABLE T (ID NUMBER(38,0))")
    client.ask("BEGIN")
    client.ask("INSERT INTO T VALUES (1)")
    sim.edit("end_sessions")
    client.refused("COMMIT", 390114)
    assert open_client().one("SELECT COUNT(*) FROM T") == 0


def test_faults_can_be_given_at_the_start_and_unknown_ones_are_refused() -> None:
    with running_snowflake(faults=[{"error": "role_missing"}]) as server:
        assert [each["path"] for each in server.faults()] == ["^/session/v1/login-request$"]
        with pytest.raises(urllib.error.HTTPError, match="400"):
            server.fail("no_such_error")
        with pytest.raises(urllib.error.HTTPError, match="400"):
            server.fault("no_such_kind")
