"""`ml-connector dead edit`, `drop`, `approve`, `withdraw`: what a person decides about records that wait."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from ml_connector.audit.actions import action
from ml_connector.cli.canonical import NO_FINANCE_WORDS, Reading
from ml_connector.cli.dead_replay import consider, feed
from ml_connector.cli.dead_show import the_letter
from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.history import changed
from ml_connector.cli.letters import Letter, find_letters
from ml_connector.cli.project import FOUR_EYES
from ml_connector.delivery import carry_out, decisions, edits
from ml_connector.delivery.decisions import Decision, Wish
from ml_connector.errors import RecordRefused
from ml_connector.secrets.sealing import masked
from ml_connector.words import amounts, many

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.audit.actions import Action

_WHY = click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with your name.")


@contextmanager
def deciding(desk: Desk, pipeline: str, target_id: str) -> Iterator[Action]:
    """Hold a pipeline of the store for one decision."""
    with desk.store() as store, action(store, desk.store_url, pipeline, desk.verb, target_id) as act:
        yield act


@click.command()
@click.argument("number", type=int, metavar="ID")
@click.option(
    "--set", "settings", multiple=True, metavar="PATH=VALUE", help="What to change, e.g. lines[0].account=4010."
)
@click.option("--undo", is_flag=True, help="Take back what was changed before.")
@_WHY
@verb
def edit(desk: Desk, number: int, settings: tuple[str, ...], undo: bool, reason: str) -> int:
    """Change coding, texts or dates of a record that waits; `dead show` lists the paths.

    Money, currency, tax, partner, company, bank details and keys are corrected in the source system only. The change
    holds until the source record changes.
    """
    wanted = _settings(settings, undo=undo)
    with desk.reading() as connection:
        letter = the_letter(find_letters(connection, ids=[number]), number)
    if letter.is_bulk:
        raise Stop(f"there is nothing to edit. {NO_FINANCE_WORDS}", f"ml-connector dead replay {number}")
    reading = Reading.of(desk.project, letter.pipeline)
    wait = desk.project.approval == FOUR_EYES
    with deciding(desk, letter.pipeline, letter.target_id) as act:
        letter = find_letters(act.connection, ids=[number])[0]
        wish = edit_wish(reading, letter, wanted, reason, undo=undo)
        carry_out.submit(act, [wish], wait=wait)
    data = {"id": number, **masked(wish.data), "waits_for_approval": wait}
    desk.show(data, lambda: Text("\n".join([letter.name, *(f"  {line}" for line in changed(wish.data["changes"]))])))
    desk.say(f"next: {_approval(number) if wait else f'ml-connector dead replay {number}'}")
    return 0


def _settings(settings: Sequence[str], *, undo: bool) -> dict[str, str]:
    if not settings and not undo:
        raise Stop("say what to change: --set PATH=VALUE.", "ml-connector dead edit --help")
    pairs = [setting.partition("=") for setting in settings]
    if wrong := [path for path, equals, _ in pairs if not equals]:
        raise Stop(f"{wrong[0]!r} has no value; write PATH=VALUE.", "ml-connector dead edit --help")
    return {path.strip(): value.strip() for path, _, value in pairs}


def edit_wish(reading: Reading, letter: Letter, wanted: Mapping[str, str], reason: str, *, undo: bool) -> Wish:
    """Return what a person wants changed, proven to add up and to map."""
    record = reading.record(letter)
    before = reading.sealer.reveal(letter.edits)
    after = edits.change(record, {} if undo else before, wanted)
    paths = [path for path in {**before, **after} if _now(before, after, path) != _now(after, before, path)]
    if not paths:
        raise Stop("that changes nothing: the record says so already.", f"ml-connector dead show {letter.id}")
    try:
        edits.apply(record, after)
        reading.prove(record)
    except RecordRefused as error:
        raise Stop(
            f"with this change the record could not be delivered: {error.message}",
            f"ml-connector dead show {letter.id}",
        ) from None
    changes = {path: [_now(before, after, path), _now(after, before, path)] for path in paths}
    data = reading.sealer.hide({"changes": changes, "edit": after})
    return Wish(letter.id, letter.business_key, decisions.EDIT, reason, data)


def _now(edit: edits.Edit, other: edits.Edit, path: str) -> Any:
    """Return what a field is with an edit; without one it is what the other edit found."""
    return edit[path][1] if path in edit else other[path][0]


@click.command()
@click.argument("numbers", nargs=-1, type=int, required=True, metavar="ID...")
@_WHY
@verb
def drop(desk: Desk, numbers: tuple[int, ...], reason: str) -> int:
    """Give records up: they stay in the balance as waived, and a new version in the source brings them back."""
    with desk.reading() as connection:
        letters = [the_letter(find_letters(connection, ids=[number]), number) for number in dict.fromkeys(numbers)]
        arrived = {letter.id: carry_out.arrived_rows(connection, letter.id) for letter in letters}
    wait = desk.project.approval == FOUR_EYES
    groups: dict[tuple[str, str], list[Letter]] = defaultdict(list)
    for letter in letters:
        groups[letter.pipeline, letter.target_id].append(letter)
    for (pipeline, target_id), members in groups.items():
        with deciding(desk, pipeline, target_id) as act:
            wishes = [Wish(each.id, each.business_key, decisions.DROP, reason, {}) for each in members]
            carry_out.submit(act, wishes, wait=wait)
    data = {"dropped": [] if wait else [each.id for each in letters], "waits_for_approval": wait, "arrived": arrived}
    desk.show(data, lambda: Text("\n".join(_dropped(each, arrived[each.id]) for each in letters)))
    desk.say(f"next: {_approval(letters[0].id) if wait else 'ml-connector status'}")
    return 0


def _dropped(letter: Letter, arrived: int) -> str:
    note = f"; the target has {many(arrived, 'row')} of it already, which stay there" if arrived else ""
    return f"{letter.id}  {letter.name}  {amounts(letter.amount_of)}{note}"


def _approval(number: int) -> str:
    return f"as another person: ml-connector dead approve {number}"


@click.command()
@click.argument("number", type=int, metavar="ID")
@verb
def approve(desk: Desk, number: int) -> int:
    """Agree to what another person asked for, and carry it out; the operating system says who you are."""
    letter, decision = _waiting(desk, number)
    fed = _considered(desk, letter, decision) if decision.kind == decisions.REPLAY else letter
    with deciding(desk, letter.pipeline, letter.target_id) as act:
        decision = _still(decisions.waiting(act.connection, number), number)
        wish = Wish(letter.id, letter.business_key, decision.kind, decision.reason, decision.data)
        carry_out.approve(act, decision, wish)
        approved_by = act.actor
    if decision.kind == decisions.REPLAY:
        return feed(desk, [fed])
    data = {"id": number, "kind": decision.kind, "asked_by": decision.actor, "approved_by": approved_by}
    desk.show(data, lambda: Text(f"{decision.kind} of {letter.name}: asked for by {decision.actor}, carried out now"))
    desk.say(f"next: ml-connector {'dead replay ' + str(number) if decision.kind == decisions.EDIT else 'status'}")
    return 0


@click.command()
@click.argument("number", type=int, metavar="ID")
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept with your name.")
@verb
def withdraw(desk: Desk, number: int, reason: str) -> int:
    """Take back, or turn down, what waits for a second person."""
    letter, decision = _waiting(desk, number)
    with deciding(desk, letter.pipeline, letter.target_id) as act:
        decision = _still(decisions.waiting(act.connection, number), number)
        carry_out.withdraw(act, decision, reason)
    data = {"id": number, "kind": decision.kind, "asked_by": decision.actor}
    desk.show(data, lambda: Text(f"withdrawn: {decision.kind} of {letter.name}"))
    desk.say(f"next: ml-connector dead show {number}")
    return 0


def _considered(desk: Desk, letter: Letter, decision: Decision) -> Letter:
    """Return the version of the record that the other person wanted replayed, unless the source has changed since."""
    wanted = {name: bool(decision.data.get(name)) for name in ("newest", "as_read")}
    (considered,) = consider(desk, [letter], **wanted)
    if considered.held:
        raise Stop(
            f"{considered.held}; ask for the replay of one of its versions.", f"ml-connector dead show {letter.id}"
        )
    return considered.letter


def _waiting(desk: Desk, number: int) -> tuple[Letter, Decision]:
    with desk.reading() as connection:
        letter = the_letter(find_letters(connection, ids=[number]), number)
        return letter, _still(decisions.waiting(connection, number), number)


def _still(decision: Decision | None, number: int) -> Decision:
    if decision is None:
        raise Stop(f"nothing about dead letter {number} waits for approval.", "ml-connector dead list")
    return decision
