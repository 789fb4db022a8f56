"""Words about a record, without the bank and personal identifiers that are in it (L10)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_connector.secrets import MASK
from ml_connector.secrets.guard import process_redactor
from ml_connector.secrets.personal import is_personal, personal_values
from ml_connector.secrets.redaction import SHORTEST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ml_connector.delivery.sink import Effect, Outcome
    from ml_connector.delivery.work import Verdict
    from ml_connector.errors import ConnectorError


def discreet_verdict(verdict: Verdict, record: Any) -> Verdict:
    """Return a verdict that may be stored, told and logged."""
    return _discreet(verdict, record) if verdict.message or verdict.value else verdict


def discreet_outcome(outcome: Outcome) -> Outcome:
    """Return an outcome that may be stored, told and logged: a target may quote what was sent to it."""
    return _discreet(outcome, outcome.effect.payload) if outcome.message or outcome.value else outcome


def discreet_error(error: ConnectorError, batch: Iterable[Effect]) -> ConnectorError:
    """Take out of an error's words what it may quote of the rows that were being sent; return the error."""
    error.args = (_masked(str(error), set().union(*(personal_values(effect.payload) for effect in batch))),)
    return error


def _discreet(told: Any, record: Any) -> Any:
    hidden = personal_values(record)
    if told.field and told.value and is_personal(told.field):
        hidden.add(told.value)
    value = told.value and _masked(told.value, hidden)
    return replace(told, message=_masked(told.message, hidden), value=value)


def _masked(text: str, hidden: Iterable[str]) -> str:
    for value in sorted(hidden, key=len, reverse=True):
        if len(value) >= SHORTEST:
            text = text.replace(value, MASK)
    return process_redactor().clean(text)
