"""The settings every delivery target has, and what the engine makes of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from ml_connector.delivery.settings import EngineSettings, Guards
from ml_connector.errors import ConfigError
from ml_connector.plan.held import NEVER, REQUIREMENTS
from ml_connector.singer.store_settings import FAIL_ON, PIPELINE, REPLAY, REPLAY_OF, STORE_URL

if TYPE_CHECKING:
    from collections.abc import Mapping

DELIVERY_SETTINGS = th.PropertiesList(
    th.Property(
        "mapping",
        th.ArrayType(th.StringType),
        required=True,
        description="Two map names: the source's and the target's, e.g. `[tap_visma, servicenow-s2p]`. "
        "Each is found in `maps_dir` first, then in the installed ml-connector-maps.",
    ),
    th.Property("maps_dir", th.StringType, description="The project's own maps folder."),
    th.Property(
        "mapping_vars",
        th.ObjectType(additional_properties=True),
        description="Values that override the `vars:` of the source map, e.g. `{cost_center_segment: 2}`.",
    ),
    STORE_URL,
    PIPELINE,
    th.Property("cutover_date", th.DateType, description="Documents dated before it are skipped (named, and counted)."),
    th.Property(
        "deliver_open_before_cutover",
        th.BooleanType,
        default=False,
        description="Deliver documents dated before the cutover all the same while they are open.",
    ),
    th.Property(
        "source_states",
        th.ArrayType(th.StringType),
        default=["open", "closed", "active", "inactive"],
        description="Deliver only records in these source states: draft, open, closed, voided, active, inactive.",
    ),
    th.Property(
        "expected_company",
        th.ArrayType(th.StringType),
        description="Stop before a record of any other company is written.",
    ),
    th.Property("expected_instance", th.StringType, description="Stop unless the live target says it is this one."),
    th.Property("max_records", th.IntegerType, description="Stop when a run receives more records than this."),
    th.Property("max_amount", th.StringType, description="Park documents above this amount, in their own currency."),
    th.Property(
        "volume_factor",
        th.NumberType,
        description="Stop when a run receives this many times the usual volume of the last ten runs. 0: no stop.",
    ),
    th.Property(
        "stop_after_refused",
        th.IntegerType(minimum=0),
        default=50,
        description="Stop the run when so many of its newest `stop_within` records were refused, by a check or by the "
        "target: the cause is one. 0: never stop.",
    ),
    th.Property(
        "stop_within",
        th.IntegerType(minimum=1),
        default=100,
        description="How many of the newest records `stop_after_refused` looks at.",
    ),
    th.Property(
        "give_up_after",
        th.NumberType(minimum=0),
        default=14,
        description="Days after which a row that was sent, and of which the target tells nothing, waits for a person. "
        "0: it is asked for ever, and newer versions of its record wait.",
    ),
    th.Property(
        "review_days",
        th.NumberType(minimum=0),
        default=7,
        description="For so many days after its delivery, a target that can tell is asked at the start of every run "
        "whether its own integration has trouble with a record. 0: never.",
    ),
    th.Property(
        "batch_size_rows",
        th.IntegerType(minimum=1, maximum=10_000),
        default=500,
        description="Records settled together.",
    ),
    th.Property("batch_seconds", th.NumberType, default=30, description="Settle a started batch after this long."),
    th.Property(
        "max_vanished_share",
        th.NumberType(minimum=0, maximum=1),
        default=0.05,
        description="When a census misses a larger share of a company's records of one type (and more than three), it "
        "is taken for a fault of permissions or paging, not for deletions: nothing is cancelled.",
    ),
    th.Property(
        "match_existing",
        th.BooleanType,
        default=True,
        description="Before a record is first delivered, look for one that the target has already, as `__match__` of "
        "the target map says (suppliers): a sure match is taken over, a doubtful one parks. Off: make a new one.",
    ),
    th.Property(
        "create_unmatched",
        th.BooleanType,
        default=True,
        description="Make a new one when `match_existing` finds none. Off: it parks as `supplier_unknown` until "
        "somebody makes it in the target, or decides.",
    ),
    th.Property("resend", th.BooleanType, default=False, description="Send everything again, whatever the hashes say."),
    REPLAY,
    REPLAY_OF,
    th.Property(
        "require_plan",
        th.StringType,
        default=NEVER,
        allowed_values=list(REQUIREMENTS),
        description="When a run needs a plan that a person looked at (`ml-connector plan`, `run --plan`): `never`; "
        "`first`, for a company, a target or a map version that nothing was delivered with yet; `always`.",
    ),
    FAIL_ON,
)


def engine_settings(pipeline: str, config: Mapping[str, Any]) -> EngineSettings:
    """Return the engine's settings that a target's settings make.

    Raises:
        ConfigError: A value cannot be parsed, or a guard is left empty.
    """
    guards = Guards(
        cutover_date=_parsed("cutover_date", date.fromisoformat, config.get("cutover_date")),
        deliver_open_before_cutover=config["deliver_open_before_cutover"],
        source_states=tuple(config["source_states"]),
        expected_companies=tuple(config.get("expected_company") or ()),
        expected_instance=_not_blank("expected_instance", config.get("expected_instance")),
        max_records=config.get("max_records"),
        max_amount=_parsed("max_amount", Decimal, config.get("max_amount")),
        volume_factor=_parsed("volume_factor", Decimal, str(config.get("volume_factor") or 0)),
    )
    return EngineSettings(
        pipeline=pipeline,
        mapping=" ".join(config["mapping"]),
        guards=guards,
        batch_rows=config["batch_size_rows"],
        batch_seconds=float(config["batch_seconds"]),
        match_existing=config["match_existing"],
        create_unmatched=config["create_unmatched"],
        resend=config["resend"],
        replay=config["replay"],
        give_up_after=timedelta(days=float(config["give_up_after"])) if config["give_up_after"] else None,
        review_after=timedelta(days=float(config["review_days"])) if config["review_days"] else None,
        stop_after_refused=config["stop_after_refused"],
        stop_within=config["stop_within"],
        replay_of=config.get("replay_of"),
    )


def _not_blank(name: str, text: str | None) -> str | None:
    """Return a guard's value; an empty one, as an unset variable leaves it, must not open the guard."""
    if text is not None and not text.strip():
        raise ConfigError(
            f"`{name}` is empty. Say what is expected, or leave the setting out to go without this guard."
        )
    return text


def _parsed(name: str, parse: Any, text: str | None) -> Any:
    if text is None:
        return None
    try:
        return parse(str(text)[:10] if parse is date.fromisoformat else text)
    except (ValueError, InvalidOperation):
        raise ConfigError(
            f"`{name}` is {text!r}, which is not a valid value. Correct it in the target's settings."
        ) from None
