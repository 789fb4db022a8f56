"""Doing a step again on a new session when one is lost: steps that may be done twice, and batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import stamina
from ml_connector.errors import OutOfPatience

from target_snowflake.faults import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from target_snowflake.connection import Session

Result = TypeVar("Result")

_TRIES = 6


def patiently(session: Session, step: Callable[[bool], Result], what: str) -> Result:
    """Return what a step comes to; it is told whether it may have been done before.

    Raises:
        OutOfPatience: Every session was lost, or the run was asked to end; nothing is lost.
    """

    def worth(error: Exception) -> bool:
        return isinstance(error, ConnectionLost) and not session.clock.ended

    try:
        for attempt in stamina.retry_context(on=worth, attempts=_TRIES, wait_initial=0.2, wait_max=30):
            with attempt:
                again = attempt.num > 1
                if again:
                    session.reopen()
                return step(again)
    except ConnectionLost as lost:
        why = "The run was asked to end." if session.clock.ended else f"{what} was tried {_TRIES} times."
        raise OutOfPatience(f"{lost} {why} STATE has not passed it: run again later.") from lost
    raise AssertionError  # stamina returns or raises
