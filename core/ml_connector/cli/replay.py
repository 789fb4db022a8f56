"""Replay: the original messages of dead letters, fed to the same target executable with its Meltano settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.cli.letters import Letter, newest_letters, singer_lines
from ml_connector.cli.processes import logged_errors, meltano_invoke, setting_variable
from ml_connector.cli.summary import worst_code
from ml_connector.delivery.sink import State

if TYPE_CHECKING:
    from ml_connector.cli.desk import Desk
    from ml_connector.cli.project import Project


@dataclass(slots=True)
class Replayed:
    """What became of the records that were tried again."""

    records: list[Letter]
    codes: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 when all have arrived, 4 or 5 when some have not, a target's own code when it could not work."""
        return worst_code([*self.codes, *map(_code, self.records)])


def _code(letter: Letter) -> int:
    if letter.state == State.DELIVERED:
        return 0
    return 5 if letter.state == State.IN_DOUBT else 4


def replay_letters(desk: Desk, letters: list[Letter]) -> Replayed:
    """Feed letters to their targets, pipeline by pipeline, and read what became of them."""
    project, by_pipeline = desk.project, dict[str, list[Letter]]()
    for letter in letters:
        by_pipeline.setdefault(letter.pipeline, []).append(letter)
    replayed = Replayed([])
    for pipeline, members in by_pipeline.items():
        code, errors = _feed(project, pipeline, members)
        replayed.codes.append(code)
        replayed.errors += errors
    with desk.reading() as connection:
        replayed.records = newest_letters(connection, letters)
    return replayed


def _feed(project: Project, pipeline: str, letters: list[Letter]) -> tuple[int, list[str]]:
    """Run one target on these letters; return its exit code and what it logged as errors."""
    pair = project.pair_of(pipeline)
    around = {
        "MELTANO_EXTRACTOR_NAME": pair.extractor,
        "MELTANO_EXTRACTOR_NAMESPACE": project.plugin(pair.extractor).namespace,
        "MELTANO_LOADER_NAME": pair.loader,
        setting_variable(pair.loader, "replay"): "true",
    }
    done = meltano_invoke(project, pair.loader, [], feed="".join(singer_lines(letters)), **around)
    return done.returncode, logged_errors(done.stderr) if done.returncode else []
