"""The tap's own settings."""

from __future__ import annotations

from ml_connector.singer.tap import SETTINGS
from ml_connector.vendors.servicenow.settings import CONNECTION_SETTINGS
from singer_sdk import typing as th

from tap_servicenow.tables import FINANCE

READING = (
    th.Property(
        "tables",
        th.ArrayType(th.StringType),
        default=[FINANCE],
        title="Tables",
        description="Which tables are streams: names, patterns such as `sn_shop_*`, and the word `finance` for those "
        "of Source-to-Pay and Procurement that the instance has.",
    ),
    th.Property(
        "exclude_tables",
        th.ArrayType(th.StringType),
        default=[],
        title="Excluded tables",
        description="Names and patterns of tables that are no streams, whatever `tables` says.",
    ),
    th.Property(
        "full_tables",
        th.ArrayType(th.StringType),
        default=[],
        title="Whole tables",
        description="Names and patterns of tables that are read whole every time, because scripts change their rows "
        "without changing `sys_updated_on`.",
    ),
    th.Property(
        "queries",
        th.ObjectType(additional_properties=th.StringType),
        default={},
        title="Queries",
        description='Encoded queries that narrow tables: `{"sn_shop_invoice": "state!=draft"}`. Each column is proven '
        "to be obeyed before anything is read.",
    ),
    th.Property(
        "display_values",
        th.BooleanType,
        default=False,
        title="Display values",
        description="Put what people see beside codes and references, as `<column>__display`. Slower.",
    ),
    th.Property(
        "detect_deletes",
        th.BooleanType,
        default=False,
        title="Deletes",
        description="Tell deleted rows by `_sdc_deleted_at`, from `sys_audit_delete`, from the second run on.",
    ),
    th.Property(
        "on_missing_field",
        th.StringType,
        default="warn",
        allowed_values=["warn", "fail"],
        title="Hidden fields",
        description="What to do when the account may not read a selected field: say so and leave it out, or stop.",
    ),
    th.Property(
        "max_url_length",
        th.IntegerType(minimum=1000),
        default=4000,
        title="Longest URL",
        description="Tables with more columns than fit are read in parts, which are put together.",
    ),
)
REQUESTS = (
    th.Property(
        "request_table",
        th.StringType,
        default="sn_shop_purchase_requisition",
        title="Requisitions",
        description="The table of `purchase_requests`.",
    ),
    th.Property(
        "request_line_table",
        th.StringType,
        default="sn_shop_purchase_line",
        title="Requisition lines",
        description="The table of their lines.",
    ),
    th.Property(
        "request_line_parent",
        th.StringType,
        default="purchase_requisition",
        title="Line to requisition",
        description="The column of a line that refers to its requisition.",
    ),
    th.Property(
        "approval_rule",
        th.StringType,
        default="status=approved",
        title="Approval rule",
        description="Encoded query that a requisition must match to be a purchase request. Proven to be obeyed.",
    ),
)
ALL_SETTINGS = (*CONNECTION_SETTINGS, *READING, *REQUESTS, *SETTINGS)
