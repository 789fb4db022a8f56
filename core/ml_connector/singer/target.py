"""Our Target on the Singer SDK: the SDK keeps the command line and settings; the engine gets the messages."""

from __future__ import annotations

import os
import sys
from abc import abstractmethod
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import click
from singer_sdk import Target
from singer_sdk.exceptions import MissingKeyPropertiesError, RecordsWithoutSchemaException
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.singerlib.exceptions import InvalidInputLine

from ml_connector.delivery.sink import State
from ml_connector.delivery.work import Origin
from ml_connector.errors import BadInput, ConfigError, ConnectorError, EnvironmentFault
from ml_connector.mapping.loader import search_path
from ml_connector.mapping.source_map import SourceMap
from ml_connector.mapping.target_map import TargetMap
from ml_connector.secrets.personal import personal_values
from ml_connector.singer import readiness
from ml_connector.singer.command import tell_checks, told
from ml_connector.singer.delivery_settings import engine_settings
from ml_connector.singer.planned import is_plan, open_engine
from ml_connector.singer.plugin import Plugin
from ml_connector.singer.questions import question_options
from ml_connector.singer.reader import DecimalReader
from ml_connector.store import Store, open_store
from ml_connector.store.text import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from ml_connector.delivery.engine import Engine
    from ml_connector.delivery.report import RunReport
    from ml_connector.delivery.sink import Sink

Result = TypeVar("Result")

_BAD_INPUT = (InvalidInputLine, MissingKeyPropertiesError, RecordsWithoutSchemaException)

_TERMINATED = 143
"""What a shell reports for a process that SIGTERM ended."""


class DeliveryTarget(Plugin, Target):
    """A target whose records go through the delivery engine. A connector supplies `open_sink` and its settings."""

    message_reader_class = DecimalReader
    message_reader: DecimalReader
    capabilities: ClassVar = [PluginCapabilities.ABOUT, PluginCapabilities.STRUCTURED_LOGGING]
    default_sink_class = None  # type: ignore[assignment]  # our sinks are not the SDK's

    _engine: Engine | None = None
    _store: Store | None = None
    _terminated = False
    _busy = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._keys: dict[str, list[str]] = {}
        self.message_reader.on_fault = self._abort

    @abstractmethod
    def open_sink(self) -> Sink:
        """Return the vendor's half of this target."""

    # settings

    @property
    def pipeline(self) -> str:
        """The flow's name in the store."""
        extractor = os.environ.get("MELTANO_EXTRACTOR_NAME", "singer")
        loader = os.environ.get("MELTANO_LOADER_NAME", self.name)
        return self.config.get("pipeline") or f"{extractor}-to-{loader}"

    @property
    def store_url(self) -> str:
        """The store's URL."""
        root = Path(os.environ.get("MELTANO_PROJECT_ROOT", "."))
        return self.config.get("store_url") or f"sqlite:///{root.resolve() / '.ml-connector' / 'store.db'}"

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

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Leave out the SDK's settings for sinks of its own kind; only those of every plugin stay."""
        super(Target, cls).append_builtin_config(config_jsonschema)

    # messages

    @property
    def engine(self) -> Engine:
        """The run's engine, started with the first message."""
        if self._engine is None:
            source_map, target_map = self.maps()
            settings = engine_settings(self.pipeline, self.config)
            self._store = open_store(self.store_url)
            self._engine = open_engine(
                settings,
                self.config["require_plan"],
                store=self._store,
                store_url=self.store_url,
                sink=self.open_sink(),
                source_map=source_map,
                target_map=target_map,
                emit_state=_print_state,
                pause=self._end_if_asked,
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
        self._guarded(lambda: self.engine.record(stream, record, self.message_reader.size, origin))

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
            report = self._guarded(self.engine.finish)
        except BaseException as error:
            self._abort(error)
            raise
        self._close_store()
        self._tell(report)
        wanted = set(self.config["fail_on"])
        found = {state for state in (*State, report.balance) if report.counts.get(state) or state == report.balance}
        if wanted & found and not is_plan():
            raise SystemExit(report.exit_code)

    def _tell(self, report: RunReport) -> None:
        if is_plan():
            self.logger.warning("%s: only planned; nothing was sent and nothing stored", self.pipeline)
            return
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(report.counts.items()))
        self.logger.info("%s: %s (%s)", self.pipeline, report.balance.replace("_", " "), counts or "nothing came")
        for words in report.differences + report.unfinished:
            self.logger.warning("%s: %s", self.pipeline, words)

    # ends

    def _abort(self, error: BaseException) -> None:
        """Close a run that cannot go on, saying why."""
        if self._engine is not None:
            message, exit_code = _why(error)
            self._engine.abort(self.redactor.clean(message), exit_code)
        self._close_store()

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.close()

    def _guarded(self, step: Callable[[], Result]) -> Result:
        """Run a step that may write; a termination signal waits until it is done."""
        self._busy = True
        try:
            result = step()
        except ConnectorError:
            self._end_if_asked()  # it ended a wait because it was asked to
            raise
        finally:
            self._busy = False
        self._end_if_asked()
        return result

    def _end_if_asked(self) -> None:
        if self._terminated:
            raise SystemExit(_TERMINATED)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        _ = frame
        self.logger.info("signal %s: ending after the rows under way", signum)
        self._terminated = True
        if self._engine is not None:
            self._engine.hurry()
        if not self._busy:
            raise SystemExit(_TERMINATED)

    @classmethod
    def invoke(cls, *, about: bool = False, about_format: str | None = None, **inputs: Any) -> None:
        """Run the target; an error of ours ends with its message, its exit code, and no traceback."""
        super(Target, cls).invoke(about=about, about_format=about_format)
        with told(cls.logger):
            target = cls._from_config(inputs.get("config"))
            try:
                target.listen(inputs.get("file_input"))
            except _BAD_INPUT as error:
                raise BadInput(str(error)) from None

    @classmethod
    def _from_config(cls, config: Any) -> Self:
        return cls(config=config.config if config else None, parse_env_config=bool(config and config.parse_env))

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the SDK's command with `--ping`, `--reread` and `--census`."""
        command = super().get_singer_command()
        words = "Check, permission by permission, whether this target can do its work; JSON lines."
        command.params += [
            click.Option(["--ping"], is_flag=True, expose_value=False, callback=cls.cb_ping, help=words),
            *question_options(cls._asked),
        ]
        return command

    @classmethod
    def cb_ping(cls, ctx: click.Context, _param: click.Option, value: bool) -> None:
        """Print one JSON line per check and end with 0 when all passed, else 3."""
        if value:
            with cls._asked(ctx) as target:
                ctx.exit(0 if tell_checks(readiness.checks(target)) else EnvironmentFault.exit_code)

    @classmethod
    @contextmanager
    def _asked(cls, ctx: click.Context) -> Iterator[Self]:
        """Yield a target that is to answer a question and end; its faults are told as those of a run."""
        with told(cls.logger):
            target = cls._from_config(ctx.params.get("config"))
            yield target


def _print_state(value: Any) -> None:
    sys.stdout.write(encode(value) + "\n")
    sys.stdout.flush()


def _why(error: BaseException) -> tuple[str, int]:
    """Return what a run's row says of the error that ended it, and its exit code.

    Only our own messages are kept: another library's may quote a record (L10).
    """
    name = type(error).__name__
    if isinstance(error, ConnectorError):
        return f"{name}: {error}", error.exit_code
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return f"{name}: {error.code}", error.code
    return (f"{name}: {error}" if isinstance(error, _BAD_INPUT) else name), 1
