"""The plan as data and as a file: one flow per pipeline, its records with their rows, and a hash over all of it."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from ml_connector.errors import ConfigError, PlanChanged
from ml_connector.store.text import digest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VERSION = 1


class Verdict(StrEnum):
    """What a run would make of a record."""

    NEW = "new"
    CHANGED = "changed"
    CANCELLED = "cancelled"  # voided in the source, and that is delivered
    BLOCKED = "blocked"  # parked, refused, failed or without an outcome
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"  # by a rule, or by a person


SENDING = (Verdict.NEW, Verdict.CHANGED, Verdict.CANCELLED)
"""The verdicts by which something goes out."""


class Cell(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One column of a row: what would be sent, what was sent last, and what the target holds where that differs."""

    new: str | None = None
    old: str | None = None
    target: str | None = None


class Row(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One row of a record in the target."""

    name: str  # header, line:3
    table: str
    change: str  # new, changed, again (same content), gone (the source has it no more, the target keeps it)
    columns: dict[str, Cell] = msgspec.field(default_factory=dict)
    note: str = ""  # what the target holds instead of the row


class Record(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One record: what a run would make of it, and why."""

    key: str
    company: str
    record_type: str
    verdict: Verdict
    source_hash: str
    title: str = ""
    amount: str | None = None
    amount_before: str | None = None  # when it was last sent, where that differs
    currency: str | None = None
    state: str = ""  # the state it would be in
    reason: str | None = None
    field: str | None = None
    value: str | None = None
    message: str | None = None
    suggestion: str | None = None
    defaulted: list[str] = msgspec.field(default_factory=list)
    rows: list[Row] = msgspec.field(default_factory=list)
    sends: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)  # source hash → row → its hash

    @property
    def name(self) -> str:
        """What people call it."""
        return self.title or self.key


class Seen(Struct, forbid_unknown_fields=True):
    """Rows of the target that the plan was judged against."""

    table: str
    key: dict[str, str]
    columns: list[str]
    hash: str

    @property
    def place(self) -> tuple[str, ...]:
        """Where was looked, and at what."""
        return (self.table, *(text for pair in sorted(self.key.items()) for text in pair), "", *sorted(self.columns))


class Rows(Struct, forbid_unknown_fields=True):
    """Rows of one table that a bulk load would treat alike; records are told one by one only when they are blocked."""

    table: str
    record_type: str
    company: str
    currency: str
    verdict: Verdict
    count: int
    amount: str


class Flow(Struct, forbid_unknown_fields=True):
    """What a run of one pipeline would do."""

    pipeline: str
    target_id: str
    target_label: str
    mapping: str
    map_version: str
    records: list[Record]
    seen: list[Seen]
    rows: list[Rows] = msgspec.field(default_factory=list)  # of a bulk load
    statements: list[str] = msgspec.field(default_factory=list)  # by which its tables would follow their streams


class Plan(Struct, forbid_unknown_fields=True):
    """What `meltano run BLOCKS` would do."""

    blocks: list[str]
    environment: str
    made_at: str
    made_by: str
    flows: list[Flow]
    version: int = VERSION
    hash: str = ""

    def sealed(self) -> Plan:
        """Return it with the hash of its content."""
        return msgspec.structs.replace(self, hash=content_hash(self))

    @property
    def records(self) -> list[Record]:
        """The records of all flows."""
        return [record for flow in self.flows for record in flow.records]

    @property
    def rows(self) -> list[Rows]:
        """What bulk loads of all flows would do, in counts."""
        return [rows for flow in self.flows for rows in flow.rows]

    @property
    def sends(self) -> bool:
        """Whether carrying it out would send anything."""
        return any(record.sends for record in self.records) or any(rows.verdict in SENDING for rows in self.rows)


def content_hash(plan: Plan) -> str:
    """Return the hash of everything a plan says."""
    content = msgspec.to_builtins(plan)
    del content["hash"]
    return digest(content)


def save(content: Plan | Flow, path: Path) -> None:
    """Write it as JSON for its owner alone, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = path.with_name(f".{path.name}.part")
    with open(half, "wb", opener=_private) as file:
        file.write(msgspec.json.format(msgspec.json.encode(content), indent=1))
    half.replace(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def read_flow(path: Path) -> Flow:
    """Return the flow that a target wrote.

    Raises:
        ConfigError: It has another shape: the target is of another release.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Flow)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        words = f"the target of {path.stem} plans in another release's form ({error}). Install both of one release."
        raise ConfigError(words) from None


def read_plan(path: Path) -> Plan:
    """Return a saved plan.

    Raises:
        ConfigError: There is no such file, or it is no plan.
        PlanChanged: The file was changed since it was saved.
    """
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    except OSError as error:
        raise ConfigError(f"the plan {path} cannot be read: {error.strerror}. Make one: ml-connector plan") from None
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ConfigError(f"{path} is no plan of this release: {error}. Make one: ml-connector plan") from None
    if plan.version != VERSION or plan.hash != content_hash(plan):
        raise PlanChanged(f"the file {path} was changed after the plan was saved. Nothing was written. Plan again.")
    return plan


def row_hash(table: str, via: str, key: dict[str, str], payload: dict[str, Any]) -> str:
    """Return the hash of a row as it is sent."""
    return digest([table, via, key, payload])


def by_key(records: Iterable[Record]) -> dict[str, Record]:
    """Return records under their business keys."""
    return {record.key: record for record in records}
