"""Our Target on the Singer SDK: the SDK keeps the command line and settings; the engine gets the messages."""

from __future__ import annotations

import sys
from abc import abstractmethod
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import MissingKeyPropertiesError, RecordsWithoutSchemaException

from ml_connector.delivery.work import Origin
from ml_connector.errors import ConfigError
from ml_connector.mapping.loader import search_path
from ml_connector.mapping.source_map import SourceMap
from ml_connector.mapping.target_map import TargetMap
from ml_connector.secrets.personal import personal_values
from ml_connector.singer import readiness
from ml_connector.singer.delivery_settings import engine_settings
from ml_connector.singer.planned import is_plan, open_engine
from ml_connector.singer.questions import question_options
from ml_connector.singer.reader import DecimalReader
from ml_connector.singer.store_target import StoreTarget, why
from ml_connector.store import open_store
from ml_connector.store.text import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import click

    from ml_connector.delivery.engine import Engine
    from ml_connector.delivery.sink import Check, Sink


class DeliveryTarget(StoreTarget):
    """A target whose records go through the delivery engine. A connector supplies `open_sink` and its settings."""

    message_reader_class = DecimalReader
    message_reader: DecimalReader

    _engine: Engine | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._open = ExitStack()  # what a run holds: the store, and the session with the target
        self._keys: dict[str, list[str]] = {}
        self.message_reader.on_fault = self._abort

    @abstractmethod
    def open_sink(self) -> Sink:
        """Return the vendor's half of this target."""

    @contextmanager
    def opened_sink(self) -> Iterator[Sink]:
        """Yield the vendor's half, and close it at the end."""
        sink = self.open_sink()
        try:
            yield sink
        finally:
            sink.close()

    # settings

    def maps(self) -> tuple[SourceMap, TargetMap]:
        """Return the source map and the target map.

        Raises:
            ConfigError: `mapping` does not name two maps, or one of them is malformed.
        """
        names = self.config["mapping"]
        if len(names) != 2:  # noqa: PLR2004
            raise ConfigError(
                f"`mapping` must name two maps, the source's and the target's; it is {names!r}. "
                "Example: [tap_visma, servicenow-s2p]."
            )
        folder = self.config.get("maps_dir")
        search = search_path(*([Path(folder)] if folder else []))
        variables = self.config.get("mapping_vars")
        return SourceMap.load(names[0], search, variables), TargetMap.load(names[1], search)

    # messages

    @property
    def engine(self) -> Engine:
        """The run's engine, started with the first message."""
        if self._engine is None:
            source_map, target_map = self.maps()
            settings = engine_settings(self.pipeline, self.config)
            store = open_store(self.store_url)
            self._open.callback(store.close)
            self._engine = open_engine(
                settings,
                self.config["require_plan"],
                store=store,
                store_url=self.store_url,
                sink=self._open.enter_context(self.opened_sink()),
                source_map=source_map,
                target_map=target_map,
                emit_state=_print_state,
                pause=self.end_if_asked,
            )
            self._engine.start()
        return self._engine

    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        self._assert_line_requires(message_dict, requires={"stream", "schema"})
        self._assert_line_requires(message_dict["schema"], requires={"properties"})
        keys = list(message_dict.get("key_properties") or [])
        self._keys[message_dict["stream"]] = keys
        self.engine.stream(message_dict["stream"], message_dict["schema"], keys)

    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        self._assert_line_requires(message_dict, requires={"stream", "record"})
        stream, record = message_dict["stream"], message_dict["record"]
        if stream not in self._keys:
            raise RecordsWithoutSchemaException(f"a record of stream {stream!r} arrived before its SCHEMA message")
        missing = [key for key in self._keys[stream] if key not in record]
        if missing:
            raise MissingKeyPropertiesError(f"a record of stream {stream!r} lacks its key: {', '.join(missing)}")
        origin = Origin.of_message(message_dict)
        self.redactor.note(personal_values(record))
        self.guarded(lambda: self.engine.record(stream, record, self.message_reader.size, origin))

    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        self._assert_line_requires(message_dict, requires={"value"})
        self.engine.state(message_dict["value"])

    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        self.logger.debug(
            "ACTIVATE_VERSION of %s is not acted on: records are never deleted", message_dict.get("stream")
        )

    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        raise ConfigError(
            f"stream {message_dict.get('stream')!r} comes as BATCH files, which this target does not read. "
            "Turn the tap's `batch_config` off."
        )

    def process_endofpipe(self) -> None:
        """Settle what can be settled, tell the balance, and end with the exit code `fail_on` asks for."""
        try:
            report = self.guarded(self.engine.finish)
        except BaseException as error:
            self._abort(error)
            raise
        self._close()
        if is_plan():
            self.logger.warning("%s: only planned; nothing was sent and nothing stored", self.pipeline)
        else:
            self.end_with(report)

    # ends

    def _abort(self, error: BaseException) -> None:
        """Close a run that cannot go on, saying why."""
        if self._engine is not None:
            message, exit_code = why(error)
            self._engine.abort(self.redactor.clean(message), exit_code)
        self._close()

    def _close(self) -> None:
        self._open.close()
        self._engine = None

    def checks(self) -> Iterable[Check]:
        """Return what `--ping` checks."""
        return readiness.checks(self)

    def hurry(self) -> None:
        """End every wait of the engine."""
        if self._engine is not None:
            self._engine.hurry()

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the SDK's command with `--ping`, `--reread` and `--census`."""
        command = super().get_singer_command()
        command.params += question_options(cls._asked)
        return command


def _print_state(value: Any) -> None:
    sys.stdout.write(encode(value) + "\n")
    sys.stdout.flush()
