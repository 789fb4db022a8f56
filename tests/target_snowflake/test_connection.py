"""Sessions with the fake Snowflake over HTTP: what is said at sign-in, and what becomes of every kind of fault."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys

import pytest
import snowflake.connector
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from ml_connector.errors import (
    AuthError,
    ConfigError,
    EnvironmentFault,
    OutOfPatience,
    Unreachable,
)
from target_snowflake.connection import ConnectionOptions, Session
from target_snowflake.errors import BatchRefused, CommitInDoubt, ConnectionLost, Missing, NotAllowed
from target_snowflake.settings import CONNECTION_SETTINGS

from tests.target_snowflake.fake import NO_WAIT, open_session

BASIC = {"account": "acme-fin", "user": "LOADER", "password": "p", "database": "fin", "schema": "raw"}
IMPATIENT = {"login_timeout": 1, "network_timeout": 1}


def options(**settings) -> ConnectionOptions:
    return ConnectionOptions.of({**BASIC, **settings})


def arguments(major=4, facts=(), **settings):
    return options(**settings).arguments(dict(facts), major)


# settings


def test_a_session_says_what_it_is_in_its_parameters() -> None:
    given = arguments(facts=[("pipeline", "visma-to-sf"), ("run", "r1")], warehouse="WH", role="R")
    assert given["session_parameters"] == {
        "QUERY_TAG": "ml-connector visma-to-sf r1",
        "TIMEZONE": "UTC",
        "CLIENT_TELEMETRY_ENABLED": False,
    }
    assert (given["application"], given["autocommit"], given["client_session_keep_alive"]) == (
        "ml_connector",
        True,
        True,
    )
    assert (given["database"], given["schema"], given["warehouse"], given["role"]) == ("FIN", "RAW", "WH", "R")
    assert (given["login_timeout"], given["network_timeout"]) == (60, 600)
    assert "host" not in given
    assert "connection_name" not in given


def test_the_fifth_connector_gets_its_own_names_of_timeouts() -> None:
    given = arguments(major=5, network_timeout=30)
    assert (given["query_timeout"], given["request_timeout"]) == (30, 30)
    assert "network_timeout" not in given
    assert given["enable_server_session_keep_alive_auto_detection"] is True


@pytest.mark.parametrize(
    ("template", "facts", "tag"),
    [
        ("{pipeline}/{stream}/{table}", {"pipeline": "p", "stream": "s", "table": "T"}, "p/s/T"),
        ("load {database}.{schema}", {}, "load FIN.RAW"),
        ("ml-connector {pipeline} {run}", {}, "ml-connector"),
        ("{{literal}} {run}", {"run": "1"}, "{literal} 1"),
        ("x" * 3000, {}, "x" * 2000),
    ],
)
def test_the_query_tag_is_filled_and_fits(template, facts, tag) -> None:
    assert arguments(facts=facts.items(), query_tag=template)["session_parameters"]["QUERY_TAG"] == tag


@pytest.mark.parametrize("template", ["{unknown}", "{}", "{0}", "{pipeline!r}", "{run:>9}", "{run", "{pipeline.name}"])
def test_a_query_tag_with_anything_else_is_refused(template) -> None:
    with pytest.raises(ConfigError, match=r"Known are \{pipeline\}, \{run\}"):
        options(query_tag=template)


@pytest.mark.parametrize(
    ("given", "account"),
    [
        ("acme-fin", "acme-fin"),
        ("https://acme-fin.snowflakecomputing.com", "acme-fin"),
        ("https://acme-fin.snowflakecomputing.com/console/login", "acme-fin"),
        ("acme-fin.snowflakecomputing.com", "acme-fin"),
        ("xy12345.eu-central-1", "xy12345.eu-central-1"),
        (" ACME-FIN ", "ACME-FIN"),
    ],
)
def test_an_account_may_be_given_by_its_address(given, account) -> None:
    assert options(account=given).account == account


@pytest.mark.parametrize("given", ["", "acme fin", "acme/fin", "acme;fin", "-acme", "https://", "a'b"])
def test_what_is_no_account_is_refused(given) -> None:
    with pytest.raises(ConfigError, match="account"):
        options(account=given)


def test_a_private_links_address_says_what_to_set() -> None:
    address = "https://acme-fin.privatelink.snowflakecomputing.com"
    with pytest.raises(ConfigError, match=r"set account to acme-fin and host to acme-fin\.privatelink"):
        options(account=address)
    host = "acme-fin.privatelink.snowflakecomputing.com"
    assert options(account=address, host=host).address == (host, 443)


@pytest.mark.parametrize(
    ("given", "name", "sent"),
    [("fin", "FIN", "FIN"), ('"fin"', "fin", '"fin"'), ('"a""b"', 'a"b', '"a""b"'), ("fin$1", "FIN$1", "FIN$1")],
)
def test_a_name_is_upper_case_unless_it_is_quoted(given, name, sent) -> None:
    assert options(database=given).database == name
    assert arguments(database=given)["database"] == sent


@pytest.mark.parametrize("given", ["", "a.b", 'a"b'])
def test_a_name_that_is_none_is_refused(given) -> None:
    with pytest.raises(ConfigError, match="schema"):
        options(schema=given)


@pytest.mark.parametrize("host", ["https://acme.example", "acme.example:443", "acme/x"])
def test_a_host_is_a_name_alone(host) -> None:
    with pytest.raises(ConfigError, match="the port is `port`"):
        options(host=host)


def test_plain_http_stays_on_this_machine() -> None:
    with pytest.raises(ConfigError, match="on this machine only"):
        options(protocol="http", host="acme.example")
    assert options(protocol="http", host="127.0.0.1").protocol == "http"


def test_explicit_settings_stand_beside_a_named_connection() -> None:
    given = ConnectionOptions.of({"connection_name": "prod", "role": "R"}).arguments({}, 4)
    assert (given["connection_name"], given["role"]) == ("prod", "R")
    assert not {"account", "user", "database", "schema", "protocol", "authenticator"} & set(given)


def test_no_text_form_of_the_options_shows_a_secret() -> None:
    for settings in ({"password": "hunter22"}, {"token": "hunter22", "password": ""}):
        assert "hunter22" not in repr(options(**settings)) + str(options(**settings))


def test_every_secret_is_marked_as_one_and_every_setting_is_described() -> None:
    properties = CONNECTION_SETTINGS.to_dict()["properties"]
    secret = {name for name, schema in properties.items() if schema.get("secret")}
    assert secret == {"private_key", "private_key_passphrase", "token", "password", "oauth_client_secret"}
    assert all(schema["description"].endswith((".", ".)")) for schema in properties.values())


# a session


def test_nothing_is_sent_before_the_first_statement(config, server) -> None:
    with open_session(config):
        pass
    assert server.requests() == []


def test_a_statement_answers_rows_with_names_and_a_count(session) -> None:
    result = session.execute("SELECT ? AS A, ? AS B", ["it's 100%", None])
    assert result.rows == [("it's 100%", None)]
    assert result.named() == [{"a": "it's 100%", "b": None}]
    assert result.query_id
    session.execute('CREATE TABLE "T" ("A" NUMBER(38, 0))')
    assert session.execute('INSERT INTO "T" SELECT 1 UNION ALL SELECT 2').rowcount == 2
    assert session.execute("SELECT 'a%sb%%'").rows == [("a%sb%%",)]


def test_what_is_said_at_sign_in_arrives(config, server) -> None:
    with open_session(config, pipeline="p1", run="r1") as opened:
        opened.execute("SELECT 1")
    login = server.logins()[-1]
    assert login["parameters"]["QUERY_TAG"] == "ml-connector p1 r1"
    assert login["parameters"]["TIMEZONE"] == "UTC"
    assert str(login["parameters"]["CLIENT_TELEMETRY_ENABLED"]).lower() == "false"
    assert login["client"]["application"] == "ml_connector"
    assert (login["role"], login["warehouse"]) == ("LOAD_ROLE", "LOAD_WH")
    assert not [each for each in server.requests() if "telemetry" in each["path"]]


def test_a_key_pair_an_access_token_and_oauth_sign_in(config, server) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    issuer = f"{server.url}/oauth/token-request"
    client = {"oauth_client_id": "i", "oauth_client_secret": "s", "oauth_token_request_url": issuer}
    for settings, authenticator in (
        ({"private_key": pem}, "SNOWFLAKE_JWT"),
        ({"token": "pat"}, "PROGRAMMATIC_ACCESS_TOKEN"),
        ({"token": "oat", "auth_method": "oauth_token"}, "OAUTH"),
        (client, "OAUTH"),
        ({"password": "sim"}, "SNOWFLAKE"),
    ):
        with open_session({**config, "password": "", **settings}) as opened:
            assert opened.execute("SELECT 1").rows == [(1,)]
        assert server.logins()[-1]["authenticator"].upper() == authenticator


def test_a_named_connection_of_connections_toml_is_used_and_explicit_settings_win(
    config, tmp_path, monkeypatch
) -> None:
    home = tmp_path / "snowflake"
    home.mkdir(mode=0o700)
    lines = [f'{name} = "{config[name]}"' for name in ("account", "user", "password", "host", "protocol", "database")]
    file = home / "connections.toml"
    file.write_text("\n".join(["[prod]", *lines, f"port = {config['port']}", 'role = "OTHER"']))
    file.chmod(0o600)
    monkeypatch.setenv("SNOWFLAKE_HOME", str(home))
    script = (  # a process of its own: the connector looks for its files when it is imported
        "import sys\n"
        "from target_snowflake.connection import ConnectionOptions, Session\n"
        "given = {'connection_name': 'prod', 'role': 'MINE', 'schema': sys.argv[1]}\n"
        "with Session.open(ConnectionOptions.of(given)) as opened:\n"
        "    print(opened.where(), opened.execute('SELECT CURRENT_ROLE()').rows)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, config["schema"]], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"('TESTS', '{config['schema']}') [('MINE',)]"


def test_an_identity_tells_account_database_and_schema_apart(config) -> None:
    found = set()
    for changed in ({}, {"schema": "OTHER"}):
        with open_session({**config, **changed}) as opened:
            identity = opened.identity()
        assert identity.id.endswith(f"/TESTS/{changed.get('schema', config['schema'])}")
        assert "TESTS" in identity.label
        found.add(identity.id)
    assert len(found) == 2


def test_a_file_gets_to_a_stage_whatever_its_name(session, tmp_path) -> None:
    session.execute('CREATE STAGE "_ML_STAGE"')
    folder = tmp_path / "a folder, æøå"
    folder.mkdir()
    for name in ("part-0.parquet", "part 1.parquet"):
        path = folder / name
        path.write_bytes(b"PAR1")
        assert session.put(path, '@"_ML_STAGE"/run/batch/').rows[0][6] == "UPLOADED"
    listed = [row[0] for row in session.execute('LIST @"_ML_STAGE"').rows]
    assert len(listed) == 2


def test_a_file_that_is_not_there_is_no_lost_connection(session, tmp_path) -> None:
    session.execute('CREATE STAGE "_ML_STAGE"')
    with pytest.raises(EnvironmentFault, match="is gone"):
        session.put(tmp_path / "absent.parquet", '@"_ML_STAGE"/x/')


# transactions


class OwnFault(Exception):
    """Something that the caller's own code raises."""


