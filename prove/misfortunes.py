"""A thousand ways to fail, each with canaries in its settings, its records, or the vendor's answer."""

from __future__ import annotations

import base64
import html
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ml_connector_simulators.kit import Fault
from tap_visma.tap import TapVisma
from target_servicenow_importset.target import TargetServiceNowImportSet

from prove.child import Case
from prove.flow import SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prove.stage import Stage

    Misfortune = Callable[[Stage], Case]

LABELS = {"pipeline", "company", "mapping", "maps_dir", "replay_of"}
"""Settings that name things in the store; they are no place for a secret (docs/secrets.md)."""

BROKEN = {
    "tap": (
        "ml_connector.http.client:Client._attempt",
        "ml_connector.singer.io:Writer.write_records",
        "ml_connector.singer.totals:Totals.emit",
        "tap_visma.tap:visma_client",
    ),
    "target": (
        "target_servicenow_importset.sink:ServiceNowSink.send",
        "target_servicenow_importset.sink:ServiceNowSink.check",
        "ml_connector.mapping.source_map:SourceMap.apply",
        "ml_connector.delivery.outbox:write_effects",
        "ml_connector.delivery.outbox:settle",
        "ml_connector.delivery.deadletters:open_letters",
        "ml_connector.http.client:Client._send",
        "ml_connector.http.auth:ClientCredentials.headers",
    ),
}


def tap(stage: Stage, kind: str, settings: Mapping[str, Any] | None = None, **more: Any) -> Case:
    """Return the tap with some settings changed."""
    config = {**stage.flow.tap_config(), **(settings or {})}
    catalog = next(stage.flow.folder.glob("catalog-*.json"))
    arguments = ["--config", str(stage.flow.written("tap-case.json", config)), "--catalog", str(catalog)]
    return Case(kind, "tap", arguments, environ=stage.environ, **more)


def target(stage: Stage, kind: str, stdin: str, settings: Mapping[str, Any] | None = None, **more: Any) -> Case:
    """Return the target with some settings changed, and what it reads."""
    config = {**stage.flow.target_config(), **(settings or {})}
    path = stage.flow.written("target-case.json", config)
    return Case(kind, "target", ["--config", str(path)], stdin, stage.environ, **more)


def verb(stage: Stage, kind: str, *words: str, stdin: str = "") -> Case:
    """Return a verb of the command line."""
    return Case(kind, "ml-connector", list(words), stdin, stage.environ)


# wrong settings


def reference_in_any_setting(stage: Stage) -> Case:
    """A canary comes from the vault into a setting that does not take it."""
    choices: list[tuple[Any, Callable[..., Case]]] = [(TapVisma, _tap_with), (TargetServiceNowImportSet, _target_with)]
    connector, make = stage.chance.choice(choices)
    schema: dict[str, Any] = connector.config_jsonschema
    name = stage.chance.choice(sorted(set(schema["properties"]) - LABELS))
    reference = f"secret:canary.n{stage.chance.randrange(len(stage.secrets))}"
    kinds = schema["properties"][name].get("type", "string")
    value: Any = [reference] if "array" in kinds else {"deep": reference} if "object" in kinds else reference
    return make(stage, "a vault's value in any setting", {name: value})


def _tap_with(stage: Stage, kind: str, settings: Mapping[str, Any]) -> Case:
    return tap(stage, kind, settings)


def _target_with(stage: Stage, kind: str, settings: Mapping[str, Any]) -> Case:
    return target(stage, kind, stage.lines("suppliers"), settings)


def plain_secret_of_a_wrong_type(stage: Stage) -> Case:
    """A secret stands in the settings itself, where validation quotes it, or under a misspelt name."""
    canary = stage.chance.choice(stage.secrets)
    settings: dict[str, Any] = stage.chance.choice(
        [{"client_secret": [canary]}, {"client_secret": {"a": canary}}, {"cleint_secret": canary, "tenant_id": 1}]
    )
    make = stage.chance.choice([_tap_with, _target_with])
    return make(stage, "a plain secret that is wrong", {**settings, "page_size": "many", "batch_size_rows": "many"})


