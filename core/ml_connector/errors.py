"""The error tree, by consequence: what happens next decides the class, not where it arose.

ConnectorError
├── ConfigError          a person must change a file or a setting          exit 2
│   └── TooManyRefused   most of what came was refused: the run stopped
├── EnvironmentFault     the world outside must change                     exit 3
│   ├── AuthError        credentials, tenant, role or licence
│   │   └── Forbidden    the credentials are good, but not for this one thing
│   └── Unreachable      no connection, name, or certificate
├── Retryable            a later attempt may succeed, not before `retry_at`
│   ├── OutOfPatience    the wait is longer than this run may wait: stop cleanly, state saved
│   └── TooMuch          the server could not answer so much at once: ask for less
├── BadAnswer            the server's answer could not be understood       exit 1
├── BadInput             what a tap wrote is not a Singer stream           exit 1
├── RecordRefused        this record's data must change
├── RecordParked         this record waits for something outside it
├── InDoubt              a write went out and its answer was lost
├── PlanChanged          what a plan was made of is not so any more               exit 4
└── OutOfBalance         counts or sums do not add up                      exit 5

Every error has a stable code (`docs/errors.md` lists them) and a message that ends with what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import datetime


class ConnectorError(Exception):
    """The root of every error ml-connector raises itself."""

    code: ClassVar[str] = "fault"
    exit_code: ClassVar[int] = 1


class ConfigError(ConnectorError):
    """A setting or a file is wrong; nothing was sent."""

    code = "config"
    exit_code = 2


class TooManyRefused(ConfigError):
    """So many records are refused that their cause must be one: maps, settings or the target's set-up."""

    code = "too_many_refused"


class EnvironmentFault(ConnectorError):
    """Something outside this project must change before a run can succeed."""

    code = "environment"
    exit_code = 3


class AuthError(EnvironmentFault):
    """The server does not accept the credentials, the tenant or the role."""

    code = "auth"


class Forbidden(AuthError):
    """The credentials are accepted, but they may not do this one thing (a role or a licence is missing)."""

    code = "forbidden"


class Unreachable(EnvironmentFault):
    """The host could not be reached at all."""

    code = "unreachable"


class Retryable(ConnectorError):
    """A later attempt may succeed; `retry_at` is the earliest moment, when the server named one."""

    code = "transient"

    def __init__(self, message: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class OutOfPatience(Retryable):
    """The server asks for a longer wait than this run may spend; the run stops cleanly with its state saved."""

    code = "out_of_patience"
    exit_code = 3


class TooMuch(Retryable):
    """The server could not answer so much at once: the same call with fewer rows may succeed."""

    code = "too_much"


class BadAnswer(ConnectorError):
    """The server answered something that is not in the connector's error table, or cannot be parsed."""

    code = "bad_answer"


class BadInput(ConnectorError):
    """A line of the Singer stream cannot be used; what came before it is settled or read again."""

    code = "bad_input"


class RecordError(ConnectorError):
    """One record cannot go on; `reason` is the stable cause, `suggestion` says what to do about it."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        field: str | None = None,
        value: str | None = None,
        suggestion: str = "",
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.field = field
        self.value = value
        self.suggestion = suggestion


class RecordRefused(RecordError):
    """The record's own data must change before it can be delivered."""

    code = "refused"


class RecordParked(RecordError):
    """The record waits for something outside it, such as a missing dimension or a closed period."""

    code = "parked"


class InDoubt(ConnectorError):
    """A write went out and its answer was lost: it may or may not have taken effect (L3)."""

    code = "in_doubt"
    exit_code = 5


class PlanChanged(ConnectorError):
    """Source, target or file are not what a plan was made of; nothing that it does not say was written."""

    code = "plan_changed"
    exit_code = 4


class OutOfBalance(ConnectorError):
    """Counts or sums on the two sides of a run differ (L8)."""

    code = "out_of_balance"
    exit_code = 5