def block(session, *statements: str) -> None:
    with session.transaction():
        for each in statements:
            if each == "mine":
                raise OwnFault
            session.execute(each)


def rows_of(session) -> int:
    return int(session.execute('SELECT COUNT(*) FROM "T"').rows[0][0])


@pytest.fixture
def table(session) -> Session:
    session.execute('CREATE TABLE "T" ("A" NUMBER(38, 0))')
    return session


def test_a_block_is_committed_whole_or_not_at_all(table) -> None:
    with table.transaction():
        table.execute('INSERT INTO "T" SELECT 1')
    assert rows_of(table) == 1
    for faulty in ("mine", 'INSERT INTO "NO_SUCH" SELECT 3'):
        with pytest.raises((OwnFault, Missing)):
            block(table, 'INSERT INTO "T" SELECT 2', faulty)
    assert rows_of(table) == 1


def test_a_lost_answer_to_commit_is_in_doubt_and_the_session_begins_anew(config, table, server) -> None:
    server.fault("commit_then_drop", text="^COMMIT", times=None)
    with open_session({**config, **IMPATIENT}) as hasty:
        with pytest.raises(CommitInDoubt), hasty.transaction():
            hasty.execute('INSERT INTO "T" SELECT 1')
        server.clear_faults()
        assert rows_of(hasty) == 1  # it was in


