"""The settings of the books a run keeps, and the guard on where it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConfigError
from ml_connector.singer.store_settings import FAIL_ON, PIPELINE, REPLAY, REPLAY_OF, STORE_URL
from singer_sdk import typing as th

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.delivery.sink import Identity

    from target_snowflake.connection import Session

NEVER, ALWAYS = "never", "always"

BOOKS_SETTINGS = th.PropertiesList(
    STORE_URL,
    PIPELINE,
    th.Property(
        "expected_account",
        th.StringType,
        description="Stop unless the live account, database and schema are this one: `acme-finance/FINANCE/VISMA`.",
    ),
    th.Property(
        "max_refused",
        th.IntegerType(minimum=0),
        default=1000,
        description="Stop the run when more records than this are refused: the cause is one. 0: never stop.",
    ),
    REPLAY,
    REPLAY_OF,
    th.Property(
        "require_plan",
        th.StringType,
        default=NEVER,
        allowed_values=[NEVER, ALWAYS],
        description="`always`: a run needs a plan that a person looked at (`ml-connector plan`, `run --plan`).",
    ),
    FAIL_ON,
)


def check_identity(session: Session, config: Mapping[str, Any]) -> Identity:
    """Return which account, database and schema this is, live.

    Raises:
        ConfigError: It is not the expected one; nothing was written.
    """
    identity = session.identity()
    expected = config.get("expected_account")
    place = identity.id.partition(":")[2]
    if expected is not None and expected.strip().lower() != place.lower():
        raise ConfigError(
            f"expected_account is {expected!r}, but this is {place!r}. Nothing was written. Correct `account`, "
            "`database`, `schema` or `expected_account`."
        )
    return identity
