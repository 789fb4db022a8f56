"""The settings of every target that keeps books: where they are, what the flow is called, and when a run fails."""

from __future__ import annotations

from singer_sdk import typing as th

STORE_URL: th.Property[str] = th.Property(
    "store_url",
    th.StringType,
    secret=True,
    description="Database URL of the delivery store. Default: `sqlite:///` + "
    "`${MELTANO_PROJECT_ROOT}/.ml-connector/store.db`.",
)
PIPELINE: th.Property[str] = th.Property(
    "pipeline",
    th.StringType,
    description="Name of this flow in the store; one process at a time may run it. "
    "Default: the names of the Meltano extractor and loader.",
)
REPLAY: th.Property[bool] = th.Property(
    "replay", th.BooleanType, default=False, description="Give refused records another try."
)
REPLAY_OF: th.Property[str] = th.Property(
    "replay_of",
    th.StringType,
    description="The run whose records or window this one tries again; `ml-connector` sets it.",
)
FAIL_ON: th.Property[list[str]] = th.Property(
    "fail_on",
    th.ArrayType(th.StringType),
    default=[],
    description="End with exit code 4 or 5 when records are in these states at the end (parked, refused, failed, "
    "in_doubt) or `out_of_balance`. By default the exit code is 0: one parked invoice must not stop Meltano's "
    "next block.",
)