def test_an_unheard_commit_is_in_doubt_and_left_out(config, table, server) -> None:
    server.fault("reset", text="^COMMIT", times=None)
    with open_session({**config, **IMPATIENT}) as hasty:
        with pytest.raises(CommitInDoubt), hasty.transaction():
            hasty.execute('INSERT INTO "T" SELECT 1')
        server.clear_faults()
        assert rows_of(hasty) == 0


def test_a_lost_connection_in_a_block_leaves_nothing_open(config, table, server) -> None:
    with open_session(config) as opened:
        server.fail("master_token_expired", text="SELECT 2")
        with pytest.raises(ConnectionLost):
            block(opened, 'INSERT INTO "T" SELECT 1', 'INSERT INTO "T" SELECT 2')
        with opened.transaction():
            opened.execute('INSERT INTO "T" SELECT 3')
    table.reopen()
    assert table.execute('SELECT "A" FROM "T"').rows == [(3,)]


def test_a_rollback_that_fails_ends_the_session_so_that_nothing_goes_along_later(config, table, server) -> None:
    server.fail("insufficient_privileges", text="^ROLLBACK")
    with open_session(config) as opened:
        with pytest.raises(OwnFault):
            block(opened, 'INSERT INTO "T" SELECT 1', "mine")
        with opened.transaction():
            opened.execute('INSERT INTO "T" SELECT 2')
        assert opened.execute('SELECT "A" FROM "T"').rows == [(2,)]


