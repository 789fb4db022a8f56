"""Carrying out what people decide about a dead letter, at once or when a second person agrees (L9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select, update

from ml_connector.delivery import decisions
from ml_connector.delivery.balance import CARRIED_IN, Line, Tally
from ml_connector.delivery.deadletters import close_letters
from ml_connector.delivery.sink import State
from ml_connector.delivery.work import IN_FLIGHT
from ml_connector.errors import ConfigError
from ml_connector.store.tables import dead_letters, deliveries, effects
from ml_connector.store.text import encode, stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping

    from ml_connector.audit.actions import Action
    from ml_connector.delivery.decisions import Decision, Wish

DROPPED = "dropped"
"""The reason of a waived delivery, and what closed its letter."""

_FREE_TEXT = ("title", "name", "description", "note", "buyer", "buyer_reference", "customer_reference", "reference")
"""Fields whose values stay out of the trail, which keeps no words that may name a person (L10)."""


def submit(act: Action, wishes: Sequence[Wish], *, wait: bool) -> None:
    """Write decisions down and carry them out; with `wait` a second person has to agree first.

    Raises:
        ConfigError: A letter is closed, its last attempt has no outcome, or another decision about it waits.
    """
    for wish in wishes:
        letter = _letter(act.connection, wish)
        if (other := decisions.waiting(act.connection, wish.letter_id)) is not None:
            raise ConfigError(
                f"dead letter {wish.letter_id} has a decision that waits: {other.kind}, asked for by {other.actor}. "
                f"Another person can approve it, or it is withdrawn: ml-connector dead withdraw {wish.letter_id}"
            )
        number = decisions.keep(act.connection, wish, act.actor, decisions.WAITING if wait else decisions.DONE)
        told = {"letter": wish.letter_id, "decision": number, "reason": wish.reason}
        if wait:
            act.note(f"{wish.kind}_asked", wish.business_key, told | _of_kind(wish))
        else:
            _carry_out(act, wish, letter, told)
    if not wait:
        _strike(act, wishes)


def approve(act: Action, decision: Decision, wish: Wish) -> None:
    """Carry out what another person asked for.

    Raises:
        ConfigError: It is the same person, or the letter is not as it was when it was asked for.
    """
    if decision.actor == act.actor:
        raise ConfigError(
            f"you ({act.actor}) asked for this yourself: four eyes means that another operating-system user approves "
            f"it. Let a colleague type: ml-connector dead approve {decision.letter_id}"
        )
    letter = _letter(act.connection, wish)
    decisions.close(act.connection, decision.id, decisions.DONE, act.actor)
    told = {"letter": wish.letter_id, "decision": decision.id, "reason": wish.reason, "asked_by": decision.actor}
    _carry_out(act, wish, letter, told)
    _strike(act, [wish])


def withdraw(act: Action, decision: Decision, reason: str) -> None:
    """Take a waiting decision back; anybody may."""
    decisions.close(act.connection, decision.id, decisions.WITHDRAWN, act.actor)
    told = {"letter": decision.letter_id, "decision": decision.id, "reason": reason, "asked_by": decision.actor}
    act.note(f"{decision.kind}_withdrawn", decision.business_key, told)


def arrived_rows(connection: Connection, letter_id: int) -> int:
    """Return how many rows of a letter's record the target already has."""
    same = and_(
        deliveries.c.target_id == dead_letters.c.target_id, deliveries.c.business_key == dead_letters.c.business_key
    )
    query = select(func.count()).select_from(dead_letters).join(deliveries, same)
    query = query.join(effects, effects.c.delivery_id == deliveries.c.id)
    return int(
        connection.execute(
            query.where(dead_letters.c.id == letter_id, effects.c.settled_hash.is_not(None))
        ).scalar_one()
    )


def _letter(connection: Connection, wish: Wish) -> RowMapping:
    """Return a letter as it is now, with the delivery it is about.

    Raises:
        ConfigError: Nothing can be decided about it.
    """
    same = and_(
        deliveries.c.target_id == dead_letters.c.target_id, deliveries.c.business_key == dead_letters.c.business_key
    )
    names = ("target_id", "business_key", "source_hash", "closed_at", "closed_by", "run_id")
    of_delivery = [deliveries.c[name] for name in ("state", "company", "record_type", "currency", "amount")]
    query = select(*(dead_letters.c[name] for name in names), *of_delivery).join(deliveries, same)
    row = connection.execute(query.where(dead_letters.c.id == wish.letter_id)).mappings().one()
    revived = wish.kind == decisions.REPLAY and row["closed_by"] == DROPPED
    if row["closed_at"] and not revived:
        raise ConfigError(
            f"dead letter {wish.letter_id} is closed ({row['closed_by']}): the record has arrived, was dropped, or has "
            "a newer version with a letter of its own. Nothing was changed; look again: ml-connector dead list"
        )
    if row["state"] in IN_FLIGHT and wish.kind != decisions.REPLAY:
        raise ConfigError(  # what is on its way may have arrived (L3)
            f"the last attempt of dead letter {wish.letter_id} has no outcome yet, so it is not known whether the "
            "record has arrived. Nothing was changed. Let a run look it up first: ml-connector run"
        )
    return row


def _of_kind(wish: Wish) -> dict[str, Any]:
    """Return what the trail keeps of a wish: of free texts only that they changed."""
    if wish.kind == decisions.EDIT:
        return {"changes": {path: _told(path, change) for path, change in wish.data["changes"].items()}}
    return dict(wish.data)


def _told(path: str, change: Any) -> Any:
    return "changed" if path.rpartition(".")[2] in _FREE_TEXT else change


def _carry_out(act: Action, wish: Wish, letter: RowMapping, told: dict[str, Any]) -> None:
    if wish.kind == decisions.EDIT:
        edit = wish.data["edit"]
        mine = update(dead_letters).where(dead_letters.c.id == wish.letter_id)
        act.connection.execute(mine.values(edit=encode(edit) if edit else None))
        act.note("edit", wish.business_key, told | _of_kind(wish))
    elif wish.kind == decisions.DROP:
        _waive(act, letter)
        act.note(State.WAIVED, wish.business_key, told)
    else:
        act.note("replay", wish.business_key, told | _of_kind(wish) | {"of_run": letter["run_id"]})


def _waive(act: Action, letter: RowMapping) -> None:
    """Let a delivery rest until its source record changes."""
    same = (deliveries.c.target_id == letter["target_id"], deliveries.c.business_key == letter["business_key"])
    cleared = dict.fromkeys(("field", "value", "suggestion", "next_attempt_at"))
    act.connection.execute(
        update(deliveries)
        .where(*same)
        .values(
            state=State.WAIVED,
            run_outcome=State.WAIVED,
            reason=DROPPED,
            message=f"a person dropped it ({act.actor})",
            source_hash=letter["source_hash"],
            since=stamp(utc_now()),
            last_run=act.run_id,
            **cleared,
        )
    )
    close_letters(act.connection, letter["target_id"], [letter["business_key"]], DROPPED)


def _strike(act: Action, wishes: Sequence[Wish]) -> None:
    """Strike the balance of the action: what it took over from earlier runs is what it waived (L8)."""
    dropped = [wish.business_key for wish in wishes if wish.kind == decisions.DROP]
    if not dropped:
        return
    tally = Tally()
    tally.add_outcomes(act.connection, act.run_id)
    for line, total in list(tally.lines.items()):
        taken_over = tally.lines[Line(line.company, line.record_type, CARRIED_IN, "", line.currency)]
        taken_over.add(total.count, total.amount)
    tally.save(act.connection, act.run_id)
