"""The same load against a real account, for people who have one: `SNOWFLAKE_LIVE_CONFIG` names a file of settings.

Its database must exist, and its role may make a schema there; everything is loaded into a schema of the test's own,
which is dropped afterwards. What the fake Snowflake cannot prove is looked at here.
"""

from __future__ import annotations

import json
import os
import secrets
from decimal import Decimal
from pathlib import Path

import pytest
from target_snowflake.connection import ConnectionOptions, Session

from tests.target_snowflake.conftest import Loading, record, schema, state

LIVE = os.environ.get("SNOWFLAKE_LIVE_CONFIG")
pytestmark = pytest.mark.skipif(not LIVE, reason="SNOWFLAKE_LIVE_CONFIG names no settings of a live account")

STREAM = schema(
    "ledger",
    {
        "id": {"type": "integer"},
        "amount": "number",
        "at": {"type": ["string", "null"], "format": "date-time"},
        "lines": {"type": "array"},
        "code": "string",
    },
    ["id"],
)


@pytest.fixture
def live(tmp_path):
    settings = json.loads(Path(LIVE or "").read_text())
    name = f"ML_CONNECTOR_TEST_{secrets.token_hex(4)}".upper()
    own = {"schema": name, "store_url": f"sqlite:///{tmp_path}/store.db", "spill_dir": str(tmp_path / "spill")}
    with Session.open(ConnectionOptions.of({**settings, "schema": name})) as session:
        session.execute(f"CREATE SCHEMA {name}")
        session.execute(f"USE SCHEMA {name}")
        yield Loading(tmp_path, {**settings, **own}, session)
        session.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.mark.parametrize("upsert_by", ["delete_insert", "merge"])
def test_a_load_lands_exactly_and_a_repeat_changes_nothing(live, upsert_by):
    rows = [
        record(
            "ledger", id=number, amount=number + 0.25, at="2026-10-01T12:00:00+05:30", lines=[{"a": [number]}], code="x"
        )
        for number in range(1000)
    ]
    done = live.run(STREAM, *rows, rows[0], state({"ledger": 1}), upsert_by=upsert_by)
    assert json.loads(done.stdout) == {"ledger": 1}
    found = live.rows(
        "SELECT COUNT(*), SUM(AMOUNT), MIN(AT)::VARCHAR, SUM(LINES[0]:a[0]::NUMBER), MIN(TYPEOF(LINES)) FROM LEDGER"
    )
    assert found[0][:2] == (1000, Decimal("499750.000000000"))
    assert found[0][2].startswith("2026-10-01 06:30:00")
    assert found[0][3:] == (499500, "ARRAY")
    batches = live.rows("SELECT DISTINCT _ML_BATCH_ID FROM LEDGER")
    live.run(STREAM, *rows, upsert_by=upsert_by)
    assert live.rows("SELECT DISTINCT _ML_BATCH_ID FROM LEDGER") == batches


def test_large_numbers_changed_types_and_swaps(live):
    live.run(STREAM, record("ledger", id=1, amount=1, code="x"))
    wide = schema("ledger", {"id": {"type": "integer"}, "amount": "string", "big": "integer"}, ["id"])
    live.run(wide, record("ledger", id=1, amount="1.5 EUR", big=10**37))
    assert live.rows("SELECT AMOUNT__TEXT, BIG FROM LEDGER") == [("1.5 EUR", 10**37)]
    live.run(STREAM, record("ledger", id=2, amount=2), load_method="overwrite")
    assert live.rows("SELECT ID, AMOUNT FROM LEDGER") == [(2, Decimal(2))]
    assert live.rows("SHOW TABLES LIKE '_ML_S%'") == []
