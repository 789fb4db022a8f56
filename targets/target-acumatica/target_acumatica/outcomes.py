"""What the tenant says became of a document → Outcome, in plain words (apis/acumatica.md §5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ml_connector.delivery import answers
from ml_connector.delivery.sink import Outcome, State
from ml_connector.errors import ConnectorError, RecordError
from ml_connector.secrets.personal import is_personal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.delivery.sink import Effect

    from target_acumatica.document import Difference

SILENT = "silent_no_op"
REFERENCE_NOT_FOUND = "reference_not_found"
_SHOWN = 5  # differences that a message names


@dataclass(frozen=True, slots=True)
class Cause:
    """Words of the tenant that mean more than `field_errors` says."""

    words: str
    reason: str
    state: State
    suggestion: str


# First match wins.
CAUSES = (
    Cause(
        "cannot be found in the system",
        REFERENCE_NOT_FOUND,
        State.PARKED,
        "Deliver or create what this value names in Acumatica, then run again.",
    ),
    Cause(
        "period",
        "period_closed",
        State.PARKED,
        "Open the period in Acumatica, or change the date in the source, then run again.",
    ),
)
_JUDGED = frozenset({"field_errors", "refused_by_form"})


def failed(effect: Effect, error: ConnectorError, **known: Any) -> Outcome:
    """Return the outcome of a write that raised; words that say more than their code have a cause of their own."""
    told = answers.failed(effect, error, **known)
    if not isinstance(error, RecordError):
        return told
    cause = _cause(error)
    if cause is None:
        return told
    return replace(told, state=cause.state, reason=cause.reason, suggestion=cause.suggestion)


def _cause(error: RecordError) -> Cause | None:
    if error.reason not in _JUDGED:
        return None
    words = error.message.lower()
    return next((cause for cause in CAUSES if cause.words in words), None)


def ambiguous(effect: Effect, ids: Sequence[str]) -> Outcome:
    """Return the outcome of a document whose reference several documents carry."""
    key = ", ".join(map(str, effect.key.values()))
    return Outcome(
        effect,
        State.PARKED,
        reason="ambiguous_key",
        message=f"{len(ids)} documents of {effect.table} carry the reference {key}: {', '.join(ids[:_SHOWN])}",
        suggestion="Keep one of them: cancel the others, or change their reference; then run again.",
    )


def same_key(effect: Effect, other: str) -> Outcome:
    """Return the outcome of a document whose reference is already another one's."""
    return Outcome(
        effect,
        State.PARKED,
        reason="same_key",
        message=f"its reference is that of {other}, in case too or but for case, which Acumatica ignores",
        suggestion="Renumber one of the two in the source, or make the map's key tell them apart; then run again.",
    )


def key_taken(effect: Effect, error: ConnectorError) -> Outcome:
    """Return the outcome of a record that is there under its number, and does not carry our reference."""
    return Outcome(
        effect,
        State.PARKED,
        reason="key_taken",
        message=f"a record of {effect.table} with this number exists, and it does not carry our reference: {error}",
        suggestion=f"If it is the same one, write {' and '.join(effect.key)} as sent into it by hand; then run again.",
    )


def deleted(effect: Effect) -> Outcome:
    """Return the outcome of a document that was delivered and is not there any more."""
    return Outcome(
        effect,
        State.PARKED,
        reason="deleted_in_target",
        message=f"it was delivered as {effect.target_id}, and people have deleted it in Acumatica since",
        suggestion="Withdraw it in the source, or drop this letter; `on_deleted: create` makes such documents anew.",
    )


def unclear_lines(effect: Effect, names: Sequence[str]) -> Outcome:
    """Return the outcome of an update that could append a line a second time."""
    return Outcome(
        effect,
        State.PARKED,
        reason="lines_unclear",
        message=f"the document has lines in {', '.join(names)} of which it is not known whether they are ours; "
        "a line that is written without its id is appended",
        suggestion="Make the lines in Acumatica equal to the source's by hand, then run again.",
    )


def removed_lines(effect: Effect, names: Sequence[str]) -> Outcome:
    """Return the outcome of an update of a document of which people have taken lines out."""
    return Outcome(
        effect,
        State.PARKED,
        reason="lines_removed",
        message=f"people have taken out lines in Acumatica that the source still has: {', '.join(names)}",
        suggestion="Take them out of the source, too; `on_deleted: create` makes such lines anew.",
    )


def received_lines(effect: Effect, names: Sequence[str]) -> Outcome:
    """Return the outcome of an update that would take out lines for which goods have come."""
    return Outcome(
        effect,
        State.PARKED,
        reason="lines_received",
        message=f"goods came for lines that the source lost or gave another item or account: {', '.join(names)}",
        suggestion="Put them back into the source, or settle it with the buyer by hand; then run again.",
    )


def other_currency(effect: Effect, difference: Difference) -> Outcome:
    """Return the outcome of an update of a document that is in another currency than the source."""
    return Outcome(
        effect,
        State.PARKED,
        reason="other_currency",
        message=f"the document is in {difference.live} in Acumatica and in {difference.sent} in the source: the same "
        "numbers would be other amounts",
        field=difference.path,
        value=difference.sent,
        suggestion="Correct the currency on one side; then run again.",
    )


def differing(differences: Sequence[Difference]) -> str:
    """Say which values the tenant shows otherwise, of personal ones only which (L10)."""
    named = [_quoted(it) for it in differences[:_SHOWN]]
    more = len(differences) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more > 0 else "")


def _quoted(it: Difference) -> str:
    return it.path if is_personal(it.path) else f"{it.path}: sent {it.sent!r}, shows {it.live!r}"


def not_kept(outcome: Outcome, differences: Sequence[Difference], *, park: bool) -> Outcome:
    """Return a delivered outcome that says which values Acumatica took without an error and did not keep."""
    first = differences[0]
    return replace(
        outcome,
        state=State.PARKED if park else outcome.state,
        reason=SILENT,
        message=f"saved, but Acumatica did not keep what was sent: {differing(differences)}",
        field=first.path,
        value=first.sent,
        suggestion="Leave the field to Acumatica in the map (`__owner__: target`), or correct it there by hand.",
    )


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the values that are not empty."""
    return {name: value for name, value in values.items() if value}
