"""The settings of loading: how rows get into their tables, how large batches are, and what types columns have."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ml_connector.errors import ConfigError
from singer_sdk import typing as th

from target_snowflake import maps
from target_snowflake.columns import Type, TypeRules
from target_snowflake.load import LoadOptions
from target_snowflake.run import RunOptions
from target_snowflake.spill import SpillOptions
from target_snowflake.tables import Contract

if TYPE_CHECKING:
    from collections.abc import Mapping

UPSERT, APPEND, OVERWRITE = "upsert", "append", "overwrite"
MERGE, DELETE_INSERT = "merge", "delete_insert"
KEEP, NULL = "keep", "null"

LOADING_SETTINGS = th.PropertiesList(
    th.Property(
        "stage", th.StringType, default="_ML_STAGE", description="The internal stage files go to; made if absent."
    ),
    th.Property(
        "load_method",
        th.StringType,
        default=UPSERT,
        allowed_values=[UPSERT, APPEND, OVERWRITE],
        description="`upsert` by the stream's key (a stream without one is appended); `append` (at least once: what is "
        "read twice is there twice); `overwrite`: at the end of the run a new table takes the old one's place.",
    ),
    th.Property(
        "upsert_by",
        th.StringType,
        default=DELETE_INSERT,
        allowed_values=[DELETE_INSERT, MERGE],
        description="`merge` keeps an update an update for append-only streams on the table.",
    ),
    th.Property(
        "hard_delete",
        th.BooleanType,
        default=False,
        description="Delete rows whose record has `_sdc_deleted_at`, and on ACTIVATE_VERSION. Default: mark them.",
    ),
    th.Property(
        "absent_properties",
        th.StringType,
        default=KEEP,
        allowed_values=[KEEP, NULL],
        description="What a property that a record lacks does to the stored value: `keep` leaves it, `null` empties "
        "it. Taps of this house say themselves that their records are whole.",
    ),
    th.Property(
        "contract",
        th.StringType,
        default=Contract.EVOLVE.value,
        allowed_values=[contract.value for contract in Contract],
        description="What may change in a table that is there: `evolve` adds columns, widens them, or adds a second "
        "one beside a column whose type changed; `freeze` stops the run; `discard` leaves the values out and says so.",
    ),
    th.Property(
        "number_default",
        th.StringType,
        default="NUMBER(38,9)",
        description="The type of a `number` that has no `multipleOf`. A value with more decimals is kept exactly in a "
        "column `…__EXACT` beside.",
    ),
    th.Property(
        "column_types",
        th.ObjectType(additional_properties=th.StringType),
        description='Types by `stream.property` or `*.property`: `{"rates.rate": "NUMBER(38,12)"}`.',
    ),
    th.Property(
        "naive_timezone",
        th.StringType,
        default="UTC",
        description="The time zone of a `date-time` without an offset, as `Europe/Oslo`.",
    ),
    th.Property(
        "batch_size_rows",
        th.IntegerType(minimum=1),
        default=100_000,
        description="Records of one stream loaded together.",
    ),
    th.Property(
        "batch_size_bytes",
        th.IntegerType(minimum=1_000_000),
        default=500_000_000,
        description="Bytes of records of one stream loaded together, as they came.",
    ),
    th.Property("batch_seconds", th.NumberType, default=60, description="Load a started batch after this long."),
    th.Property(
        "file_size",
        th.IntegerType(minimum=1_000_000),
        default=150_000_000,
        description="Bytes of one Parquet file, compressed; Snowflake likes 100 to 250 MB.",
    ),
    th.Property(
        "max_parallelism",
        th.IntegerType(minimum=1, maximum=16),
        default=4,
        description="Streams loaded at the same time, each on a connection of its own.",
    ),
    th.Property("spill_dir", th.StringType, description="Where files are kept on their way. Default: the system's."),
    th.Property(
        "compression",
        th.StringType,
        default="snappy",
        allowed_values=["snappy", "zstd", "gzip"],
        description="Of the Parquet files. zstd makes them a third smaller.",
    ),
)


def load_options(config: Mapping[str, Any]) -> LoadOptions:
    """Return how batches are loaded."""
    method = config["load_method"]
    return LoadOptions(
        upsert=method != APPEND,
        overwrite=method == OVERWRITE,
        merge=config["upsert_by"] == MERGE,
        hard_delete=config["hard_delete"],
        contract=Contract(config["contract"]),
    )


def run_options(config: Mapping[str, Any], folder: Path) -> RunOptions:
    """Return how records become batches; files go to `folder`.

    Raises:
        ConfigError: A type or the time zone is none.
    """
    return RunOptions(
        spill=SpillOptions(folder, config["file_size"], config["compression"]),
        rules=type_rules(config),
        batch_rows=config["batch_size_rows"],
        batch_bytes=config["batch_size_bytes"],
        batch_seconds=float(config["batch_seconds"]),
        whole=config["absent_properties"] == NULL or config["load_method"] == APPEND,
        evolve=config["contract"] == Contract.EVOLVE.value,
        zone=_zone(config["naive_timezone"]),
        overwrite=config["load_method"] == OVERWRITE,
        mapped=maps.are_set(config),
        backlog=2 * config["max_parallelism"],
    )


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"naive_timezone {name!r} is no time zone. Write one such as Europe/Oslo.") from None
    return name


def type_rules(config: Mapping[str, Any]) -> TypeRules:
    """Return what the settings say of types."""
    stated = {name: Type.parse(text) for name, text in (config.get("column_types") or {}).items()}
    for name in stated:
        if "." not in name:
            raise ConfigError(f"`column_types` names {name!r}; write stream.property, or *.property.")
    return TypeRules(Type.parse(config["number_default"]), stated)


def spill_folder(config: Mapping[str, Any]) -> Path:
    """Return the folder under which a run makes its own."""
    return Path(config.get("spill_dir") or gettempdir())
