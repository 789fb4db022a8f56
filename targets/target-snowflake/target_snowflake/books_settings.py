"""The settings of the books a run keeps, and the guard on where it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConfigError
from singer_sdk import typing as th

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.delivery.sink import Identity

    from target_snowflake.connection import Session

NEVER, ALWAYS = "never", "always"

BOOKS_SETTINGS = th.PropertiesList(
    th.Property(
        "store_url",
        th.StringType,
        secret=True,
        description="Database URL of the delivery store. Default: `sqlite:///` + "
        "`${MELTANO_PROJECT_ROOT}/.ml-connector/store.db`.",
    ),
    th.Property(
        "pipeline",
        th.StringType,
        description="Name of this flow in the store; one process at a time may run it. "
        "Default: the names of the Meltano extractor and loader.",
    ),
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
    th.Property("replay", th.BooleanType, default=False, description="Give refused records another try."),
    th.Property(
        "replay_of",
        th.StringType,
        description="The run whose records or window this one tries again; `ml-connector` sets it.",
    ),
    th.Property(
        "require_plan",
        th.StringType,
        default=NEVER,
        allowed_values=[NEVER, ALWAYS],
        description="`always`: a run needs a plan that a person looked at (`ml-connector plan`, `run --plan`).",
    ),
    th.Property(
        "fail_on",
        th.ArrayType(th.StringType),
        default=[],
        description="End with exit code 4 or 5 when records are in these states at the end (`refused`) or "
        "`out_of_balance`. By default the exit code is 0.",
    ),
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
