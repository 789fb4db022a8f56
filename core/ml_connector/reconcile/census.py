"""The census: the source's own list of its records, put beside the books; told as plain lines, nothing is written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from ml_connector.delivery.balance import Sum
from ml_connector.delivery.deadletters import StreamShape
from ml_connector.delivery.delivery_row import of_record
from ml_connector.delivery.intake import Intake
from ml_connector.delivery.sink import State
from ml_connector.delivery.withdrawal import VANISHED, VOIDED, WITHDRAWN
from ml_connector.delivery.work import OPEN_STATES
from ml_connector.reconcile.ledger import kind_of
from ml_connector.secrets.sealing import masked
from ml_connector.singer.schema import DELETED_AT
from ml_connector.store.tables import deliveries
from ml_connector.store.text import stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ml_connector.delivery.settings import Guards
    from ml_connector.delivery.work import Work
    from ml_connector.mapping.source_map import SourceMap
    from ml_connector.mapping.target_map import TargetMap
    from ml_connector.reconcile.scope import Scope
    from ml_connector.store import Store

LEFT_OUT, NEVER_READ, CHANGED, GONE = "left_out", "never_read", "changed", "vanished"
FINDINGS = (NEVER_READ, CHANGED, VOIDED, GONE)
"""What a census can find, and where a record of the source stands that the books do not hold as it is."""

FEWEST = 3
"""So many may vanish at once whatever share of the records they are."""

_HELD = (
    *("business_key", "company", "record_type", "title", "state", "source_state", "source_hash"),
    *("source_modified_at", "amount", "currency", "period"),
)


class Group(NamedTuple):
    """Records that are listed together."""

    company: str
    record_type: str


class Place(NamedTuple):
    """Where records of the source stand in the books."""

    company: str
    record_type: str
    currency: str
    kind: str
    rule: str  # that leaves them out


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as the source has it now."""

    row: Mapping[str, Any]  # as the books would keep it
    source_hash: str
    rule: str  # that leaves it out, '' for none

    @property
    def group(self) -> Group:
        """What it is listed with."""
        return Group(self.row["company"], self.row["record_type"])


@dataclass(slots=True)
class _Listing:
    """What one stream listed: of a set that moved while it was read, only the last pass counts."""

    number: int = 0
    seen: dict[str, Seen] = field(default_factory=dict)
    company: str = ""
    complete: bool = False


