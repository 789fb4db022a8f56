"""What people see when something is wrong: words that say what to do, the right exit code, STATE behind the data.

Every case is a run of the program that must fail, told by exit code (1 fault, 2 settings, 3 environment), and leave no
traceback and no secret in its output; a good run after it loads everything.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess

import pytest
from ml_connector.errors import ConfigError

from tests.target_snowflake.conftest import PROGRAM, record, schema, state

SECRET = "hunter2-very-secret"
MESSAGE = schema("items", {"id": "integer", "name": "string", "n": "number"}, ["id"])
ROWS = [record("items", id=n, name=f"{n} å", n=n / 4) for n in range(20)]
GOOD = [MESSAGE, *ROWS, state({"at": 20})]

STATEMENTS = {
    "missing warehouse": ("no_warehouse", "^CREATE OR REPLACE TRANSIENT", "GRANT USAGE ON WAREHOUSE", ""),
    "suspended warehouse": ("warehouse_suspended", "^COPY", "SET AUTO_RESUME = TRUE", "LOAD_WH"),
    "no CREATE privilege": (
        "insufficient_privileges",
        '^CREATE TABLE IF NOT EXISTS "ITEMS"',
        "GRANT CREATE TABLE",
        "S1",
    ),
    "no CREATE STAGE privilege": ("insufficient_privileges", "^CREATE STAGE", "GRANT CREATE STAGE", "S1"),
}
LOGINS = {
    "wrong key": ("jwt_wrong_key", "RSA_PUBLIC_KEY"),
    "wrong password": ("wrong_password", "Check user, password, and account"),
    "unknown role": ("role_missing", "GRANT ROLE"),
    "network policy": ("network_policy", "ALTER NETWORK POLICY"),
}


def failed(done, *words, code):
    """Expect a run that ended as it should: by its exit code and words, no traceback, no secret, no STATE."""
    assert done.returncode == code, done.stderr
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert done.stdout == ""


def finish(loading):
    """Expect that the same messages are loaded after all, once."""
    assert loading.here(*GOOD) == [{"at": 20}]
    assert [key for (key,) in loading.table("ITEMS", "ID")] == list(range(20))


def load(loading, messages, **settings):
    return loading.load("".join(f"{loading.line(each)}\n" for each in messages), password=SECRET, **settings)


@pytest.mark.parametrize("name", LOGINS)
def test_signing_in(loading, server, name):
    error, words = LOGINS[name]
    server.fail(error, name="LOAD_ROLE")
    failed(load(loading, GOOD), words, code=3)
    assert server.sql("CREATE") == []


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_the_role_may_not_do(loading, server, name):
    error, text, words, about = STATEMENTS[name]
    server.fail(error, text=text, name=about)
    failed(load(loading, GOOD), words, code=3)
    server.clear_faults()
    finish(loading)


BAD_LINES = {
    "malformed": ('{"type": "RECORD", "stream": "items", "rec', "line 8 is not a Singer message"),
    "no JSON": ("Downloading 3 files…", "line 8 is not a Singer message"),
    "unknown message": ({"type": "RECRD", "stream": "items", "record": {}}, "there is no Singer message 'RECRD'"),
    "BATCH": (
        {"type": "BATCH", "stream": "items", "encoding": {"format": "jsonl"}, "manifest": ["file:///x"]},
        "`batch_config` off",
    ),
    "no stream": ({"type": "RECORD", "record": {"id": 1}}, "lacks its stream"),
    "no record": ({"type": "RECORD", "stream": "items"}, "lacks its record"),
    "no schema before": (record("others", id=1), "arrived before its SCHEMA"),
    "no key in a record": (record("items", name=SECRET), "lacks its key: id"),
    "no properties": ({"type": "SCHEMA", "stream": "empty", "schema": {"type": "object"}, "key_properties": []},
                      "has no properties"),
    "no such key": (schema("keyed", {"id": "integer"}, ["nr"]), "names nr, which its schema does not have"),
    "no schema": ({"type": "SCHEMA", "stream": "empty", "key_properties": []}, "lacks its stream or its schema"),
    "no value": ({"type": "STATE"}, "lacks its value"),
    "no version": ({"type": "ACTIVATE_VERSION", "stream": "items"}, "lacks its stream or its version"),
}  # fmt: skip


@pytest.mark.parametrize("name", ["malformed", "no key in a record"])
def test_messages_that_cannot_be_used(loading, name):
    line, words = BAD_LINES[name]
    failed(load(loading, [*GOOD[:6], state({"at": 5}), line, *GOOD[6:]]), words, code=1)
    finish(loading)


@pytest.mark.parametrize("name", sorted(BAD_LINES.keys() - {"malformed", "no key in a record"}))
def test_other_messages_that_cannot_be_used(loading, name, capfd):
    """In this process: what is told and when is the same, and a dozen programs need not be started."""
    line, words = BAD_LINES[name]
    with pytest.raises(Exception, match=words):
        loading.here(*GOOD[:6], state({"at": 5}), line)
    assert capfd.readouterr().out == ""


SETTINGS = {
    "no database": ({"database": None}, "set `database`"),
    "another account": ({"expected_account": "acme/FINANCE/VISMA"}, "Nothing was written"),
    "no such type": ({"column_types": {"items.n": "MONEY"}}, "'MONEY' is no column type"),
    "no stream": ({"column_types": {"n": "FLOAT"}}, "write stream.property"),
    "no zone": ({"naive_timezone": "Europe/Nowhere"}, "Europe/Nowhere"),
    "no host": ({"host": "example.com"}, "protocol http is for a fake Snowflake"),
}


def test_settings(loading, server):
    for name, (wrong, words) in SETTINGS.items():
        with pytest.raises(ConfigError, match=words):
            loading.here(*GOOD, **wrong)
        assert server.sql("CREATE") == [], name
    wrong, words = SETTINGS["another account"]
    failed(load(loading, GOOD, **wrong), words, code=2)


def test_a_store_that_cannot_be_written(loading, tmp_path):
    (tmp_path / "file").write_text("")
    """A path that cannot be is a matter of settings; a store that is there and may not be written is not."""
    failed(load(loading, GOOD, store_url=f"sqlite:///{tmp_path}/file/store.db"), "Check `store_url`", code=2)
    finish(loading)


def test_a_spill_folder_that_cannot_be_written(loading, tmp_path):
    (tmp_path / "file").write_text("")
    failed(load(loading, GOOD, spill_dir=str(tmp_path / "file" / "x")), "set `spill_dir`", code=3)


@pytest.fixture
def small_disk(tmp_path):
    """A file system with room for hardly anything; only root can make one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "spill", place]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system; the test with a limit on file sizes stands for it")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def wide(count):
    """Return records that take room even when they are compressed."""
    return [record("items", id=n, name=os.urandom(900).hex(), n=n) for n in range(count)]


def test_a_full_disk_while_rows_are_spilled(loading, small_disk):
    messages = [MESSAGE, *wide(400), state({"at": 400})]
    done = load(loading, messages, spill_dir=str(small_disk))
    failed(done, "is full", "set `spill_dir` to another disk, then run again", code=3)
    assert not list(small_disk.rglob("*.parquet"))
    assert loading.here(*messages) == [{"at": 400}]
    assert len(loading.table("ITEMS", "ID")) == 400


def test_a_limit_on_the_size_of_files(loading):
    messages = [MESSAGE, *wide(400), state({"at": 400})]
    path = loading.folder / "config.json"
    path.write_text(json.dumps({**loading.config, "password": SECRET}))
    done = subprocess.run(
        [str(PROGRAM), "--config", str(path)],
        input="".join(f"{loading.line(each)}\n" for each in messages),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)),
    )
    failed(done, "cannot be written", "set `spill_dir`", code=3)
    assert loading.here(*messages) == [{"at": 400}]
