"""Feeding dead letters: their messages go to the same target executable, with its Meltano settings."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.cli.letters import Letter, newest_letters, singer_lines
from ml_connector.cli.processes import logged_errors, meltano_invoke, setting_variable
from ml_connector.cli.summary import worst_code
from ml_connector.delivery.sink import State

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def by_pipeline(letters: Sequence[Letter]) -> dict[str, list[Letter]]:
    """Return letters by their pipelines, in order."""
    found: dict[str, list[Letter]] = defaultdict(list)
    for letter in letters:
        found[letter.pipeline].append(letter)
    return dict(found)


def replay_letters(desk: Desk, letters: Sequence[Letter]) -> Replayed:
    """Feed letters to their targets, pipeline by pipeline, and read what became of them."""
    replayed = Replayed([])
    for pipeline, members in by_pipeline(letters).items():
        code, errors = _feed(desk, pipeline, members)
        replayed.codes.append(code)
        replayed.errors += errors
    with desk.reading() as connection:
        replayed.records = newest_letters(connection, letters)
    return replayed


def _feed(desk: Desk, pipeline: str, letters: Sequence[Letter]) -> tuple[int, list[str]]:
    """Run one target on these letters; return its exit code and what it logged as errors."""
    project = desk.project
    pair = project.pair_of(pipeline)
    original = ", ".join(sorted({letter.run_id for letter in letters}))
    around = feeding(project, pair.extractor, pair.loader, original) | store_of(desk, pair.loader)
    with desk.store() as store:
        lines = "".join(singer_lines(letters, store.sealer.reveal))
    around[setting_variable(pair.loader, "replay")] = "true"
    done = meltano_invoke(project, pair.loader, [], feed=lines, **around)
    return done.returncode, logged_errors(done.stderr) if done.returncode else []


def feeding(project: Project, extractor: str, loader: str, replay_of: str) -> dict[str, str]:
    """Return the environment in which a target takes messages as if that tap wrote them, for another try of a run."""
    return {
        "MELTANO_EXTRACTOR_NAME": extractor,
        "MELTANO_EXTRACTOR_NAMESPACE": project.plugin(extractor).namespace,
        "MELTANO_LOADER_NAME": loader,
        setting_variable(loader, "replay_of"): replay_of,
    }


def store_of(desk: Desk, loader: str) -> dict[str, str]:
    """Return what makes a target write to the store that `--store` names."""
    return {setting_variable(loader, "store_url"): desk.store_option} if desk.store_option else {}