def unknown_reference(stage: Stage) -> Case:
    """A setting refers to nothing."""
    make = stage.chance.choice([_tap_with, _target_with])
    return make(stage, "a reference to nothing", {"client_secret": "secret:visma.nothing"})


def unreachable_store(stage: Stage) -> Case:
    """The store's URL, password and all, is in the vault or in the settings."""
    url = f"postgresql+psycopg://user:{quote(stage.chance.choice(stage.secrets), safe='')}@127.0.0.1:1/db"
    return target(stage, "a store that is not there", stage.lines("suppliers"), {"store_url": url})


# vendors


def _echo(stage: Stage, *sent: str) -> Any:
    """Return an answer that repeats what was sent, in one of the shapes vendors choose."""
    words = " ".join(sent)
    text = f"invalid value {words} for Email; you sent {words}"
    return stage.chance.choice(
        [
            {"error": {"message": text, "detail": {"sent": list(sent)}}, "status": "failure"},
            {"error": "invalid_client", "error_description": text},
            text,
            f"<html><body>{html.escape(text)}</body></html>",
            base64.b64encode(text.encode()).decode(),
            quote(text),
            json.dumps(text).encode().hex(),
        ]
    )


def refused_sign_in(stage: Stage) -> Case:
    """The token endpoint refuses, and repeats what it was sent."""
    status = stage.chance.choice([400, 401, 403, 429, 500, 503])
    places = [(_tap_with, stage.visma, SECRETS[0]), (_target_with, stage.servicenow, SECRETS[1])]
    make, simulator, sent = stage.chance.choice(places)
    simulator.faults.add(Fault("status", "token", status=status, body=_echo(stage, sent), times=None))
    return make(stage, "a sign-in that is refused", {})


def vendor_that_echoes(stage: Stage) -> Case:
    """An answer repeats the request, and what else the process holds."""
    status = stage.chance.choice([400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 418])
    if stage.chance.random() < 0.3:
        body = _echo(stage, SECRETS[0])
        stage.visma.faults.add(Fault("status", status=status, body=body, times=None))
        return tap(stage, "an answer that repeats the request")
    lines = stage.lines("suppliers", 2) + stage.lines("supplier_invoices")
    path = stage.chance.choice(["/import/", "sys_", None])  # what has been sent is repeated: records by an import only
    people = [value for person in stage.people for value in person.values if value in lines and path == "/import/"]
    body = _echo(stage, *people, SECRETS[1], *stage.secrets[:2])
    stage.servicenow.faults.add(Fault("status", path, status=status, body=body, times=None))
    settings = {"api_key": "secret:canary.n0", "password": "secret:canary.n1", "mode": "single"}
    return target(stage, "an answer that repeats the request", lines, settings)


def vendor_that_breaks_off(stage: Stage) -> Case:
    """No answer, half an answer, or a page instead."""
    kind: Any = stage.chance.choice(["reset", "truncated", "html", "commit_then_drop", "token_expiry"])
    after = stage.chance.randrange(6)
    if stage.chance.random() < 0.3:
        stage.visma.faults.add(Fault(kind, after=after, times=None))
        return tap(stage, "an answer that breaks off")
    stage.servicenow.faults.add(Fault(kind, after=after, times=None))
    return target(stage, "an answer that breaks off", stage.lines("suppliers", 2))


# input


def bad_line(stage: Stage) -> Case:
    """A line is no Singer message; it has canaries in it."""
    lines = stage.lines("suppliers")
    record = lines.splitlines()[1]
    bad = stage.chance.choice(
        [
            record[: stage.chance.randrange(20, len(record))],
            f"[{record}]",
            record.replace('"suppliers"', '"unheard_of"'),
            record.replace('"record"', '"rekord"'),
            record.replace('"_company"', '"company_"'),
            record.replace('"RECORD"', '"RECRD"'),
            json.dumps(stage.people[0].iban),
            "Traceback: " + " ".join(stage.people[0].values),
        ]
    )
    return target(stage, "a bad line", f"{lines}{bad}\n")


