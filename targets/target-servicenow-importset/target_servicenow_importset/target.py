"""Singer target for ServiceNow's Import Set and Table APIs: the settings."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ml_connector.errors import ConfigError
from ml_connector.http import Budget, Clock
from ml_connector.singer.delivery_settings import DELIVERY_SETTINGS
from ml_connector.singer.target import DeliveryTarget
from ml_connector.vendors.servicenow.client import open_client
from ml_connector.vendors.servicenow.settings import CONNECTION_SETTINGS
from singer_sdk import typing as th

from target_servicenow_importset.ap_invoices.documents import ApOptions
from target_servicenow_importset.ap_invoices.sender import MOST, Updates
from target_servicenow_importset.sink import Options, ServiceNowSink
from target_servicenow_importset.transforms import KeyStyle
from target_servicenow_importset.values import EmptyValues
from target_servicenow_importset.writer import Mode

if TYPE_CHECKING:
    from ml_connector.delivery.sink import Sink

MIN_WINDOW = 60  # seconds; the instance may commit as long as it lets a call run (law L3)
AGENT = f"ml-connector-target-servicenow-importset/{version('ml-connector-target-servicenow-importset')}"
LOOPBACK = ("127.0.0.1", "localhost")  # a simulator commits at once

OWN_SETTINGS = (
    *CONNECTION_SETTINGS,
    th.Property(
        "mode",
        th.StringType,
        default=Mode.AUTO.value,
        allowed_values=[mode.value for mode in Mode],
        description="How staging rows are written. `auto`: `insert_multiple` where the table has a synchronous "
        "`sys_rest_insert_multiple` record, else `batch`, else `single`.",
    ),
    th.Property(
        "key_style",
        th.StringType,
        default=KeyStyle.AUTO.value,
        allowed_values=[style.value for style in KeyStyle],
        description="What `insert_multiple` calls columns: their label (the platform's default) or their name. "
        "`auto` reads it from the instance and proves it with the first row.",
    ),
    th.Property(
        "batch_size",
        th.IntegerType(minimum=1),
        description="Rows per call. Default: 50 in `batch`, 200 in `insert_multiple`.",
    ),
    th.Property("max_concurrency", th.IntegerType(minimum=1), default=4, description="Calls at the same time."),
    th.Property(
        "max_requests_per_hour", th.IntegerType(minimum=1), description="Never send more calls per hour than this."
    ),
    th.Property(
        "empty_values",
        th.StringType,
        default=EmptyValues.KEEP.value,
        allowed_values=[choice.value for choice in EmptyValues],
        description="What an empty source value does to a staging-fed row that exists: `keep` leaves the field (unless "
        "the transform map copies empty fields), `clear` sends the word NULL, which empties it.",
    ),
    th.Property(
        "settle_window",
        th.NumberType(minimum=0),
        default=90,
        description=f"Seconds after which a row whose answer was lost, and which is not there, counts as never "
        f"arrived. At least {MIN_WINDOW}.",
    ),
    th.Property(
        "request_timeout",
        th.NumberType(minimum=1),
        default=75,
        description="Seconds to wait for an answer. The instance cancels a call itself after 60.",
    ),
    th.Property(
        "patience",
        th.NumberType(minimum=0),
        default=300,
        description="Seconds to wait for a busy instance, or for an asynchronous transform, before leaving it to the "
        "next run.",
    ),
    th.Property(
        "ap_invoice_batch_size",
        th.IntegerType(minimum=1, maximum=MOST),
        default=MOST,
        description="Invoices per call of the AP Invoice API (`via: ap_invoice_api`); the instance's own limit is "
        "obeyed where it is lower.",
    ),
    th.Property(
        "ap_invoice_calls_per_hour",
        th.IntegerType(minimum=1),
        default=10,
        description="Calls of the AP Invoice API per hour; invoices for which none is left wait for the next run.",
    ),
    th.Property(
        "ap_invoice_window",
        th.NumberType(minimum=0),
        default=3600,
        description="Seconds after which an invoice whose answer was lost, and which is neither there nor in the log "
        "of invoices, counts as never arrived: the instance processes what it accepts some time later.",
    ),
    th.Property(
        "ap_invoice_updates",
        th.StringType,
        default=Updates.PARK.value,
        allowed_values=[choice.value for choice in Updates],
        description="What becomes of a change to an invoice that is there already: `park`, since what the AP Invoice "
        "API does to its lines is not documented, or `send`.",
    ),
    th.Property(
        "ap_invoice_log_columns",
        th.ObjectType(additional_properties=True),
        description="Columns of `sn_spend_intg_invoice_integration_log`, where they are not found by likely names: "
        "`{batch: …, source: …, invoice: …, status: …, message: …}`.",
    ),
)


class TargetServiceNowImportSet(DeliveryTarget):
    """Delivers finance records into ServiceNow."""

    name = "target-servicenow-importset"
    config_jsonschema = th.PropertiesList(*OWN_SETTINGS, *DELIVERY_SETTINGS.wrapped.values()).to_dict()

    def open_sink(self) -> Sink:
        """Return the sink for the configured instance."""
        config = self.config
        for name in ("settle_window", "ap_invoice_window"):
            window = float(config[name])
            if window < MIN_WINDOW and urlsplit(config["instance_url"]).hostname not in LOOPBACK:
                raise ConfigError(
                    f"{name} is {window:.0f} s: the instance may still commit a lost call after {MIN_WINDOW} s. "
                    f"Set it to {MIN_WINDOW} or more."
                )
        options = Options(
            mode=Mode(config["mode"]),
            key_style=KeyStyle(config["key_style"]),
            batch_size=config.get("batch_size"),
            max_concurrency=config["max_concurrency"],
            settle_window=float(config["settle_window"]),
            patience=float(config["patience"]),
            empty_values=EmptyValues(config["empty_values"]),
            documents=ApOptions(
                batch_size=config["ap_invoice_batch_size"],
                calls_per_hour=config["ap_invoice_calls_per_hour"],
                window=float(config["ap_invoice_window"]),
                updates=Updates(config["ap_invoice_updates"]),
                log_columns=config.get("ap_invoice_log_columns") or {},
            ),
        )
        clock = Clock()  # one, so that a termination ends the waits of both
        budget = Budget(config.get("max_requests_per_hour"), config["max_concurrency"], clock=clock)
        client = open_client(config, agent=AGENT, budget=budget, redactor=self.redactor)
        return ServiceNowSink(client, options, clock)
