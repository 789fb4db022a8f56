"""Whether the source has a newer version of a record that waits: the tap is asked for it by its key."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ml_connector.cli.processes import logged_errors, meltano_invoke
from ml_connector.errors import EnvironmentFault
from ml_connector.store.text import decode, digest, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.cli.letters import Letter
    from ml_connector.cli.project import Project
    from ml_connector.store import Store

_ANSWER = '{"id":'
_NO_SUCH_OPTION = "No such option"


class Source(StrEnum):
    """What the source has of a record, compared with what its dead letter holds."""

    SAME = "unchanged"
    CHANGED = "changed"
    GONE = "gone"
    UNKNOWN = "not asked"


@dataclass(frozen=True, slots=True)
class Found:
    """What the source answered about one record."""

    source: Source
    record: str | None = None  # the newest version, as JSON text
    fields: tuple[str, ...] = ()  # whose values differ

    @property
    def words(self) -> str:
        """It in words."""
        match self.source:
            case Source.CHANGED:
                return f"the source record has changed since ({', '.join(self.fields) or 'its fields'})"
            case Source.GONE:
                return "the source does not have the record any more"
            case Source.UNKNOWN:
                return "the source was not asked whether the record has changed"
        return "the source record is as it was read"


NOT_ASKED = Found(Source.UNKNOWN)


def ask_sources(project: Project, store: Store, letters: Sequence[Letter]) -> dict[int, Found]:
    """Return, per letter, what its source has now; a tap that cannot read single records is not asked.

    Raises:
        EnvironmentFault: A source could not be asked.
    """
    by_tap: dict[str, list[Letter]] = defaultdict(list)
    for letter in letters:
        by_tap[project.pair_of(letter.pipeline).extractor].append(letter)
    found = {letter.id: NOT_ASKED for letter in letters}
    for tap, members in by_tap.items():
        for number, answer in _ask(project, tap, members).items():
            letter = next(each for each in members if each.id == number)
            found[number] = _compared(letter, answer, store)
    return found


def _ask(project: Project, tap: str, letters: Sequence[Letter]) -> dict[int, dict[str, Any]]:
    questions = [{"id": each.id, "stream": each.stream, "record": decode(each.record)} for each in letters]
    done = meltano_invoke(project, tap, ["--lookup"], feed="".join(encode(each) + "\n" for each in questions))
    if done.returncode and _NO_SUCH_OPTION in done.stderr:
        return {}
    if done.returncode:
        words = "; ".join(logged_errors(done.stderr)) or f"{tap} ended with {done.returncode}"
        raise EnvironmentFault(
            f"the source could not be asked whether these records have changed since: {words}. Nothing was replayed. "
            "To replay them as they were read all the same, say --as-read."
        )
    answers = [decode(line) for line in done.stdout.splitlines() if line.startswith(_ANSWER)]
    return {answer["id"]: answer for answer in answers}


def _compared(letter: Letter, answer: dict[str, Any], store: Store) -> Found:
    if answer.get("same"):
        return Found(Source.SAME)
    newest = answer.get("record")
    if newest is None:
        return Found(Source.GONE)
    if digest(newest) == letter.source_hash:
        return Found(Source.SAME)
    kept = store.sealer.reveal(decode(letter.record))
    fields = sorted(name for name in {**kept, **newest} if kept.get(name) != newest.get(name))
    return Found(Source.CHANGED, encode(newest), tuple(fields))
