"""Dimensions proven before anything is posted: every reference is looked up in the target's live master (L4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ml_connector.delivery.circles import refers_back
from ml_connector.errors import ConfigError, RecordParked, RecordRefused
from ml_connector.mapping.dimensions import SOURCE_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from ml_connector.delivery.sink import Row, Sink
    from ml_connector.delivery.work import Verdict, Work
    from ml_connector.mapping.dimensions import Dimension, DimensionResolver, Policy


class Reference(NamedTuple):
    """A dimension value as a record names it: after the crosswalk, within one company of one system."""

    dimension: str
    source_system: str
    company: str
    code: str


class Dimensions:
    """What is known of the target's masters in this run."""

    def __init__(
        self, dimensions: Mapping[str, Dimension], sink: Sink, on_its_way: Callable[[str], bool] = lambda _key: False
    ) -> None:
        self._dimensions = dimensions
        self._sink = sink
        self._on_its_way = on_its_way
        self.arriving: set[str] = set()  # business keys of the batch under way
        self.let_go: set[tuple[str, str]] = set()  # what a record need not wait for, because it waits for that record
        self._proof: dict[Reference, list[Row]] = {}

    def collector(self) -> Collector:
        """Return what gathers the references of a batch while it is mapped with all of them taken as good."""
        return Collector(self)

    def resolver(self, work: Work) -> Resolver:
        """Return what answers `dimension()` for one record from proofs."""
        return Resolver(self, work.record.source_system, work.key)

    def forget(self, record_type: str | None = None) -> None:
        """Forget what was not there, and masters of this record type: deliveries may have changed them since."""
        self._proof = {
            reference: rows
            for reference, rows in self._proof.items()
            if rows and self[reference.dimension].record_type != record_type
        }

    def prove(self, references: Iterable[Reference]) -> None:
        """Look up, at once per master, every reference not yet known, and the defaults that may stand in."""
        unknown: dict[str, set[Reference]] = {}
        for reference in references:
            for candidate in (reference, *self._stand_ins(reference)):
                if candidate not in self._proof:
                    unknown.setdefault(candidate.dimension, set()).add(candidate)
        for name, wanted in unknown.items():
            dimension = self[name]
            ordered = sorted(wanted)
            keys = [dimension.key(*reference[1:]) for reference in ordered]
            found = self._sink.lookup(dimension.table, dimension.key_columns, keys, dimension.columns)
            for reference, key in zip(ordered, keys, strict=True):
                self._proof[reference] = found.get(key, [])

    def _stand_ins(self, reference: Reference) -> list[Reference]:
        dimension = self[reference.dimension]
        defaults = {policy.code for policy in (dimension.missing, dimension.inactive) if policy.code}
        return [reference._replace(code=code) for code in sorted(defaults)]

    def __getitem__(self, name: str) -> Dimension:
        """Return a dimension of the target map."""
        if name not in self._dimensions:
            known = ", ".join(sorted(self._dimensions)) or "none"
            raise ConfigError(
                f"the map uses dimension {name!r}, but its dimensions are: {known}. Add it or correct it."
            )
        return self._dimensions[name]

    def rows(self, reference: Reference) -> list[Row]:
        """Return the master rows that prove a reference; none when it is missing."""
        return self._proof.get(reference, [])

    def waits(self, reference: Reference, referring: str) -> bool:
        """Whether the master is another record of this pipeline that has not arrived yet."""
        key = self.key_of(reference)
        return key not in (None, referring) and (key in self.arriving or self._on_its_way(str(key)))

    def key_of(self, reference: Reference) -> str | None:
        """Return the business key of the master, None when it is known by something else than its key."""
        dimension = self[reference.dimension]
        if dimension.value_field != SOURCE_KEY:
            return None
        return f"{reference.source_system}:{reference.company}:{dimension.record_type}:{reference.code}"

    def is_plain(self, reference: Reference, on: date | None) -> bool:
        """Whether a reference is there and active, so that mapping again would change nothing."""
        return any(self[reference.dimension].is_active(row, on) for row in self.rows(reference))


