"""`ml-connector dead`: what is not delivered, why, and another try after its cause is gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.letters import Letter, find_letters, shown_record
from ml_connector.cli.replay import Replayed, replay_letters
from ml_connector.cli.words import age, amounts, many, plain, short
from ml_connector.delivery.sink import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

_SETTLED = (State.DELIVERED, State.UNCHANGED)


def _filters(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose dead letters."""
    for name, words in (
        ("--company", "Only this company's."),
        ("--pipeline", "Only this pipeline's."),
        ("--cause", "Only those with this cause, e.g. does_not_foot."),
    ):
        function = click.option(name, metavar="NAME", help=words)(function)
    return function


@click.group()
def dead() -> None:
    """Look at records that are not delivered, and try them again."""


@dead.command("list")
@_filters
@verb
def list_(desk: Desk, **wanted: str | None) -> int:
    """List what is not delivered, grouped by cause."""
    with desk.reading() as connection:
        letters = find_letters(connection, wanted=wanted)
    desk.show([letter.as_data() for letter in letters], lambda: _list_picture(letters))
    if letters:
        desk.say(f"next: ml-connector dead show {letters[0].id}")
    return 0


@dead.command()
@click.argument("number", type=int, metavar="ID")
@verb
def show(desk: Desk, number: int) -> int:
    """Show one record that is not delivered: why, what to do, and the record as the tap sent it."""
    with desk.reading() as connection:
        letters = find_letters(connection, ids=[number])
    if not letters:
        raise Stop(f"there is no dead letter {number}.", "ml-connector dead list")
    letter = letters[0]
    desk.show({**letter.as_data(), "record": shown_record(letter)}, lambda: _letter_picture(letter))
    if letter.closed_by is None:
        desk.say(f"next: correct the cause, then: ml-connector dead replay {letter.id}")
    return 0


@dead.command()
@click.argument("numbers", nargs=-1, type=int, metavar="[ID]...")
@_filters
@verb
def replay(desk: Desk, numbers: tuple[int, ...], **wanted: str | None) -> int:
    """Give records another try, by number or by filter: the original messages go to the same target again."""
    if not numbers and not any(wanted.values()):
        raise Stop("say which records: numbers, or a filter.", "ml-connector dead list")
    with desk.reading() as connection:
        letters = [
            letter for letter in find_letters(connection, ids=numbers, wanted=wanted) if letter.closed_by is None
        ]
    if not letters:
        raise Stop("no open dead letter fits.", "ml-connector dead list")
    desk.say(f"replaying {many(len(letters), 'record')}")
    replayed = replay_letters(desk, letters)
    data = {"exit_code": replayed.exit_code, "records": [each.as_data() for each in replayed.records]}
    desk.show({**data, "errors": replayed.errors}, lambda: _replay_picture(replayed))
    if replayed.exit_code:
        desk.say("next: ml-connector dead list")
    return replayed.exit_code


def _list_picture(letters: Sequence[Letter]) -> RenderableType:
    if not letters:
        return Text("Nothing waits.", "green")
    groups: dict[tuple[str, str], list[Letter]] = {}
    for letter in letters:
        groups.setdefault((letter.reason or "no reason", letter.state), []).append(letter)
    parts: list[RenderableType] = []
    for (reason, state), members in sorted(groups.items(), key=lambda item: -len(item[1])):
        parts.append(Text.assemble((reason, "bold"), f"  {plain(state)}, {many(len(members), 'record')}"))
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for letter in members:
            words = (
                str(letter.id),
                letter.company,
                plain(letter.record_type),
                short(letter.name),
                amounts(letter.amount_of),
            )
            table.add_row(*map(Text, (*words, letter.message or "")))
        parts.append(table)
    return Group(*parts)


def _letter_picture(letter: Letter) -> RenderableType:
    facts = {
        "record": f"{letter.name} ({letter.company} {plain(letter.record_type)})",
        "key": letter.business_key,
        "amount": amounts(letter.amount_of),
        "state": f"{plain(letter.state)} for {age(letter.since)}, {many(letter.attempts, 'failed attempt')}",
        "cause": letter.reason,
        "what": letter.message,
        "field": f"{letter.field} = {letter.value}" if letter.value else letter.field,
        "do": letter.suggestion,
        "pipeline": letter.pipeline,
        "closed": letter.closed_by,
    }
    table = Table.grid(padding=(0, 2))
    for name, words in facts.items():
        if words:
            table.add_row(Text(name, "bold"), Text(words))
    return Group(table, "", Text(json.dumps(shown_record(letter), indent=2, ensure_ascii=False, default=_number)))


def _number(value: Any) -> str:
    return str(value)


def _replay_picture(replayed: Replayed) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for letter in replayed.records:
        colour = "green" if letter.state in _SETTLED else "yellow"
        told = "" if letter.state in _SETTLED else ": ".join(filter(None, (letter.reason, letter.message)))
        table.add_row(Text(str(letter.id)), Text(plain(letter.state), colour), Text(letter.name), Text(told))
    return Group(table, *(Text(f"✗ {words}", "red") for words in replayed.errors))
