"""Dimensions without a target: values translated by crosswalk, and proven by the masters that went by before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.finance.kinds import to_text
from ml_connector.mapping.dimensions import SOURCE_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from ml_connector.finance.records import CanonicalRecord

    from mapper_dimensions.rules import Rule


@dataclass(frozen=True, slots=True)
class Master:
    """What is kept of a master record: whether, and when, it may be used."""

    active: bool
    first: date | None
    last: date | None

    def is_valid(self, on: date | None) -> bool:
        """Say whether it may be used on a day."""
        if not self.active:
            return False
        return on is None or ((self.first is None or self.first <= on) and (self.last is None or on <= self.last))


@dataclass(slots=True)
class Resolver:
    """Resolves the dimensions of records, in the order they come."""

    rules: Sequence[Rule]
    unproven: Counter[str] = field(default_factory=Counter)  # values by dimension that nothing spoke for or against
    _masters: dict[tuple[str, str, str, str], Master] = field(default_factory=dict)

    def learn(self, record: CanonicalRecord) -> None:
        """Note a master: it is what later records refer to."""
        for name in {rule.value_field for rule in self.rules if rule.record_type == record.record_type}:
            value = record.source_key if name == SOURCE_KEY else to_text(record.fields.get(name) or "")
            if value:
                fields = record.fields
                master = Master(fields.get("active") is not False, fields.get("valid_from"), fields.get("valid_to"))
                self._masters[record.record_type, name, record.erp_source, value] = master

    def resolve(self, record: CanonicalRecord) -> list[str]:
        """Put the target's codes into a record; return what was replaced by a default, or left out.

        Raises:
            RecordParked: A value is missing or inactive and the rule lets the record wait.
            RecordRefused: A value is missing or inactive and the rule refuses the record.
        """
        found = [
            (holder, key, rule)
            for rule in self.rules
            for path in rule.paths
            for holder, key in _holders(record.fields, path)
        ]
        told: list[str] = []
        codes = [(holder, key, self._code(rule, record, holder[key], told)) for holder, key, rule in found]
        for holder, key, code in codes:
            holder[key] = code
        return told

    def _code(self, rule: Rule, record: CanonicalRecord, value: Any, told: list[str]) -> str | None:
        on = record.fields.get("posting_date") or record.document_date
        code = value if rule.crosswalk is None else rule.crosswalk.lookup(record.company, value, on)
        if code is None and rule.crosswalk is not None:
            return _instead(
                rule, "missing", value, f"{value} is not in the crosswalk {rule.crosswalk.name} on {on}", told
            )
        master = self._masters.get((rule.record_type, rule.value_field, record.erp_source, value))
        if master is None and rule.complete:
            where = rule.record_type.replace("_", " ")
            return _instead(rule, "missing", value, f"{value} of {record.company} is not among its {where}", told)
        if master is not None and not master.is_valid(on):
            return _instead(rule, "inactive", value, f"{value} of {record.company} is not active on {on}", told)
        if master is None and rule.crosswalk is None:
            self.unproven[rule.name] += 1
        return str(code)


def _holders(fields: Any, path: tuple[str, ...]) -> list[tuple[dict[str, Any], str]]:
    """Return each object that holds the path's last name with a value; lists are gone through."""
    head, *rest = path
    if isinstance(fields, list):
        return [found for item in fields for found in _holders(item, path)]
    if not isinstance(fields, dict) or fields.get(head) is None:
        return []
    return _holders(fields[head], tuple(rest)) if rest else [(fields, head)]


def _instead(rule: Rule, kind: str, value: str, words: str, told: list[str]) -> str | None:
    """Return what the rule puts instead (a default code, or nothing), or raise what it says."""
    policy = rule.missing if kind == "missing" else rule.inactive
    if policy.action in ("omit", "default"):
        told.append(f"{rule.name}:{value}->{policy.code or ''}")
        return policy.code
    error = RecordRefused if policy.action == "refuse" else RecordParked
    label = rule.name.replace("_", " ")
    raise error(
        f"{rule.name}_{kind}",
        f"{label} {words}",
        field=rule.name,
        value=value,
        suggestion=f"Correct {label} {value} in the source, or add it to the crosswalk; then read the record again.",
    )