@dataclass(slots=True)
class Collector:
    """Notes which references each record of a batch makes."""

    dimensions: Dimensions
    wanted: set[Reference] = field(default_factory=set)
    _by_work: dict[int, list[tuple[Reference | None, date | None]]] = field(default_factory=dict)

    def of(self, work: Work) -> DimensionResolver:
        """Return the `dimension()` of one record: it answers with the translated code, unproven."""
        mine = self._by_work.setdefault(id(work), [])
        source_system = work.record.source_system

        def collect(dimension: str, value: str | None, company: str, on: date | None) -> str | None:
            if not value:
                return None
            code = self.dimensions[dimension].translate(company, value, on)
            reference = None if code is None else Reference(dimension, source_system, company, code)
            mine.append((reference, on))
            if reference is not None:
                self.wanted.add(reference)
            return code or value

        return collect

    def needs_another_look(self, work: Work) -> bool:
        """Whether some reference of this record is missing, inactive or not in the crosswalk."""
        references = self._by_work.get(id(work), [])
        return any(reference is None or not self.dimensions.is_plain(reference, on) for reference, on in references)


class Resolver:
    """The `dimension()` of one record, answered from proofs and the map's policies."""

    def __init__(self, dimensions: Dimensions, source_system: str, referring: str) -> None:
        self._dimensions = dimensions
        self._source_system = source_system
        self._referring = referring
        self.defaulted: list[str] = []
        self.let_go: Verdict | None = None  # what the record is completed with later

    def __call__(self, dimension: str, value: str | None, company: str, on: date | None) -> str | None:
        """Return the proven code, or what the map puts instead of it.

        Raises:
            RecordParked: The value is missing or inactive and the map says it waits.
            RecordRefused: The value is missing or inactive and the map says its data must change.
        """
        if not value:
            return None
        spec = self._dimensions[dimension]
        code = spec.translate(company, value, on)
        reference = Reference(dimension, self._source_system, company, code or value)
        if code is None:
            return self._instead(spec, "missing", reference, f"{value} is not in the crosswalk on {on}", on)
        self._dimensions.prove([reference])  # known already, unless the expression asks for it only now
        rows = self._dimensions.rows(reference)
        if not rows:
            return self._instead(spec, "missing", reference, f"{code} of {company} is not in {spec.table}", on)
        if not any(spec.is_active(row, on) for row in rows):
            return self._instead(spec, "inactive", reference, f"{code} of {company} is not active on {on}", on)
        return code

    def _instead(self, spec: Dimension, kind: str, reference: Reference, words: str, on: date | None) -> str | None:
        """Return what the map puts instead (a default code, or nothing), or raise what it says."""
        policy: Policy = spec.missing if kind == "missing" else spec.inactive
        label = spec.name.replace("_", " ")
        waits = self._dimensions.waits(reference, self._referring)
        if waits and (self._referring, self._dimensions.key_of(reference)) in self._dimensions.let_go:
            waits, self.let_go = False, refers_back(spec.name, reference.code)
        if waits:
            words = f"{reference.code} of {reference.company} has not arrived in the target yet"
        elif policy.action == "omit":
            self.defaulted.append(f"{spec.name}:{reference.code}->")
            return None
        elif policy.code is not None:
            stand_in = reference._replace(code=policy.code)
            if any(spec.is_active(row, on) for row in self._dimensions.rows(stand_in)):
                self.defaulted.append(f"{spec.name}:{reference.code}->{policy.code}")
                return policy.code
            words = f"{words}, and neither is its default {policy.code}"
        error = RecordRefused if policy.action == "refuse" and not waits else RecordParked
        raise error(
            f"{spec.name}_{kind}",
            f"{label} {words}",
            field=spec.name,
            value=reference.code,
            suggestion=f"Make {label} {reference.code} available in the target, or map it; then run again.",
        )
