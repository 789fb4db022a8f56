"""Singer target for Acumatica's contract-based REST API: the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ml_connector.errors import ConfigError
from ml_connector.http import Budget, Clock
from ml_connector.singer.delivery_settings import DELIVERY_SETTINGS
from ml_connector.singer.target import DeliveryTarget
from ml_connector.vendors.acumatica.client import open_client
from ml_connector.vendors.acumatica.settings import CONNECTION_SETTINGS, LIMITS
from singer_sdk import typing as th

from target_acumatica.policy import ACTIONS, ENTITIES, bad_actions
from target_acumatica.sink import LOOPBACK, AcumaticaSink, Options
from target_acumatica.values import EmptyValues
from target_acumatica.writer import Rules

if TYPE_CHECKING:
    from ml_connector.delivery.sink import Sink

AGENT = "ml-connector target-acumatica"
MIN_WINDOW = 660  # seconds; the server may hold a request for ten minutes and carry it out then (law L3)
WARN, PARK, CREATE = "warn", "park", "create"

OWN_SETTINGS = (
    th.Property(
        "entities",
        th.ArrayType(th.StringType),
        default=list(ENTITIES),
        title="Entities",
        description="The entities that may be written; what a map makes of others is parked. Entities that post to a "
        "ledger, such as JournalTransaction, are never written: a map that names one stops the run.",
    ),
    th.Property(
        "after_create",
        th.ObjectType(additional_properties=th.ArrayType(th.StringType)),
        title="Actions after creation",
        description="Workflow actions to run on a document once it is created, by entity: "
        f"`{{PurchaseOrder: [RemoveHold]}}`. Only {', '.join(ACTIONS)}: releasing and approving are for people.",
    ),
    th.Property(
        "lines_per_request",
        th.IntegerType(minimum=1),
        default=500,
        title="Lines per request",
        description="A document with more lines goes out in several requests; it is on hold until the last one.",
    ),
    th.Property(
        "reference_length",
        th.IntegerType(minimum=1),
        default=40,
        title="Longest reference",
        description="Characters that the reference a document is found again by may have (the map's key); Acumatica "
        "would cut off the rest.",
    ),
    th.Property(
        "on_silent_no_op",
        th.StringType,
        default=WARN,
        allowed_values=[WARN, PARK],
        title="Values not kept",
        description="What a value does that Acumatica takes without an error and does not keep: `warn` delivers the "
        "document and says so, `park` lets it wait for a person.",
    ),
    th.Property(
        "on_deleted",
        th.StringType,
        default=PARK,
        allowed_values=[PARK, CREATE],
        title="Deleted documents",
        description="What a change does to a document, or a line, that people have deleted in Acumatica: `park` it, or "
        "`create` it anew.",
    ),
    th.Property(
        "empty_values",
        th.StringType,
        default=EmptyValues.KEEP.value,
        allowed_values=[choice.value for choice in EmptyValues],
        title="Empty values",
        description="What an empty source value does to a document that exists: `keep` leaves the field, `clear` "
        "empties it. A new document takes Acumatica's own default in both cases.",
    ),
    th.Property(
        "settle_window",
        th.NumberType(minimum=0),
        default=900,
        title="Settle window",
        description="Seconds after which a document whose answer was lost, and which is not there, counts as never "
        f"arrived: the server holds requests for up to 600 in its queue. At least {MIN_WINDOW}.",
    ),
    th.Property(
        "outcome_patience",
        th.NumberType(minimum=0),
        default=120,
        title="Patience for outcomes",
        description="Seconds a run waits for a lost answer's document, or for the end of an action, before leaving it "
        "to the next run.",
    ),
)


class TargetAcumatica(DeliveryTarget):
    """Delivers purchase orders, vendors and other records into Acumatica."""

    name = "target-acumatica"
    package_name = "ml-connector-target-acumatica"
    config_jsonschema = th.PropertiesList(
        *CONNECTION_SETTINGS, *OWN_SETTINGS, *LIMITS, *DELIVERY_SETTINGS.wrapped.values()
    ).to_dict()

    def open_sink(self) -> Sink:
        """Return the sink for the configured tenant."""
        options = self._options()
        clock = Clock()  # one, so that a termination ends the waits of both
        budget = Budget(max_concurrency=self.config["max_concurrency"], clock=clock)
        kept = self.kept("refresh_token")
        connection = open_client(self.config, agent=AGENT, budget=budget, redactor=self.redactor, kept=kept)
        return AcumaticaSink(connection, self.config, options, clock)

    def _options(self) -> Options:
        config = self.config
        window = float(config["settle_window"])
        if window < MIN_WINDOW and urlsplit(config["instance_url"]).hostname not in LOOPBACK:
            raise ConfigError(
                f"settle_window is {window:.0f} s: the server may still carry out a lost request after {MIN_WINDOW} s. "
                f"Set it to {MIN_WINDOW} or more."
            )
        after_create = dict(config.get("after_create") or {})
        if bad := bad_actions(after_create):
            raise ConfigError(
                f"after_create names {', '.join(bad)}; only {', '.join(ACTIONS)} may follow a write. Releasing, "
                "approving, voiding and reversing are decisions of people."
            )
        return Options(
            entities=tuple(config["entities"]),
            after_create=after_create,
            lines_per_request=config["lines_per_request"],
            reference_length=config["reference_length"],
            settle_window=window,
            patience=float(config["outcome_patience"]),
            rules=Rules(
                park_silent=config["on_silent_no_op"] == PARK,
                make_deleted=config["on_deleted"] == CREATE,
                empty=EmptyValues(config["empty_values"]),
            ),
        )
