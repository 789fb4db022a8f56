"""`ml-connector dead`: what is not delivered, why, and what people may do about it."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ml_connector.cli.dead_decide import approve, drop, edit, withdraw
from ml_connector.cli.dead_filters import filters
from ml_connector.cli.dead_replay import replay
from ml_connector.cli.dead_show import show
from ml_connector.cli.desk import Desk, verb
from ml_connector.cli.letters import Letter, find_letters
from ml_connector.delivery import decisions
from ml_connector.words import age, amounts, many, plain, short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from ml_connector.delivery.decisions import Decision

    Decided = Mapping[str, Sequence[Decision]]


@click.group()
def dead() -> None:
    """Look at records that are not delivered, change or drop them, and try them again."""


for _verb in (show, edit, drop, replay, approve, withdraw):
    dead.add_command(_verb)


@dead.command("list")
@filters
@verb
def list_(desk: Desk, **wanted: str | None) -> int:
    """List what is not delivered, grouped by cause: whose job it is, since when, and how much money waits."""
    with desk.reading() as connection:
        letters = find_letters(connection, wanted=wanted)
        decided = decisions.of_keys(connection, [letter.business_key for letter in letters])
    data = [{**letter.as_data(), "marks": marks(letter, decided)} for letter in letters]
    desk.show(data, lambda: _picture(letters, decided))
    if letters:
        desk.say(f"next: ml-connector dead show {letters[0].id}")
    return 0


def marks(letter: Letter, decided: Decided) -> list[str]:
    """Return what people have done about a letter, in a word or two each."""
    mine = decided.get(letter.business_key, ())
    asked = [each.kind for each in mine if each.letter_id == letter.id and each.state == decisions.WAITING]
    void = any(each.state == decisions.VOID and each.letter_id != letter.id for each in mine)
    told = [f"{kind} waits for approval" for kind in asked] + (["edited"] if letter.edit else [])
    return told + (["earlier edit void: the record changed"] if void and not letter.edit else [])


def _picture(letters: Sequence[Letter], decided: Decided) -> RenderableType:
    if not letters:
        return Text("Nothing waits.", "green")
    groups: dict[tuple[str, str], list[Letter]] = defaultdict(list)
    for letter in letters:
        groups[letter.reason or "no reason", letter.state].append(letter)
    parts: list[RenderableType] = []
    for (reason, state), members in sorted(groups.items(), key=lambda item: -len(item[1])):
        parts += [_head(reason, state, members), _rows(members, decided)]
    return Group(*parts)


def _head(reason: str, state: str, members: Sequence[Letter]) -> Text:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for letter in members:
        for currency, amount in letter.amount_of.items():
            sums[currency] += amount
    told = [f"{plain(state)}, {many(len(members), 'record')}", amounts(sums), f"for {members[0].owner}"]
    oldest = age(min(letter.since for letter in members))
    return Text.assemble((reason, "bold"), "  ", " · ".join(filter(None, [*told, f"oldest {oldest}"])))


def _rows(members: Sequence[Letter], decided: Decided) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for letter in members:
        words = (
            str(letter.id),
            letter.company,
            plain(letter.record_type),
            short(letter.name),
            amounts(letter.amount_of),
            age(letter.since),
            ", ".join([*(f"[{mark}]" for mark in marks(letter, decided)), letter.message or ""]),
        )
        table.add_row(*map(Text, words))
    return table