# faults over the wire


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ("wrong_password", AuthError, "Check user, password, and account"),
        ("jwt_invalid", AuthError, "SET RSA_PUBLIC_KEY"),
        ("jwt_wrong_key", AuthError, "RSA_PUBLIC_KEY_FP"),
        ("token_invalid", AuthError, "OAuth token"),
        ("token_expired", AuthError, "OAuth token"),
        ("role_missing", AuthError, "GRANT ROLE LOAD_ROLE TO USER SIM_USER"),
        ("network_policy", AuthError, "1.2.3.4"),
        ("user_locked", AuthError, "Wait 15 minutes"),
        ("user_disabled", AuthError, "SET DISABLED = FALSE"),
    ],
)
def test_a_refused_sign_in_is_not_tried_again(config, server, error, kind, words) -> None:
    server.fail(error, times=None)
    with open_session(config) as opened, pytest.raises(kind, match=words) as caught:
        opened.execute("SELECT 1")
    assert type(caught.value) is kind
    assert len([each for each in server.requests() if "login" in each["path"]]) == 1
    assert server.statements() == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("master_token_expired", ConnectionLost),
        ("no_warehouse", EnvironmentFault),
        ("warehouse_suspended", EnvironmentFault),
        ("insufficient_privileges", NotAllowed),
        ("object_missing", Missing),
        ("schema_missing", Missing),
        ("locked", ConnectionLost),
        ("timeout", ConnectionLost),
        ("internal", ConnectionLost),
        ("duplicate_row", BatchRefused),
    ],
)
def test_a_refused_statement_becomes_its_error(session, server, error, kind) -> None:
    session.execute("SELECT 1")
    server.fail(error, text="SELECT 17", name="RAW")
    with pytest.raises(kind) as caught:
        session.execute("SELECT 17")
    assert type(caught.value) is kind
    assert session.execute("SELECT 17").rows == [(17,)]


