"""A Meltano project with a store made by hand, and the command line called as a person would."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from ml_connector.cli.commands import cli
from ml_connector.store import open_store
from ml_connector.store.tables import dead_letters, deliveries, runs, shapes, tallies
from sqlalchemy import insert

if TYPE_CHECKING:
    from pathlib import Path

MELTANO_YML = """
default_environment: demo
environments:
- name: demo
  env: {ML_CONNECTOR_STORE_URL: "sqlite:///${MELTANO_PROJECT_ROOT}/.ml-connector/demo/store.db"}
- name: prod
plugins:
  extractors:
  - {name: tap-visma, namespace: tap_visma, executable: tap-visma}
  - {name: tap-visma-no, inherit_from: tap-visma, namespace: tap_visma}
  - {name: tap-visma-se, inherit_from: tap-visma, namespace: tap_visma}
  loaders:
  - name: target-servicenow-importset
    namespace: target_servicenow_importset
    config: {mapping: ["${MELTANO_EXTRACTOR_NAMESPACE}", servicenow-s2p]}
  - {name: target-servicenow, inherit_from: target-servicenow-importset}
jobs:
- name: visma-to-servicenow
  tasks: [tap-visma-no target-servicenow, tap-visma-se target-servicenow]
"""
NO_LOOKUP = """
    print("Error: No such option '--lookup'.", file=sys.stderr)
    sys.exit(2)
"""
NO, SE = "tap-visma-no-to-target-servicenow", "tap-visma-se-to-target-servicenow"


@dataclass
class House:
    """A project folder, its store, and a `meltano` that does what a test says."""

    root: Path

    @property
    def store_url(self) -> str:
        return f"sqlite:///{self.root / '.ml-connector' / 'demo' / 'store.db'}"

    def call(self, *words: str, **options: Any) -> Result:
        return CliRunner().invoke(cli, list(words), catch_exceptions=False, **options)

    def answer(self, *words: str) -> Any:
        return json.loads(self.call(*words, "--json").stdout)

    def add(self, table: Any, **values: Any) -> None:
        store = open_store(self.store_url)
        with store.transaction() as connection:
            connection.execute(insert(table).values(**values))
        store.close()

    def run(self, run_id: str, pipeline: str = NO, **values: Any) -> None:
        """Add a run that ended in balance, unless told otherwise."""
        usual = {
            "kind": "run",
            "target_id": "sn1",
            "target_label": "acmetest",
            "mapping": "tap_visma servicenow-s2p",
            "map_version": "m1",
            "started_at": f"2026-11-01T05:00:{len(run_id):02}.000000+00:00",
            "ended_at": "2026-11-01T05:01:00.000000+00:00",
            "outcome": "finished",
            "balance": "in_balance",
            "exit_code": 0,
        }
        self.add(runs, id=run_id, pipeline=pipeline, **usual | values)

    def tally(self, run_id: str, kind: str, count: int, amount: str = "0", **values: Any) -> None:
        usual = {"company": "NO01", "record_type": "supplier_invoices", "reason": "", "currency": "NOK"}
        self.add(tallies, run_id=run_id, kind=kind, count=count, amount=amount, **usual | values)

    def delivery(self, key: str, state: str, **values: Any) -> None:
        usual = {
            "target_id": "sn1",
            "pipeline": NO,
            "erp_source": "visma:NO01",
            "company": "NO01",
            "record_type": "supplier_invoices",
            "title": f"{key} Nordic Paper AS",
            "amount": "100.50",
            "currency": "NOK",
            "source_hash": f"h-{key}",
            "map_version": "m1",
            "attempts": 0,
            "since": "2026-11-01T05:00:30.000000+00:00",
            "last_run": "r1",
            "run_outcome": state,
        }
        self.add(deliveries, business_key=business_key(key), state=state, **usual | values)

    def letter(self, number: int, key: str, record: str, **values: Any) -> None:
        usual = {
            "target_id": "sn1",
            "source_hash": f"h-{key}",
            "pipeline": NO,
            "record_type": "supplier_invoices",
            "run_id": "r1",
            "opened_at": "2026-11-01T05:00:30.000000+00:00",
            "stream": "supplier_invoices",
            "shape": "shape1",
        }
        self.shape()
        self.add(dead_letters, id=number, business_key=business_key(key), record=record, **usual | values)

    def shape(self) -> None:
        store = open_store(self.store_url)
        schema = '{"properties":{"referenceNumber":{"type":"string"}}}'
        values = {"hash": "shape1", "schema": schema, "key_properties": '["_company","referenceNumber"]'}
        with store.transaction() as connection:
            connection.execute(insert(shapes).prefix_with("OR IGNORE").values(**values))
        store.close()

    def meltano(self, monkeypatch: pytest.MonkeyPatch, script: str, lookup: str = NO_LOOKUP) -> None:
        """Put a stand-in for `meltano` in place: a Python script that sees the same arguments and environment.

        `lookup` is what it does when a tap is asked for records; by default the tap does not know the question.
        """
        path = self.root / "meltano"
        asked = "if sys.argv[-1] == '--lookup':\n" + textwrap.indent(textwrap.dedent(lookup), "    ")
        path.write_text("#!/usr/bin/env python3\nimport json, os, sys\n" + asked + textwrap.dedent(script))
        path.chmod(0o755)
        monkeypatch.setattr("ml_connector.cli.processes.MELTANO", str(path))


def business_key(key: str) -> str:
    return f"visma:NO01:supplier_invoices:Invoice/{key}"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    (tmp_path / "meltano.yml").write_text(MELTANO_YML)
    monkeypatch.chdir(tmp_path)
    for name in ("MELTANO_PROJECT_ROOT", "MELTANO_ENVIRONMENT", "ML_CONNECTOR_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    return House(tmp_path)


@pytest.fixture
def october(house: House) -> House:
    """A finished run: 3 invoices came, one went, one waits for a cost centre, one does not foot."""
    house.run("r1", exit_code=4)
    house.tally("r1", "received", 3, "1204330.50")
    house.tally("r1", "delivered", 1, "1204129.50")
    house.tally("r1", "parked", 1, "100.50")
    house.tally("r1", "refused", 1, "100.50")
    house.tally("r1", "received", 2, currency="", record_type="cost_centers")
    house.tally("r1", "delivered", 2, currency="", record_type="cost_centers")
    missing = {"reason": "cost_center_missing", "field": "cost_center", "value": "990", "message": "990 is not there"}
    house.delivery("1", "delivered", amount="1204129.50")
    house.delivery("2", "parked", suggestion="Add cost center 990; then run again.", **missing)
    house.delivery("3", "refused", reason="does_not_foot", message="they differ by 100.00 NOK")
    secret = {"referenceNumber": "2", "total": 1.10, "bankAccount": "97101212345", "contact": {"email": "a@b.no"}}
    house.letter(7, "2", json.dumps(secret).replace("1.1", "1.10"))
    house.letter(8, "3", '{"referenceNumber":"3","iban":"NO9386011117947","text":"pay NO93 8601 1117 947 now"}')
    return house
