"""Dimensions proven before anything is posted: every reference is looked up in the target's live master (L4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_connector.errors import ConfigError, RecordParked, RecordRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from ml_connector.delivery.sink import Row, Sink
    from ml_connector.delivery.work import Work
    from ml_connector.mapping.target_map import Dimension, Policy


class Reference(NamedTuple):
    """A dimension value as a record names it: after the crosswalk, within one ERP source."""

    dimension: str
    erp_source: str
    code: str


class Dimensions:
    """What is known of the target's masters in this run."""

    def __init__(self, dimensions: Mapping[str, Dimension], sink: Sink) -> None:
        self._dimensions = dimensions
        self._sink = sink
        self._proof: dict[Reference, list[Row]] = {}

    def collector(self) -> Collector:
        """Return what gathers the references of a batch while it is mapped with all of them taken as good."""
        return Collector(self)

    def resolver(self, erp_source: str) -> Resolver:
        """Return what answers `dimension()` for one record from proofs."""
        return Resolver(self, erp_source)

    def forget_missing(self) -> None:
        """Forget what was not there: it may have been delivered since."""
        self._proof = {reference: rows for reference, rows in self._proof.items() if rows}

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
            keys = [(reference.erp_source, reference.code) for reference in ordered]
            found = self._sink.lookup(dimension.table, dimension.key_columns, keys, dimension.columns)
            for reference, key in zip(ordered, keys, strict=True):
                self._proof[reference] = found.get(key, [])

    def _stand_ins(self, reference: Reference) -> list[Reference]:
        dimension = self[reference.dimension]
        defaults = {policy.default for policy in (dimension.missing, dimension.inactive) if policy.default}
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

    def is_plain(self, reference: Reference, on: date | None) -> bool:
        """Whether a reference is there and active, so that mapping again would change nothing."""
        return any(self[reference.dimension].usable(row, on) for row in self.rows(reference))

    def translate(self, dimension: Dimension, value: str, company: str, on: date | None) -> str | None:
        """Return the target's code for a source value; None when the crosswalk has no row for it."""
        return value if dimension.crosswalk is None else dimension.crosswalk.find(company, value, on)


@dataclass(slots=True)
class Collector:
    """Notes which references each record of a batch makes."""

    dimensions: Dimensions
    wanted: set[Reference] = field(default_factory=set)
    _by_work: dict[int, list[tuple[Reference | None, date | None]]] = field(default_factory=dict)

    def of(self, work: Work) -> Any:
        """Return the `dimension()` of one record: it answers with the translated code, unproven."""
        mine = self._by_work.setdefault(id(work), [])
        erp_source = work.record.erp_source

        def collect(name: str, value: str | None, company: str, on: date | None) -> str | None:
            if value in (None, ""):
                return None
            dimension = self.dimensions[name]
            code = self.dimensions.translate(dimension, str(value), company, on)
            if code is None:
                mine.append((None, on))
                return str(value)
            reference = Reference(name, erp_source, code)
            self.wanted.add(reference)
            mine.append((reference, on))
            return code

        return collect

    def needs_another_look(self, work: Work) -> bool:
        """Whether some reference of this record is missing, inactive or not in the crosswalk."""
        references = self._by_work.get(id(work), [])
        return any(reference is None or not self.dimensions.is_plain(reference, on) for reference, on in references)


class Resolver:
    """The `dimension()` of one record, answered from proofs and the map's policies."""

    def __init__(self, dimensions: Dimensions, erp_source: str) -> None:
        self._dimensions = dimensions
        self._erp_source = erp_source
        self.defaulted: list[str] = []

    def __call__(self, dimension: str, value: str | None, company: str, on: date | None) -> str | None:
        """Return the proven code, or the default that stands in for it.

        Raises:
            RecordParked, RecordRefused: The value is missing or inactive and the map's policy says so.
        """
        if value in (None, ""):
            return None
        spec = self._dimensions[dimension]
        code = self._dimensions.translate(spec, str(value), company, on)
        if code is None:
            return self._apply(spec, spec.missing, "missing", str(value), f"{value} is not in the crosswalk for {on}")
        rows = self._dimensions.rows(Reference(dimension, self._erp_source, code))
        if not rows:
            return self._apply(spec, spec.missing, "missing", code, f"{code} is not in {spec.table}")
        if not any(spec.usable(row, on) for row in rows):
            return self._apply(spec, spec.inactive, "inactive", code, f"{code} is not active in {spec.table} on {on}")
        return code

    def _apply(self, spec: Dimension, policy: Policy, kind: str, code: str, words: str) -> str:
        reason = f"{spec.name}_{kind}"
        label = spec.name.replace("_", " ")
        if policy.default:
            stand_in = Reference(spec.name, self._erp_source, policy.default)
            if any(spec.usable(row, None) for row in self._dimensions.rows(stand_in)):
                self.defaulted.append(f"{spec.name}:{code}->{policy.default}")
                return policy.default
            words = f"{words}, and neither is its default {policy.default}"
        error = RecordRefused if policy.refuses else RecordParked
        raise error(
            reason,
            f"{label} {words}",
            field=spec.name,
            value=code,
            suggestion=f"Bring {label} {code} into the target or add a crosswalk row, then run again.",
        )
