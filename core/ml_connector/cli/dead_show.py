"""`ml-connector dead show`: one record that is not delivered, with its history, as finance and as the source has it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ml_connector.cli.canonical import NO_FINANCE_WORDS, Reading, shown
from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.history import Entry, changed, history
from ml_connector.cli.letters import Letter, find_letters, shown_record
from ml_connector.delivery import decisions, edits
from ml_connector.errors import ConfigError
from ml_connector.secrets.sealing import masked
from ml_connector.words import age, amounts, many, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType


@click.command()
@click.argument("number", type=int, metavar="ID")
@verb
def show(desk: Desk, number: int) -> int:
    """Show one record that is not delivered: why, its history, and the record in finance words and in the source's.

    The finance words are the paths that `dead edit` takes; ✎ marks what can be edited.
    """
    with desk.reading() as connection:
        letter = the_letter(find_letters(connection, ids=[number]), number)
        told = history(connection, letter)
        waiting = decisions.waiting(connection, number)
    canonical, editable, trouble = _canonical(desk, letter)
    data = {
        **letter.as_data(),
        "changes": masked(letter.edits),
        "waits_for_approval": masked(waiting.as_data()) if waiting else None,
        "history": [entry._asdict() for entry in told],
        "canonical": canonical,
        "editable": editable,
        "record": shown_record(letter),
    }
    lines = [trouble] if trouble else list(_lines(canonical, editable, letter))
    desk.show(data, lambda: _picture(letter, told, lines))
    if letter.is_open:
        desk.say(f"next: {_next(letter, approval=waiting is not None)}")
    return 0


def the_letter(found: Sequence[Letter], number: int) -> Letter:
    """Return the letter that was found.

    Raises:
        Stop: None was.
    """
    if not found:
        raise Stop(f"there is no dead letter {number}.", "ml-connector dead list")
    return found[0]


def _next(letter: Letter, *, approval: bool) -> str:
    if approval:
        return f"as another person: ml-connector dead approve {letter.id}"
    return f"correct the cause, then: ml-connector dead replay {letter.id}"


def _canonical(desk: Desk, letter: Letter) -> tuple[dict[str, Any], list[str], str]:
    """Return the canonical record and its editable paths; or why there is none."""
    if letter.is_bulk:
        return {}, [], NO_FINANCE_WORDS
    try:
        record = Reading.of(desk.project, letter.pipeline).record(letter)
    except ConfigError as error:
        return {}, [], str(error)
    return shown(record), [spot.path for spot in edits.spots(record)], ""


def _lines(canonical: dict[str, Any], editable: Sequence[str], letter: Letter) -> Iterator[str]:
    """Yield a line per value of the canonical record, and one with the fields that are empty and may be filled."""
    values = dict(_values(canonical))
    changes = masked(letter.edits)
    for path in [*values, *(path for path in changes if path not in values)]:
        change = f"  → {changes[path][1]} (edited)" if path in changes else ""
        yield f"{'✎' if path in editable else ' '} {path:<36} {values.get(path, '')}{change}"
    empty = [re.sub(r"\[\d+\]", "[N]", path) for path in editable if path not in values and path not in changes]
    if empty:
        yield f"✎ empty: {', '.join(dict.fromkeys(empty))}"


def _values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _values(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _values(inner, f"{path}[{index}]")
    else:
        yield path, value


def _picture(letter: Letter, told: Sequence[Entry], lines: Sequence[str]) -> RenderableType:
    facts = {
        "record": f"{letter.name} ({letter.company} {plain(letter.record_type)})",
        "key": letter.business_key,
        "amount": amounts(letter.amount_of),
        "state": f"{plain(letter.state)} for {age(letter.since)}, {many(letter.attempts, 'failed attempt')}",
        "cause": letter.reason,
        "what": letter.message,
        "field": f"{letter.field} = {letter.value}" if letter.value else letter.field,
        "do": letter.suggestion,
        "whose": letter.owner,
        "edited": "; ".join(changed(letter.edits)),
        "pipeline": letter.pipeline,
        "closed": letter.closed_by,
    }
    table = Table.grid(padding=(0, 2))
    for name, words in facts.items():
        if words:
            table.add_row(Text(name, "bold"), Text(words))
    native = json.dumps(shown_record(letter), indent=2, ensure_ascii=False, default=str)
    parts: list[RenderableType] = [table, "", Text("History", "bold"), _history(told)]
    parts += ["", Text("In finance words (✎ can be edited)", "bold"), Text("\n".join(lines))]
    return Group(*parts, "", Text("As the source has it", "bold"), Text(native))


def _history(told: Sequence[Entry]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for entry in told:
        by = f"by {entry.who}" if entry.who else ""
        table.add_row(Text(entry.at[:19].replace("T", " "), "dim"), Text(entry.what), Text(by), Text(entry.why))
    return table