class Census:
    """Compares what a tap lists with what the store holds of one pipeline."""

    def __init__(self, source_map: SourceMap, target_map: TargetMap, guards: Guards, most_vanished: float) -> None:
        """Take the parts; `most_vanished` is the share of a group's records that may vanish at once."""
        self._shapes: dict[str, StreamShape] = {}
        self._intake = Intake(source_map, target_map, self._shapes)
        self._map = source_map
        self._guards = guards
        self._most_vanished = most_vanished
        self._listings: dict[str, _Listing] = defaultdict(_Listing)

    def take(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Take what a tap's `--census` told."""
        for line in lines:
            listing = self._listings[line["stream"]]
            if line["pass"] != listing.number:
                listing.number, listing.seen = line["pass"], {}
            if "keys" in line:
                self._shapes[line["stream"]] = StreamShape("{}", tuple(line["keys"]))
            elif "record" in line:
                for work in self._intake.read(line["stream"], line["record"]):
                    listing.seen[work.key] = self._look(work, line.get("rule", ""))
            else:
                listing.company, listing.complete = line["company"], line["complete"]

    def _look(self, work: Work, rule: str) -> Seen:
        verdict = work.verdict or self._guards.verdict(work.record)
        if verdict is not None and verdict.state == State.SKIPPED:
            rule = verdict.reason
        return Seen(of_record(work.record), work.source_hash, rule)

    # what it comes to

    def lines(self, store: Store, pipeline: str, target_id: str, scope: Scope) -> Iterator[dict[str, Any]]:
        """Yield the streams, the findings, and the source's totals by what the books hold of each record."""
        held = _held(store, pipeline, target_id)
        for name, listing in sorted(self._listings.items()):
            yield {"stream": name, "count": len(listing.seen), "complete": listing.complete}
        totals: dict[Place, Sum] = defaultdict(Sum)
        newest = _newest(held.values())
        for key, seen in self._seen().items():
            if scope.holds(seen.group.company, seen.row.get("period")):
                kind = _kind(seen, held.get(key))
                rule = seen.rule if kind == LEFT_OUT else ""
                place = Place(*seen.group, seen.row["currency"] or "", kind, rule)
                totals[place].add(1, _amount(seen.row))
                if kind in FINDINGS:
                    yield _finding(kind, key, seen.row, held.get(key), newest.get(seen.group))
        yield from self._vanished(held, scope)
        for place, total in sorted(totals.items()):
            amounts = {"count": total.count, "amount": str(total.amount)}
            yield {"total": place._asdict() | amounts}

    def _seen(self) -> dict[str, Seen]:
        return {key: seen for listing in self._listings.values() for key, seen in listing.seen.items()}

    def _vanished(self, held: Mapping[str, Mapping[str, Any]], scope: Scope) -> Iterator[dict[str, Any]]:
        """Yield what the books hold and the source has no more; a group that loses too many at once is not believed."""
        seen, listed = self._seen(), self._listed()
        groups: dict[Group, list[str]] = defaultdict(list)
        sizes: dict[Group, int] = defaultdict(int)
        for key, row in held.items():
            group = Group(row["company"], row["record_type"])
            if group in listed and _lives(row):
                sizes[group] += 1
                if key not in seen:
                    groups[group].append(key)
        for group, keys in sorted(groups.items()):
            allowed = max(FEWEST, int(sizes[group] * self._most_vanished))
            if len(keys) > allowed:
                counts = {"missing": len(keys), "held": sizes[group], "allowed": allowed}
                yield {"not_believed": group._asdict() | counts}
                continue
            for key in sorted(keys):
                if scope.holds(group.company, held[key]["period"]):
                    stub = self._stub(listed[group], key, group)
                    yield _finding(GONE, key, held[key], held[key], None) | stub

    def _listed(self) -> dict[Group, str]:
        """Return the groups that were listed whole, each with a stream that its records come from."""
        streams: dict[str, list[str]] = defaultdict(list)
        for name, maps in self._map.streams.items():
            for each in maps:
                streams[each.fields.type.name].append(name)
        found = {}
        for record_type, names in streams.items():
            listings = [self._listings[name] for name in names if name in self._listings]
            if len(listings) == len(names) and all(listing.complete for listing in listings):
                found.update({Group(listing.company, record_type): names[0] for listing in listings})
        return found

    def _stub(self, stream: str, key: str, group: Group) -> dict[str, Any]:
        """Return the Singer record that says so, where the map's key columns are plain fields of the record."""
        maps = [each for each in self._map.streams[stream] if each.fields.type.name == group.record_type]
        names = [column.name for column in maps[0].key]
        source_key = key.removeprefix(f"{self._map.source_system}:{group.company}:{group.record_type}:")
        parts = source_key.split("/", len(names) - 1)
        record = {"_company": group.company, **dict(zip(names, parts, strict=False)), DELETED_AT: stamp(utc_now())}
        told = [work.key for work in self._intake.read(stream, record)] if len(parts) == len(names) else []
        return {"stream": stream, "keys": ["_company", *names], "stub": record} if told == [key] else {}


def _held(store: Store, pipeline: str, target_id: str) -> dict[str, dict[str, Any]]:
    mine = (deliveries.c.pipeline == pipeline, deliveries.c.target_id == target_id)
    with store.reading() as connection:
        rows = connection.execute(select(*(deliveries.c[name] for name in _HELD)).where(*mine)).mappings()
        return {row["business_key"]: dict(row) for row in rows}


def _lives(row: Mapping[str, Any]) -> bool:
    """Say whether the books count on a record's being in the source."""
    settled = row["state"] == State.DELIVERED and row["source_state"] not in WITHDRAWN
    return settled or (row["state"] in OPEN_STATES and row["source_state"] != VANISHED)


def _kind(seen: Seen, held: Mapping[str, Any] | None) -> str:
    """Return where a record of the source stands in the books."""
    if held is None:
        return LEFT_OUT if seen.rule else NEVER_READ
    kind = kind_of(held["state"], held["source_state"])
    if held["source_hash"] == seen.source_hash or held["state"] == State.WAIVED:
        return kind
    return VOIDED if seen.row["source_state"] == VOIDED and _lives(held) else CHANGED


def _newest(held: Iterable[Mapping[str, Any]]) -> dict[Group, str]:
    """Return, per group, the newest change the books have seen, by the source's own clock."""
    found: dict[Group, str] = {}
    for row in held:
        group = Group(row["company"], row["record_type"])
        found[group] = max(found.get(group, ""), row["source_modified_at"] or "")
    return found


def _finding(
    kind: str, key: str, row: Mapping[str, Any], held: Mapping[str, Any] | None, newest: str | None
) -> dict[str, Any]:
    """Return a finding; `waits` when the change is newer than all that was read, so that the next run brings it."""
    modified = row["source_modified_at"]
    names = ("company", "record_type", "title", "amount", "currency", "period")
    return {
        "finding": kind,
        "business_key": key,
        **masked({name: row.get(name) for name in names}),
        "state": held["state"] if held else None,
        "modified": modified,
        "held_modified": held["source_modified_at"] if held else None,
        "waits": kind != GONE and (not newest or not modified or modified > newest),
    }


def _amount(row: Mapping[str, Any]) -> Decimal:
    return Decimal(row["amount"] or 0) if row["currency"] else Decimal(0)
