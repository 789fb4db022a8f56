"""Echoes: what we wrote ourselves, met again as a source (DESIGN §3).

An effect is known under the business key by which a tap reads its row back, once the target has told the columns of
that key; until then under the reference the row carries. Both are durable before, or with, what they tell of. What was
delivered from there before we wrote to it is its own, and stays delivered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from ml_connector.delivery.outbox import pages
from ml_connector.delivery.sink import State
from ml_connector.delivery.work import Verdict
from ml_connector.finance.records import join_key
from ml_connector.mapping.record_map import REFERENCES
from ml_connector.store.tables import deliveries, effects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from ml_connector.delivery.sink import Effect, Outcome
    from ml_connector.delivery.work import Work
    from ml_connector.finance.records import CanonicalRecord
    from ml_connector.mapping.record_map import Echo
    from ml_connector.mapping.target_map import TargetMap

ECHO, IN_DOUBT = "echo", "echo_in_doubt"

_GIVEN_UP = (State.REFUSED, State.SKIPPED, State.WAIVED)


class _Row(NamedTuple):
    """A row we wrote, or may have written."""

    origin: str  # the business key of the record it was written of
    state: str
    remote_id: str | None


@dataclass(frozen=True, slots=True)
class Echoes:
    """Names the rows we write as a tap will name them; `company` is what the tap stamps, None when nobody knows."""

    rules: Mapping[str, Echo]  # by table
    company: str | None

    @classmethod
    def of(cls, target_map: TargetMap, company: str | None) -> Echoes:
        """Return the rules of a target map."""
        documents = target_map.documents
        rules = {each.header.table: each.echo for each in documents if each.echo is not None and each.header}
        return cls(rules if company else {}, company)

    def expected(self, effect: Effect) -> str | None:
        """Return what a row is known as before the target has told its key: by the reference it carries."""
        rule = self.rules.get(effect.table)
        if rule is None or rule.reference is None:
            return None
        return f"{self._place(rule)}?{rule.reference}={join_key(list(effect.key.values()))}"

    def told(self, outcome: Outcome) -> str | None:
        """Return the business key a tap will give a row, None while the target has not told all of it.

        A row may be there and still wait for a person: what the target has told of it is as good as of a delivered one.
        """
        rule = self.rules.get(outcome.effect.table)
        if rule is None or (outcome.state != State.DELIVERED and outcome.answered is None):
            return None
        answered = {**(outcome.answered or {}), "id": outcome.target_id or outcome.effect.target_id or ""}
        parts = [answered.get(name, "") for name in rule.key]
        return f"{self._place(rule)}:{join_key(parts)}" if all(parts) else None

    def _place(self, rule: Echo) -> str:
        return f"{rule.source_system}:{self.company}:{rule.record_type}"


def recognise(connection: Connection, works: Sequence[Work]) -> None:
    """Skip records that are our own rows read back; one that may be, while an outcome is open, waits."""
    asked = [(work, list(_names(work.record))) for work in works if work.verdict is None]
    known = _known(connection, {name for _, names in asked for name in names})
    if not known:
        return
    for work, names in asked:
        found = [(name, known[name]) for name in names if name in known]
        others = [(name, row) for name, row in found if row.origin != work.key]
        verdicts = (_verdict(row, sure=name == work.key) for name, row in others)
        work.verdict = next(filter(None, verdicts), None)


def _names(record: CanonicalRecord) -> Iterator[str]:
    yield record.business_key
    for field in REFERENCES:
        if value := record.fields.get(field):
            yield f"{record.erp_source}:{record.record_type}?{field}={value}"


def _known(connection: Connection, names: Iterable[str]) -> dict[str, _Row]:
    found: dict[str, _Row] = {}
    for page in pages(sorted(names)):
        query = select(effects.c.known_as, deliveries.c.business_key, effects.c.state, effects.c.remote_id)
        joined = query.join(deliveries, deliveries.c.id == effects.c.delivery_id)
        for known_as, *row in connection.execute(joined.where(effects.c.known_as.in_(page))):
            found[known_as] = _Row(*row)
    return found


def _verdict(row: _Row, *, sure: bool) -> Verdict | None:
    if sure:
        return Verdict(State.SKIPPED, ECHO, f"we wrote it ourselves, of {row.origin}")
    if row.state in _GIVEN_UP and row.remote_id is None:  # a document refused in part is there
        return None
    return Verdict(
        State.PARKED,
        IN_DOUBT,
        f"it carries the reference of {row.origin}, and what the target made of that one is not settled",
        suggestion="Nothing to do: it is decided as soon as the outcome of that one is known. Run its pipeline again.",
    )
