"""What the instance says became of a row → Outcome, in plain words (apis/servicenow.md §3.1, §3.2).

200 and 201 say that a row was stored in the staging table; only its `status` or `sys_import_state` says that it
reached the target table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.answers import UNREADABLE
from ml_connector.delivery.sink import Outcome, State

if TYPE_CHECKING:
    from ml_connector.delivery.sink import Effect, Row

PENDING = "pending"  # of sys_import_state
NOTHING_CHANGED = "no field values changed"
STATE_FIELDS = (
    "sys_import_state",
    "sys_import_state_comment",
    "sys_import_row",
    "sys_import_set",
    "sys_row_error",
    "sys_target_table",
    "sys_target_sys_id",
    "sys_created_on",
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Words that ServiceNow uses for a refusal, what they mean, and what to do."""

    words: tuple[str, ...]
    reason: str
    state: State
    suggestion: str


# First match wins.
CAUSES = (
    Cause(
        ("script", "javascript", "referenceerror", "typeerror"),
        "transform_script",
        State.REFUSED,
        "Read the message: a script of the transform map left this row out. Change the data or the script.",
    ),
    Cause(
        ("invalid table",),
        "transform_inactive",
        State.PARKED,
        "Activate the business rule 'Transform synchronously' and the table's transform map, then run again.",
    ),
    Cause(
        ("reference", "unable to resolve", "does not exist", "not found"),
        "reference_not_found",
        State.PARKED,
        "Deliver the record that this value names first, or create it in ServiceNow, then run again.",
    ),
    Cause(("choice",), "choice_rejected", State.REFUSED, "Map a value that the choice list has, or add it there."),
    Cause(
        ("invalid target record", "invalid target field"),
        "invalid_target",
        State.REFUSED,
        "Correct the table's transform map: it writes to a record or field that does not exist.",
    ),
    Cause(("coalesce",), "no_coalesce_value", State.REFUSED, "Fill every key column in the source."),
)
UNKNOWN_CAUSE = Cause((), "transform_error", State.REFUSED, "Read the message, change the data and replay.")
DELIVERED = {"inserted": "created", "updated": "updated", "ignored": "unchanged"}
# Worst first: the state of several transform maps' answers is that of the worst.
SEVERITY = ("error", "skipped", "ignored", "updated", "inserted")


def imported(effect: Effect, answer: Any) -> Outcome:
    """Read the answer of a single import POST: one entry per transform map."""
    results = answer.get("result") if isinstance(answer, Mapping) else None
    entries = [entry for entry in results or () if isinstance(entry, Mapping)]
    if not entries:
        return unreadable(effect, "the row was loaded, but its outcome may not be read", {})
    worst = min(entries, key=lambda entry: _severity(str(entry.get("status", ""))))
    if worst.get("table") == effect.table and worst.get("status") == "inserted":
        # An import set in asynchronous mode answers with the staging row itself: nothing is transformed yet.
        return Outcome(effect, State.SENT, handle={"staging_row": worst.get("sys_id")}, message="not transformed yet")
    words = " ".join(str(worst[name]) for name in ("error_message", "status_message") if worst.get(name))
    return _told(effect, str(worst.get("status", "")), words, worst.get("sys_id"))


def staged(effect: Effect, row: Row, errors: str = "") -> Outcome:
    """Read a staging row: its state, its comment, and the coded errors of its transform."""
    state = row.get("sys_import_state", "")
    handle = effect.handle or {"staging_row": row["sys_id"]}
    if not state:
        return unreadable(effect, "the row is in the staging table, but its state may not be read", handle)
    if state == PENDING:
        return Outcome(effect, State.SENT, handle=handle, message="waiting for its transform")
    words = " ".join(filter(None, (row.get("sys_import_state_comment", ""), errors)))
    return _told(effect, state, words, row.get("sys_target_sys_id"))


def written(effect: Effect, answer: Any, *, created: bool) -> Outcome:
    """Read the answer of a Table API write."""
    row = answer.get("result") if isinstance(answer, Mapping) else None
    if not isinstance(row, Mapping) or not row.get("sys_id"):
        return unreadable(effect, "the row was written, but the answer does not show it", {})
    action = "created" if created else "updated"
    return Outcome(effect, State.DELIVERED, action=action, target_id=str(row["sys_id"]))


def unreadable(effect: Effect, message: str, handle: dict[str, Any]) -> Outcome:
    """Return the outcome of a row that was loaded and about which nothing more may be read."""
    return Outcome(
        effect,
        State.SENT,
        handle=handle or {"unreadable": True},
        reason=UNREADABLE,
        message=message,
        suggestion=f"Give the account a role that may read {effect.table}, sys_import_set and sys_import_set_run.",
    )


def logged(effect: Effect, words: str, target_id: str | None) -> Outcome:
    """Read what the instance's log says of an invoice that it did not take, or not wholly."""
    return replace(_told(effect, "error", words, None), target_id=target_id)


def ambiguous(effect: Effect, count: int) -> Outcome:
    """Return the outcome of a row whose key several rows of the target have."""
    return Outcome(
        effect,
        State.PARKED,
        reason="ambiguous_key",
        message=f"{count} rows of {effect.table} have the key {', '.join(map(str, effect.key.values()))}",
        suggestion="Merge or delete the doubles in ServiceNow, then run again.",
    )


def same_key(effect: Effect, other: str) -> Outcome:
    """Return the outcome of a row that ServiceNow would take for another one."""
    return Outcome(
        effect,
        State.PARKED,
        reason="same_key",
        message=f"its key and {other!r} are one key to ServiceNow, which ignores case and blanks at the end: this row "
        "would overwrite that one",
        suggestion="Renumber one of the two in the source, then run again.",
    )


def _severity(status: str) -> int:
    return SEVERITY.index(status) if status in SEVERITY else 0


def _told(effect: Effect, status: str, words: str, target_id: object) -> Outcome:
    left_out = status == "ignored" and words and NOTHING_CHANGED not in words.lower()
    if status in DELIVERED and not left_out:
        return Outcome(effect, State.DELIVERED, action=DELIVERED[status], target_id=str(target_id or "") or None)
    cause = _cause("coalesce" if status == "skipped" and not words else words)
    field, value = _named(effect, words)
    return Outcome(
        effect,
        cause.state,
        reason=cause.reason,
        message=f"ServiceNow: {status}: {words or 'no message'}",
        field=field,
        value=value,
        suggestion=cause.suggestion,
    )


def _named(effect: Effect, words: str) -> tuple[str | None, str | None]:
    """Return the one column, and its value, that a message quotes; messages have no form to rely on."""
    told = set(re.findall(r"[^\s,;:'\"()]+", words))
    quoted = [(name, str(value)) for name, value in effect.payload.items() if str(value) in told]
    return quoted[0] if len(quoted) == 1 else (None, None)


def _cause(words: str) -> Cause:
    told = words.lower()
    return next((cause for cause in CAUSES if any(_starts(word, told) for word in cause.words)), UNKNOWN_CAUSE)


def _starts(word: str, told: str) -> bool:
    """Say whether a word of a message starts so: `script` is not meant by `short_description`."""
    return re.search(rf"\b{word}", told) is not None
