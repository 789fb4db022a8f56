"""`--ping` says one by one what a role may do, tries what cannot be asked, and leaves nothing behind."""

from __future__ import annotations

import pytest
from ml_connector.errors import AuthError, Unreachable
from target_snowflake.permissions import checks

from tests.target_snowflake.fake import open_session

NAMES = ["sign in", "credentials", "network", "warehouse", "database", "schema", "create tables", "create stages"]


def asked(config, **settings):
    """Return every check, by its name."""
    with open_session({**config, **settings}) as opened:
        return {check.name: check for check in checks(opened, {**config, **settings})}


def test_all_is_well_and_nothing_is_left(config, server) -> None:
    found = asked(config)
    assert list(found) == NAMES
    assert all(check.ok for check in found.values())
    signed_in = found["sign in"]
    assert "role LOAD_ROLE" in signed_in.detail
    assert signed_in.data["warehouse"] == "LOAD_WH"
    assert found["warehouse"].data["state"] == "STARTED"
    made = [each.split()[-1 if "STAGE" in each else 3] for each in server.sql("CREATE")]
    dropped = [each.split()[-1] for each in server.sql("DROP")]
    assert sorted(made) == sorted(dropped)
    assert all('"_ML_PING_' in name for name in made)
    assert server.sql("INSERT") == []
    assert found["credentials"].data["warning"] is True


def test_a_token_is_no_password(config) -> None:
    assert "credentials" not in asked(config, password="", token="pat")


def test_a_stage_that_is_there_is_not_created(config, session, server) -> None:
    session.execute('CREATE STAGE "_ML_STAGE"')
    server.forget()
    found = asked(config)
    assert found["stage"].ok
    assert "_ML_STAGE is there" in found["stage"].detail
    assert server.sql("CREATE STAGE") == []
    session.execute('CREATE STAGE "AML_STAGE"')
    assert asked(config, stage="AML_STAGE")["stage"].detail == "AML_STAGE is there"
    assert asked(config, stage="XML_STAGE")["create stages"].ok


@pytest.mark.parametrize("kind", ["TABLE", "STAGE"])
def test_a_missing_grant_is_named_and_the_rest_is_asked_all_the_same(config, server, kind) -> None:
    server.fail("insufficient_privileges", text=f"CREATE .*{kind}", name=config["schema"], times=None)
    found = asked(config)
    check = found[f"create {kind.lower()}s"]
    assert not check.ok
    assert check.suggestion == (
        f"Let an administrator type: GRANT CREATE {kind} ON SCHEMA TESTS.{config['schema']} TO ROLE LOAD_ROLE;"
    )
    assert [each.name for each in found.values() if not each.ok] == [check.name]
    assert server.sql(f"DROP {kind}") == []


def test_what_cannot_be_dropped_again_is_told(config, server) -> None:
    server.fail("insufficient_privileges", text="^DROP TABLE", name="X")
    check = asked(config)["create tables"]
    assert check.ok
    assert check.suggestion.startswith('Type: DROP TABLE IF EXISTS "TESTS"')


def test_a_database_that_is_not_there_ends_the_trials(config, server) -> None:
    server.fail("schema_missing", text="^USE DATABASE")
    found = asked(config)
    assert list(found)[-1] == "database"
    assert found["database"].suggestion.endswith(
        'CREATE DATABASE "TESTS"; GRANT USAGE ON DATABASE "TESTS" TO ROLE LOAD_ROLE;'
    )
    assert server.sql("CREATE") == []


def test_a_schema_that_is_not_there_may_be_made(config, server) -> None:
    found = asked(config, schema="NOT_YET")
    assert "TESTS.NOT_YET is not there: the first load makes it" in found["schema"].detail
    assert found["schema"].ok
    assert found["create schemas"].ok
    assert list(found)[-1] == "create schemas"
    assert len(server.sql("CREATE SCHEMA")) == len(server.sql("DROP SCHEMA")) == 1


def test_a_schema_that_may_not_be_made_either_names_both_cures(config, server) -> None:
    server.fail("insufficient_privileges", text="CREATE SCHEMA", name="TESTS", times=None)
    found = asked(config, schema="NOT_YET")
    assert not found["schema"].ok
    assert 'CREATE SCHEMA "TESTS"."NOT_YET"' in found["schema"].suggestion
    assert not found["create schemas"].ok
    assert "GRANT CREATE SCHEMA ON" in found["create schemas"].suggestion


def test_a_warehouse_the_role_may_not_use_names_the_grant(config, server) -> None:
    server.fail("schema_missing", text="^USE WAREHOUSE")
    check = asked(config)["warehouse"]
    assert not check.ok
    assert "GRANT USAGE ON WAREHOUSE LOAD_WH TO ROLE LOAD_ROLE;" in check.suggestion


@pytest.mark.parametrize(("resumes", "ok"), [("true", True), ("false", False)])
def test_a_suspended_warehouse_is_well_only_if_it_starts_by_itself(config, monkeypatch, resumes, ok) -> None:
    with open_session(config) as opened:
        real = opened.execute

        def shown(sql, *rest, **options):
            result = real(sql, *rest, **options)
            if sql.startswith("SHOW WAREHOUSES"):
                result.rows[:] = [("LOAD_WH", "SUSPENDED", "X-Small", resumes)]
                object.__setattr__(result, "columns", ("name", "state", "size", "auto_resume"))
            return result

        monkeypatch.setattr(opened, "execute", shown)
        check = {each.name: each for each in checks(opened, config)}["warehouse"]
    assert check.ok is ok
    assert ("SET AUTO_RESUME = TRUE" in check.suggestion) is not ok
    assert "suspended" in check.detail


def test_a_refused_sign_in_ends_the_ping(config, server) -> None:
    server.fail("network_policy", times=None)
    with pytest.raises(AuthError, match="network policy"):
        asked(config)


def test_no_server_ends_the_ping(config, server) -> None:
    server.fault("status", status=404, path="login-request", times=None)
    with pytest.raises(Unreachable):
        asked(config)