@pytest.mark.parametrize("kind", ["status", "reset", "truncated", "html", "commit_then_drop"])
def test_one_broken_answer_is_nothing_to_the_caller(session, server, kind) -> None:
    session.execute("SELECT 1")
    server.fault(kind, text="SELECT 17")
    if kind in ("truncated", "html") and int(snowflake.connector.__version__[0]) > 4:
        with pytest.raises(ConnectionLost):  # connector 5 does not ask again after an answer it cannot read
            session.execute("SELECT 17")
    assert session.execute("SELECT 17").rows == [(17,)]
    assert server.faults()[0]["struck"] == 1


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "reset"}, {"kind": "html"}])
def test_answers_that_stay_broken_are_a_lost_connection(config, server, fault) -> None:
    with open_session({**config, **IMPATIENT}) as hasty:
        hasty.execute("SELECT 1")
        server.fault(**fault, text="SELECT 17", times=None)
        with pytest.raises(ConnectionLost):
            hasty.execute("SELECT 17")
        server.clear_faults()
        hasty.reopen()
        assert hasty.execute("SELECT 17").rows == [(17,)]


def test_an_expired_session_is_renewed_and_an_ended_one_reopened(session, server) -> None:
    session.execute("SELECT 1")
    server.edit("expire_sessions")
    assert session.execute("SELECT 2").rows == [(2,)]
    server.edit("end_sessions")
    with pytest.raises(ConnectionLost):
        session.execute("SELECT 3")
    session.reopen()
    assert session.execute("SELECT 3").rows == [(3,)]


@pytest.mark.parametrize("status", [403, 404])
def test_an_account_that_is_not_there_is_unreachable(config, server, status) -> None:
    server.fault("status", status=status, path="login-request", times=None)
    with open_session(config) as opened, pytest.raises(Unreachable, match="organization-account"):
        opened.execute("SELECT 1")
    assert len(server.requests()) == NO_WAIT.connects


def test_a_server_that_does_not_sign_in_costs_patience_only(config, server) -> None:
    server.fault("status", status=503, path="login-request", times=None)
    with (
        open_session({**config, **IMPATIENT}) as hasty,
        pytest.raises(OutOfPatience, match="Run again later") as caught,
    ):
        hasty.execute("SELECT 1")
    assert caught.value.exit_code == 3


def test_a_server_that_signs_in_at_the_second_try_does(config, server) -> None:
    server.fault("reset", path="login-request", times=3)
    with open_session({**config, "login_timeout": 1}) as opened:
        assert opened.execute("SELECT 1").rows == [(1,)]


def test_a_closed_door_and_an_unknown_host_are_told_at_once(config, monkeypatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = taken.getsockname()[1]
        with open_session({**config, "port": closed}) as opened, pytest.raises(Unreachable, match="refused"):
            opened.execute("SELECT 1")

    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", unknown)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    lone = Session.open(options(), {}, retry=NO_WAIT)
    with pytest.raises(Unreachable, match=r"there is no host acme-fin\.snowflakecomputing\.com"):
        lone.execute("SELECT 1")


def test_the_connectors_own_words_stay_out_of_the_log_and_secrets_anyway(config, server, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    server.fault("reset", text="SELECT 17", times=None)
    with open_session({**config, **IMPATIENT, "password": "hunter2hunter2"}) as hasty, pytest.raises(ConnectionLost):
        hasty.execute("SELECT 17")
    assert [each.name for each in caplog.records if each.name.startswith("snowflake.")] == []
    assert "hunter2" not in caplog.text


def test_sign_in_asks_no_cloud_metadata_service(config, monkeypatch) -> None:
    monkeypatch.delenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", raising=False)
    asked = []
    real = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda address, *a, **k: asked.append(address[0]) or real(address, *a, **k)
    )
    with open_session(config) as opened:
        opened.execute("SELECT 1")
    assert set(asked) == {"127.0.0.1"}
    assert os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] == "true"
