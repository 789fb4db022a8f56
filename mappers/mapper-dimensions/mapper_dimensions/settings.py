"""The mapper's settings."""

from __future__ import annotations

from singer_sdk import typing as th

from mapper_dimensions.canonical import NUMBER, TEXT

DROP, PASS = "drop", "pass"

CONFIG = th.PropertiesList(
    th.Property(
        "mapping",
        th.StringType,
        required=True,
        description="The source map, e.g. `tap_visma`; found in `maps_dir` first, then in the installed "
        "ml-connector-maps.",
    ),
    th.Property("maps_dir", th.StringType, description="The project's own folder of maps and crosswalks."),
    th.Property(
        "mapping_vars",
        th.ObjectType(additional_properties=th.CustomType({"type": ["string", "integer"]})),
        description="Values that override the `vars:` of the source map, e.g. `{cost_center_segment: 2}`.",
    ),
    th.Property(
        "dimensions",
        th.ObjectType(additional_properties=th.CustomType({"type": ["object", "null"]})),
        description="What is resolved: name → `source`, `fields`, `crosswalk`, `complete`, `missing`, `inactive`. "
        "See Dimensions below. Nothing is resolved without it.",
    ),
    th.Property(
        "decimals",
        th.StringType,
        default=NUMBER,
        allowed_values=[NUMBER, TEXT],
        description="How amounts, quantities and rates are written: as JSON numbers with all their digits, or as texts "
        "for a target that reads numbers as floats.",
    ),
    th.Property(
        "unmapped",
        th.StringType,
        default=DROP,
        allowed_values=[DROP, PASS],
        description="Streams that the source map does not know: leave them out, or pass them on as they are.",
    ),
    th.Property(
        "rejects_stream",
        th.StringType,
        default="_rejected",
        description="The stream that brings refused and parked records to the target, when there is no `rejects_file`.",
    ),
    th.Property(
        "rejects_file",
        th.StringType,
        description="A file that refused and parked records are added to instead, one JSON object a line, readable by "
        "its owner only.",
    ),
    th.Property(
        "fail_on",
        th.ArrayType(th.StringType(allowed_values=["refused", "parked"])),
        default=[],
        description="End with exit code 4 when records are in these states. All of the input is mapped before.",
    ),
).to_dict()
