"""mapper-dimensions: native finance records become canonical ones on their way to any Singer target."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ml_connector.errors import BadInput, ConfigError
from ml_connector.mapping import SourceMap, search_path
from ml_connector.secrets.personal import personal_values
from ml_connector.singer.command import told
from ml_connector.singer.io import Writer
from ml_connector.singer.plugin import Plugin
from ml_connector.singer.reader import DecimalReader
from ml_connector.singer.store_target import BAD_INPUT
from singer_sdk.exceptions import RecordsWithoutSchemaException
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.mapper_base import InlineMapper
from singer_sdk.singerlib.messages import Message, RecordMessage, SchemaMessage, StateMessage

from mapper_dimensions.passage import Passage
from mapper_dimensions.rejects import rejects
from mapper_dimensions.resolver import Resolver
from mapper_dimensions.rules import read_rules
from mapper_dimensions.settings import CONFIG, PASS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REJECTED_EXIT = 4
"""The exit code of a run with records in a state that `fail_on` names, as our targets have it."""


class MapperDimensions(Plugin, InlineMapper):
    """Maps records to the canonical finance records and resolves their dimensions."""

    name = "mapper-dimensions"
    package_name = "ml-connector-mapper-dimensions"
    config_jsonschema = CONFIG
    capabilities: ClassVar = [PluginCapabilities.ABOUT, PluginCapabilities.STRUCTURED_LOGGING]
    message_reader_class = DecimalReader
    message_writer_class = Writer

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._streams: set[str] = set()

    @cached_property
    def passage(self) -> Passage:
        """The way of records through this mapper; a wrong map or rule is told before the first one."""
        folder = self.config.get("maps_dir")
        search = search_path(*([Path(folder)] if folder else []))
        return Passage(
            SourceMap.load(self.config["mapping"], search, self.config.get("mapping_vars")),
            Resolver(read_rules(self.config.get("dimensions") or {}, search)),
            rejects(self.config.get("rejects_file"), self.config["rejects_stream"]),
            self.config["decimals"],
        )

    # messages

    def map_schema_message(self, message_dict: dict[str, Any]) -> Iterable[Message]:
        """Return the schemas of the record types a stream becomes; each is told once."""
        self._assert_line_requires(message_dict, requires={"stream", "schema"})
        stream, schema = message_dict["stream"], message_dict["schema"]
        keys = list(message_dict.get("key_properties") or ())
        known = stream in self._streams
        self._streams.add(stream)
        yield from self.passage.schema(stream, schema, keys)
        if not self.passage.is_mapped(stream):
            if self.config["unmapped"] == PASS:
                yield SchemaMessage(stream, schema, keys)
            elif not known:
                words = "%s.yml does not map the stream %s: its records are left out. Deselect it in the tap."
                self.logger.warning(words, self.config["mapping"], stream)

    def map_record_message(self, message_dict: dict[str, Any]) -> Iterable[Message]:
        """Return what a record becomes: canonical records, or a reject."""
        self._assert_line_requires(message_dict, requires={"stream", "record"})
        stream, record = message_dict["stream"], message_dict["record"]
        if stream not in self._streams:
            raise RecordsWithoutSchemaException(f"a record of stream {stream!r} arrived before its SCHEMA message")
        read_at = _moment(message_dict.get("time_extracted"))
        if not self.passage.is_mapped(stream) and self.config["unmapped"] == PASS:
            yield RecordMessage(stream, record, time_extracted=read_at)
            return
        self.redactor.note(personal_values(record))
        yield from self.passage.record(stream, record, read_at)

    def map_state_message(self, message_dict: dict[str, Any]) -> Iterator[Message]:
        """Return the STATE as it came, where it came: what was rejected before it is durable by then (L1)."""
        self.passage.rejects.secure()
        yield StateMessage(message_dict["value"])

    def map_activate_version_message(self, message_dict: dict[str, Any]) -> Iterable[Message]:
        """Return nothing: records that wait among the rejects are no deletions, and a version would make them some."""
        self.logger.debug("ACTIVATE_VERSION of %s is not passed on", message_dict.get("stream"))
        return ()

    def map_batch_message(self, message_dict: dict[str, Any]) -> Iterable[Message]:
        """Refuse BATCH files.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(
            f"stream {message_dict.get('stream')!r} comes as BATCH files, which this mapper does not read. "
            "Turn the tap's `batch_config` off."
        )

    # ends

    def process_endofpipe(self) -> None:
        """Tell what became of the records, and end with the exit code `fail_on` asks for."""
        self.passage.rejects.close()
        by_type: dict[str, Counter[str]] = {}
        for (record_type, what), count in sorted(self.passage.counts.items()):
            by_type.setdefault(record_type, Counter())[what] += count
        for record_type, counts in by_type.items():
            words = ", ".join(f"{count} {what}" for what, count in counts.items())
            self.logger.info("%s: %d received: %s", record_type, counts.total(), words)
        for name, count in sorted(self.passage.resolver.unproven.items()):
            self.logger.info("%s: %d values with neither a crosswalk nor a master in this run", name, count)
        if any(counts[state] for counts in by_type.values() for state in self.config["fail_on"]):
            raise SystemExit(REJECTED_EXIT)

    @classmethod
    def invoke(cls, *, about: bool = False, about_format: str | None = None, **inputs: Any) -> None:
        """Run the mapper; an error of ours ends with its message, its exit code, and no traceback."""
        super(InlineMapper, cls).invoke(about=about, about_format=about_format)
        with told(cls.logger):
            config = inputs.get("config")
            mapper = cls(config=config.config if config else None, parse_env_config=bool(config and config.parse_env))
            _ = mapper.passage
            try:
                mapper.listen(inputs.get("file_input"))
            except BAD_INPUT as error:
                raise BadInput(str(error)) from None


def _moment(text: Any) -> datetime | None:
    """Return when a record was read, None when that cannot be told."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
