"""After a real flow that was killed once, every record can be answered for."""

from __future__ import annotations

import json

from click.testing import CliRunner
from ml_connector.audit.check import check_store
from ml_connector.cli.commands import cli
from ml_connector.store import open_store
from ml_connector.store.tables import deliveries, effects
from sqlalchemy import select

from tests.flow.conftest import Clean, Flow


def test_a_killed_and_finished_flow_verifies_and_tells_its_stories(flow: Flow, clean: Clean) -> None:
    flow.kill_after(clean.stream, 9)
    flow.let_time_pass()
    code, log = flow.load(clean.stream)
    assert code == 0, log
    store = open_store(flow.store_url)
    with store.reading() as connection:
        report = check_store(connection)
        origins = set(connection.execute(select(deliveries.c.origin)).scalars())
        answers = connection.execute(
            select(effects.c.response, effects.c.settled_at).where(effects.c.state == "delivered")
        )
        told = answers.all()
        key = (
            connection.execute(
                select(deliveries.c.business_key).where(
                    deliveries.c.state == "delivered", deliveries.c.record_type == "supplier_invoices"
                )
            )
            .scalars()
            .first()
        )
    store.close()
    assert report.findings == []
    assert report.deliveries > 100
    assert all(origin.startswith("/v1/") for origin in origins)
    assert any(origin.endswith(" page 1") for origin in origins)
    assert told
    assert all(row.settled_at for row in told)
    assert {row.response for row in told} >= {"HTTP 201"}
    traced = CliRunner().invoke(cli, ["trace", key, "--json", "--store", flow.store_url], catch_exceptions=False)
    story = json.loads(traced.stdout)
    assert [step["what"] for step in story["steps"]][:1] == ["read"]
    assert story["rows"]
