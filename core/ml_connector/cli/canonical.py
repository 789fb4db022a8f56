"""A dead letter as finance sees it: its canonical record, read with the maps of its pipeline."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from ml_connector.cli.desk import Stop
from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.finance.checks import check_document
from ml_connector.finance.records import CanonicalRecord
from ml_connector.mapping import SourceMap, TargetMap, search_path
from ml_connector.secrets.sealing import Sealer, masked
from ml_connector.store.text import decode

if TYPE_CHECKING:
    from ml_connector.cli.letters import Letter
    from ml_connector.cli.project import Project

_HEAD = ("title", "source_state")

NO_FINANCE_WORDS = (
    "This pipeline loads records as they are, without maps: correct the source, the schema or the target's settings, "
    "then replay the record."
)
"""Why a record of a bulk pipeline cannot be edited."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The two maps of a pipeline."""

    source_map: SourceMap
    target_map: TargetMap
    sealer: Sealer = field(default_factory=Sealer)

    @classmethod
    def of(cls, project: Project, pipeline: str) -> Reading:
        """Load the maps that the pipeline's target uses.

        Raises:
            ConfigError: The pipeline is not in meltano.yml, or a map is missing or wrong.
        """
        pair = project.pair_of(pipeline)
        config = project.plugin(pair.loader).config
        around = {
            "MELTANO_EXTRACTOR_NAMESPACE": project.plugin(pair.extractor).namespace,
            "MELTANO_PROJECT_ROOT": str(project.root),
        }
        names = [Template(str(name)).safe_substitute(around) for name in config.get("mapping") or ()]
        if len(names) != 2:  # noqa: PLR2004  # a source and a target
            raise Stop(f"the target of {pipeline} names no two maps.", "ml-connector maps check")
        folder = Template(str(config.get("maps_dir") or "")).safe_substitute(around)
        search = search_path(*([Path(folder)] if folder else []))
        return cls(SourceMap.load(names[0], search, config.get("mapping_vars")), TargetMap.load(names[1], search))

    def record(self, letter: Letter) -> CanonicalRecord:
        """Return the record as its source has it, without what a person has changed.

        Raises:
            Stop: The map cannot read it: its cause is in the source record or in the map.
        """
        try:
            meanings = self.source_map.apply(letter.stream, self.sealer.reveal(decode(letter.record)))
        except RecordRefused as error:
            raise Stop(
                f"the map cannot read the record ({error.message}), so there is nothing to edit. Correct it in the "
                "source system, or correct the map.",
                f"ml-connector dead show {letter.id}",
            ) from None
        for meaning in meanings:
            if isinstance(meaning, CanonicalRecord) and meaning.business_key == letter.business_key:
                return meaning
        raise Stop("the map leaves the record out now.", "ml-connector run")

    def prove(self, record: CanonicalRecord) -> None:
        """Check that a record still adds up and can be mapped, every reference taken as good.

        Raises:
            RecordRefused: It does not, or cannot.
        """
        check_document(record)

        def trust(dimension: str, value: str | None, company: str, on: date | None) -> str | None:
            known = self.target_map.dimensions[dimension].translate(company, value, on) if value else None
            return known or value

        with suppress(RecordParked):  # what it waits for is nothing an edit has brought about
            self.target_map.rows(record, trust)


def shown(record: CanonicalRecord) -> dict[str, Any]:
    """Return the canonical record as people may see it, in the order of its fields."""
    return dict(masked(_plain({name: getattr(record, name) for name in _HEAD} | record.fields)))


def _plain(value: Any) -> Any:
    """Return a structure without what is empty, its dates and numbers as text."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, date | Decimal) else value
