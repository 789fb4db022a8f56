"""`ml-connector dead replay`: another try for records that wait, as they were read or as the source has them now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ml_connector.audit.actions import action
from ml_connector.cli.dead_filters import filters
from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.freshness import NOT_ASKED, Found, Source, ask_sources
from ml_connector.cli.history import changed
from ml_connector.cli.letters import DROPPED, Letter, find_letters
from ml_connector.cli.project import FOUR_EYES
from ml_connector.cli.replay import Replayed, by_pipeline, replay_letters
from ml_connector.delivery import carry_out, decisions
from ml_connector.delivery.decisions import Wish
from ml_connector.delivery.sink import State
from ml_connector.secrets.sealing import masked
from ml_connector.words import many, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

_SETTLED = (State.DELIVERED, State.UNCHANGED)
_ASKED = "a person tries it again"
_WAITS = 4


@dataclass(frozen=True, slots=True)
class Try:
    """One record to be tried again, and what is known of it."""

    letter: Letter
    found: Found
    held: str  # why it is not fed; empty when it is

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            **self.letter.as_data(),
            "changes": masked(self.letter.edits),
            "source": self.found.source,
            "changed_fields": list(self.found.fields),
            "held": self.held or None,
        }


@click.command()
@click.argument("numbers", nargs=-1, type=int, metavar="[ID]...")
@filters
@click.option("--dry-run", is_flag=True, help="Say what would be fed; nothing is sent.")
@click.option("--newest", is_flag=True, help="Where the source record has changed, replay it as it is now.")
@click.option("--as-read", is_flag=True, help="Replay records as they were read, without asking the source.")
@click.option("--reason", default=_ASKED, metavar="TEXT", help="Why; it is kept with your name.")
@verb
def replay(
    desk: Desk,
    *,
    numbers: tuple[int, ...],
    dry_run: bool,
    newest: bool,
    as_read: bool,
    reason: str,
    **wanted: str | None,
) -> int:
    """Give records another try, by number or by filter: the original messages go to the same target again.

    The source is asked first: a record that has changed there since is not replayed, unless you choose one of its two
    versions with --newest or --as-read. A dropped record can be brought back by its number.
    """
    if newest and as_read:
        raise Stop("choose one: --newest or --as-read.", "ml-connector dead replay --help")
    letters = _chosen(desk, numbers, wanted)
    tries = consider(desk, letters, newest=newest, as_read=as_read)
    fed = [each.letter for each in tries if not each.held]
    if dry_run:
        desk.show([each.as_data() for each in tries], lambda: _tries_picture(tries))
        desk.say("nothing was sent")
        return 0
    asked = [each for each in fed if _needs_approval(desk, each)]
    _decide(desk, asked, reason, {"newest": newest, "as_read": as_read}, wait=True)
    fed = [each for each in fed if each not in asked]
    _decide(desk, fed, reason, {"newest": newest}, wait=False)
    held = [each for each in tries if each.held]
    held += [Try(each, NOT_ASKED, "waits for approval by another person") for each in asked]
    return _feed_and_tell(desk, fed, held)


def _chosen(desk: Desk, numbers: Sequence[int], wanted: dict[str, str | None]) -> list[Letter]:
    if not numbers and not any(wanted.values()):
        raise Stop("say which records: numbers, or a filter.", "ml-connector dead list")
    with desk.reading() as connection:
        found = find_letters(connection, ids=numbers, wanted=wanted)
    letters = [each for each in found if each.is_open or (numbers and each.closed_by == DROPPED)]
    if not letters:
        raise Stop("no open dead letter fits.", "ml-connector dead list")
    if purged := [each for each in letters if each.is_purged]:
        raise Stop(
            f"the record of dead letter {purged[0].id} has been purged from the store. Change it in the source system, "
            "and the next run reads it again.",
            f"ml-connector dead show {purged[0].id}",
        )
    return letters


def consider(desk: Desk, letters: Sequence[Letter], *, newest: bool, as_read: bool) -> list[Try]:
    """Ask the sources about these records, and say which may be fed, in which version."""
    if as_read:
        return [Try(letter, NOT_ASKED, "") for letter in letters]
    with desk.store() as store:
        found = ask_sources(desk.project, store, letters)
    return [_considered(letter, found[letter.id], newest=newest) for letter in letters]


def _considered(letter: Letter, found: Found, *, newest: bool) -> Try:
    if found.source == Source.CHANGED and found.record and newest:
        return Try(replace(letter, record=found.record, edit=None, origin=None, extracted_at=None), found, "")
    held = found.words if found.source in (Source.CHANGED, Source.GONE) else ""
    return Try(letter, found, held)


def _needs_approval(desk: Desk, letter: Letter) -> bool:
    return bool(letter.edit or letter.closed_by == DROPPED) and desk.project.approval == FOUR_EYES


def _decide(desk: Desk, letters: Sequence[Letter], reason: str, data: dict[str, Any], *, wait: bool) -> None:
    """Write down who wants these records tried again, and why."""
    for pipeline, members in by_pipeline(letters).items():
        wishes = [Wish(each.id, each.business_key, decisions.REPLAY, reason, data) for each in members]
        with desk.store() as store, action(store, desk.store_url, pipeline, desk.verb, members[0].target_id) as act:
            carry_out.submit(act, wishes, wait=wait)


def _feed_and_tell(desk: Desk, letters: Sequence[Letter], held: Sequence[Try]) -> int:
    """Feed records and say what became of each, and why others were held back."""
    if letters:
        desk.say(f"replaying {many(len(letters), 'record')}")
    replayed = replay_letters(desk, letters) if letters else Replayed([])
    code = replayed.exit_code or (_WAITS if held else 0)
    data = {
        "exit_code": code,
        "records": [each.as_data() for each in replayed.records],
        "held": [each.as_data() for each in held],
        "errors": replayed.errors,
    }
    desk.show(data, lambda: _replayed_picture(replayed, held))
    if code:
        desk.say(f"next: {_next(held)}")
    return code


def feed(desk: Desk, letters: Sequence[Letter]) -> int:
    """Feed records whose replay is decided already; return the exit code."""
    return _feed_and_tell(desk, letters, [])


def _next(held: Sequence[Try]) -> str:
    if not held:
        return "ml-connector dead list"
    first = held[0]
    if first.found.source == Source.CHANGED:
        return f"ml-connector dead replay {first.letter.id} --newest (or --as-read)"
    if first.found.source == Source.GONE:
        return f'ml-connector dead drop {first.letter.id} --reason "gone in the source"'
    return f"as another person: ml-connector dead approve {first.letter.id}"


def _tries_picture(tries: Sequence[Try]) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for each in tries:
        mark = Text("held", "yellow") if each.held else Text("fed", "green")
        words = [each.found.words, *changed(each.letter.edits)]
        table.add_row(Text(str(each.letter.id)), mark, Text(each.letter.name), Text("; ".join(words)))
    return table


def _replayed_picture(replayed: Replayed, held: Sequence[Try]) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for letter in replayed.records:
        colour = "green" if letter.state in _SETTLED else "yellow"
        told = "" if letter.state in _SETTLED else ": ".join(filter(None, (letter.reason, letter.message)))
        table.add_row(Text(str(letter.id)), Text(plain(letter.state), colour), Text(letter.name), Text(told))
    for each in held:
        table.add_row(Text(str(each.letter.id)), Text("held", "yellow"), Text(each.letter.name), Text(each.held))
    return Group(table, *(Text(f"✗ {words}", "red") for words in replayed.errors))
