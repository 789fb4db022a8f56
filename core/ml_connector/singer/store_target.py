"""What every target that keeps books shares: its pipeline and store, how it answers questions, and how it ends."""

from __future__ import annotations

import os
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
from ml_connector.errors import BadInput, ConnectorError, EnvironmentFault
from ml_connector.singer.command import tell_checks, told
from ml_connector.singer.plugin import Plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from ml_connector.delivery.report import RunReport
    from ml_connector.delivery.sink import Check

Result = TypeVar("Result")

BAD_INPUT = (InvalidInputLine, MissingKeyPropertiesError, RecordsWithoutSchemaException)
"""What the SDK calls a line of the pipe that cannot be used."""

_TERMINATED = 143
"""What a shell reports for a process that SIGTERM ended."""


class StoreTarget(Plugin, Target):
    """A target whose runs stand in the store; who derives from it reads the messages."""

    capabilities: ClassVar = [PluginCapabilities.ABOUT, PluginCapabilities.STRUCTURED_LOGGING]
    default_sink_class = None  # type: ignore[assignment]  # our sinks are not the SDK's

    _terminated = False
    _busy = False

    @abstractmethod
    def checks(self) -> Iterable[Check]:
        """Return what `--ping` checks; what concerns all of it (sign-in, network, set-up) raises and ends them."""

    def hurry(self) -> None:
        """End every wait: the run is to end. A signal handler calls it."""

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

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Leave out the SDK's settings for sinks of its own kind; only those of every plugin stay."""
        super(Target, cls).append_builtin_config(config_jsonschema)

    # ends

    def end_with(self, report: RunReport) -> None:
        """Log how a run ended, and end with the exit code that `fail_on` asks for."""
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(report.counts.items()))
        self.logger.info("%s: %s (%s)", self.pipeline, report.balance.replace("_", " "), counts or "nothing came")
        for words in report.differences + report.unfinished:
            self.logger.warning("%s: %s", self.pipeline, words)
        found = {state for state in (*State, report.balance) if report.counts.get(state) or state == report.balance}
        if found & set(self.config["fail_on"]):
            raise SystemExit(report.exit_code)

    def guarded(self, step: Callable[[], Result]) -> Result:
        """Run a step that may write; a termination signal waits until it is done."""
        self._busy = True
        try:
            result = step()
        except ConnectorError:
            self.end_if_asked()  # it ended a wait because it was asked to
            raise
        finally:
            self._busy = False
        self.end_if_asked()
        return result

    def end_if_asked(self) -> None:
        """Raise SystemExit when a signal has asked this process to end."""
        if self._terminated:
            raise SystemExit(_TERMINATED)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        _ = frame
        self.logger.info("signal %s: ending after the rows under way", signum)
        self._terminated = True
        self.hurry()
        if not self._busy:
            raise SystemExit(_TERMINATED)

    # the command

    @classmethod
    def invoke(cls, *, about: bool = False, about_format: str | None = None, **inputs: Any) -> None:
        """Run the target; an error of ours ends with its message, its exit code, and no traceback."""
        super(Target, cls).invoke(about=about, about_format=about_format)
        with told(cls.logger):
            target = cls._from_config(inputs.get("config"))
            try:
                target.listen(inputs.get("file_input"))
            except BAD_INPUT as error:
                raise BadInput(str(error)) from None

    @classmethod
    def _from_config(cls, config: Any) -> Self:
        return cls(config=config.config if config else None, parse_env_config=bool(config and config.parse_env))

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the SDK's command with `--ping`."""
        command = super().get_singer_command()
        words = "Check, permission by permission, whether this target can do its work; JSON lines."
        command.params.append(
            click.Option(["--ping"], is_flag=True, expose_value=False, callback=cls.cb_ping, help=words)
        )
        return command

    @classmethod
    def cb_ping(cls, ctx: click.Context, _param: click.Option, value: bool) -> None:
        """Print one JSON line per check and end with 0 when all passed, else 3."""
        if value:
            with cls._asked(ctx) as target:
                ctx.exit(0 if tell_checks(target.checks()) else EnvironmentFault.exit_code)

    @classmethod
    @contextmanager
    def _asked(cls, ctx: click.Context) -> Iterator[Self]:
        """Yield a target that is to answer a question and end; its faults are told as those of a run."""
        with told(cls.logger):
            target = cls._from_config(ctx.params.get("config"))
            yield target


def why(error: BaseException) -> tuple[str, int]:
    """Return what a run's row says of the error that ended it, and its exit code.

    Only our own messages are kept: another library's may quote a record (L10).
    """
    name = type(error).__name__
    if isinstance(error, ConnectorError):
        return f"{name}: {error}", error.exit_code
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return f"{name}: {error.code}", error.code
    return (f"{name}: {error}" if isinstance(error, BAD_INPUT) else name), 1
