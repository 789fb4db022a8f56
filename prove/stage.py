"""Where the canaries live: two vendors, a vault with every secret, a tap's lines with every identifier, a store."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector.secrets import Secret
from ml_connector.secrets.vault import Vault
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator

from prove import books
from prove.canaries import Person, secret
from prove.flow import SECRETS, Flow, execute

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

STREAMS = ("suppliers", "supplier_invoices")
QUICK = {"patience": 0, "settle_window": 0, "request_timeout": 5}
PEOPLE = 4
ROOT = Path(__file__).parents[1]


@dataclass
class Stage:
    """A project folder with two vendors beside it."""

    folder: Path
    visma: VismaSimulator
    servicenow: ServiceNowSimulator
    chance: random.Random
    people: list[Person]
    secrets: list[str]
    schemas: dict[str, str] = field(default_factory=dict)
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    numbers: int = 0

    @property
    def environ(self) -> dict[str, str]:
        """The vault's place and the key's."""
        return {
            "ML_CONNECTOR_VAULT": str(self.folder / "project" / "vault" / "vault.json"),
            "ML_CONNECTOR_KEY_FILE": str(self.folder / "keys" / "key"),
            "ML_CONNECTOR_STORE_URL": self.flow.store_url,
            "MELTANO_PROJECT_ROOT": str(self.folder / "project"),
            "MELTANO_ENVIRONMENT": "prod",
        }

    @property
    def vault(self) -> Vault:
        """The vault that settings refer to."""
        return Vault.find(self.environ)

    @property
    def flow(self) -> Flow:
        """The settings of tap and target, every secret a reference."""
        tap = {"client_secret": "secret:visma.client_secret", "include_private": True, "patience": 0}
        target = {**QUICK, "client_secret": "secret:servicenow.client_secret", "cutover_date": "2020-01-01"}
        folder, urls = self.folder / "project" / "flow", (self.visma.url, self.servicenow.url)
        target |= {"pipeline": "tap-visma-no-to-target-servicenow", "maps_dir": str(self.folder / "project" / "maps")}
        return Flow(folder, *urls, tap_settings=tap, target_settings=target)

    @property
    def canaries(self) -> list[str]:
        """Everything that must be seen nowhere."""
        return [*self.secrets, *SECRETS, *(value for person in self.people for value in person.values)]

    def lines(self, stream: str, count: int = 1, **changes: Any) -> str:
        """Return Singer lines of new records of a stream, each with somebody's identifiers."""
        told = [self.schemas[stream]]
        for _ in range(count):
            self.numbers += 1
            model = json.loads(json.dumps(self.chance.choice(self.records[stream])))
            name = "number" if stream == "suppliers" else "referenceNumber"
            record = {**model, name: f"9{self.numbers:06}", **changes}
            told.append(json.dumps({"type": "RECORD", "stream": stream, "record": record}))
        return "\n".join(told) + "\n"


@contextmanager
def staged(folder: Path, chance: random.Random) -> Iterator[Stage]:
    """Set the stage: identifiers in every row of Visma that has any, secrets in the vault, lines read by the tap."""
    with running(VismaSimulator()) as visma, running(ServiceNowSimulator()) as servicenow:
        people = [Person.made(chance) for _ in range(PEOPLE)]
        stage = Stage(folder, visma, servicenow, chance, people, [secret(chance) for _ in range(4)])
        (folder / "project").mkdir(parents=True)
        _write_project(folder / "project")
        for name, value in zip(("visma.client_secret", "servicenow.client_secret"), SECRETS, strict=True):
            stage.vault.put(name, Secret(value))
        for number, value in enumerate(stage.secrets):
            stage.vault.put(f"canary.n{number}", Secret(value))
        _write_map(folder / "project" / "maps")
        _settle_people(stage)
        _read(stage)
        yield stage


def _write_project(folder: Path) -> None:
    """Copy this project's flows; the secrets of its demonstration are no longer in the file."""
    text = (ROOT / "meltano.yml").read_text()
    for value in SECRETS:
        text = text.replace(value, "secret:demo.elsewhere")
    (folder / "meltano.yml").write_text(text)


def _write_map(folder: Path) -> None:
    """Make ServiceNow's map send what it sends of suppliers, and their e-mail address and telephone number."""
    text = (ROOT / "mappers/finance-maps/ml_connector_maps/servicenow-s2p.yml").read_text()
    account = "      General ledger account: dimension('supplier_account', account, company, None)\n"
    more = "      Email: email\n      Primary phone number: phone\n"
    folder.mkdir()
    (folder / "servicenow-s2p.yml").write_text(text.replace(account, more))


def _settle_people(stage: Stage) -> None:
    """Put identifiers into suppliers and invoices, few of which are left."""
    books.resize(stage.visma, "NO01", 4)
    suppliers = stage.visma.rows("NO01", "supplier")
    for row in suppliers[6:]:
        stage.visma.remove("NO01", "supplier", row["number"])
    for place, row in enumerate(suppliers[:6]):
        person = stage.people[place % PEOPLE]
        numbers = enumerate((person.account, person.iban))
        details = [{"paymentMethodDetailValue": value, "paymentMethodDetailID": str(n)} for n, value in numbers]
        contact = {**row["mainContact"], "email": person.email, "phone1": person.phone}
        changes = {"mainContact": contact, "supplierPaymentMethodDetails": details}
        stage.visma.edit("NO01", "supplier", row["number"], **changes)
    for place, row in enumerate(stage.visma.rows("NO01", books.INVOICE)):
        text = f"please pay to {stage.people[place % PEOPLE].iban} soon"
        stage.visma.edit("NO01", books.INVOICE, books.key_of(row), **{"invoiceLines.0.transactionDescription": text})


def _read(stage: Stage) -> None:
    """Read them with the tap, as any run would."""
    with _around(stage.environ):
        ended = execute(stage.flow.tap(streams=STREAMS))
    if ended.code:
        raise RuntimeError(ended.err)
    for line in ended.out.splitlines():
        message = json.loads(line)
        if message["type"] == "SCHEMA":
            stage.schemas[message["stream"]] = line
        elif message["type"] == "RECORD":
            stage.records.setdefault(message["stream"], []).append(message["record"])


@contextmanager
def _around(environ: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