def refused_record(stage: Stage) -> Case:
    """A record does not fit: its identifiers stand where a date, a number or a list should be."""
    person = stage.chance.choice(stage.people)
    changes: dict[str, Any] = stage.chance.choice(
        [
            {"lastModifiedDateTime": person.iban},
            {"name": None},
            {"currencyId": person.iban},
            {"mainContact": {"email": [person.email, {"more": person.iban}], "phone1": person.phone}},
            {"mainContact": {"email": {"deep": person.email}, "phone1": [person.phone]}},
            {"status": person.iban},
            {"supplierPaymentMethodDetails": person.account},
        ]
    )
    if stage.chance.random() < 0.5:
        amounts: dict[str, Any] = {"amount": 1, "balance": person.iban, "description": f"to {person.iban}"}
        return target(stage, "a record that is refused", stage.lines("supplier_invoices", **amounts))
    return target(stage, "a record that is refused", stage.lines("suppliers", **changes))


def crash(stage: Stage) -> Case:
    """The product itself breaks, and quotes all it holds."""
    entry = stage.chance.choice(["tap", "target", "target"])
    broken = stage.chance.choice(BROKEN[entry])
    if entry == "tap":
        return tap(stage, "a crash", broken=broken)
    return target(stage, "a crash", stage.lines("suppliers", 2), broken=broken)


# people


def look_at_it(stage: Stage) -> Case:
    """A person looks at what waits, in every way there is."""
    number = str(stage.chance.randrange(1, 40))
    words = stage.chance.choice(
        [
            ("dead", "show", number),
            ("dead", "show", number, "--json"),
            ("dead", "list", "--json"),
            ("status", "--json"),
            ("audit", "verify", "--json"),
            ("audit", "export", str(stage.flow.folder / f"export-{stage.numbers}-{stage.chance.random()}.jsonl")),
            ("reconcile", "--html", str(stage.flow.folder / f"report-{stage.chance.random()}.html"), "--json"),
            ("secrets", "list"),
            ("secrets", "check", "--json"),
        ]
    )
    return verb(stage, "a look at what waits", *words)


def change_it(stage: Stage) -> Case:
    """A person edits, drops or gives reasons, and types what should not be typed."""
    number, person = str(stage.chance.randrange(1, 40)), stage.chance.choice(stage.people)
    words = stage.chance.choice(
        [
            ("dead", "edit", number, "--set", f"description=to {person.iban}", "--reason", f"bank said {person.iban}"),
            ("dead", "edit", number, "--set", f"email={person.email}", "--reason", "new address"),
            ("dead", "drop", number, "--reason", f"paid by hand to {person.iban}"),
            ("secrets", "set", "canary.typed", stage.chance.choice(stage.secrets)),
            ("secrets", "remove", "canary.nothing"),
        ]
    )
    return verb(stage, "a person's change", *words)


def lost_key(stage: Stage) -> Case:
    """The vault's key is not there, or is another vault's."""
    other = stage.folder / "other" / "key"
    other.parent.mkdir(exist_ok=True, mode=0o700)
    descriptor = os.open(other, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    if stage.chance.random() < 0.5:
        vault = json.loads(stage.vault.path.read_text())["id"]
        os.write(descriptor, f"{vault} {base64.b64encode(stage.chance.randbytes(32)).decode()}\n".encode())
    os.close(descriptor)
    case = stage.chance.choice([_tap_with, _target_with])(stage, "a key that is lost", {})
    case.environ = {**stage.environ, "ML_CONNECTOR_KEY_FILE": str(other)}
    return case


MISFORTUNES: Mapping[str, tuple[Misfortune, int]] = {
    each.__name__: (each, share)
    for each, share in (
        (reference_in_any_setting, 4),
        (plain_secret_of_a_wrong_type, 2),
        (unknown_reference, 1),
        (unreachable_store, 1),
        (refused_sign_in, 2),
        (vendor_that_echoes, 5),
        (vendor_that_breaks_off, 2),
        (bad_line, 3),
        (refused_record, 4),
        (crash, 4),
        (look_at_it, 3),
        (change_it, 3),
        (lost_key, 1),
    )
}
"""Each kind, and its share."""
