"""target-snowflake: any Singer stream into Snowflake, typed, by batch, and accounted for."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar

from ml_connector.http import Clock
from ml_connector.singer.planned import is_plan
from ml_connector.singer.questions import question_options
from ml_connector.singer.store_target import StoreTarget, why
from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities

from target_snowflake import maps
from target_snowflake.books_settings import BOOKS_SETTINGS
from target_snowflake.connection import ConnectionOptions, Session
from target_snowflake.holding import census, reread
from target_snowflake.lines import ChunkReader
from target_snowflake.loading import LOADING_SETTINGS
from target_snowflake.opening import Opening
from target_snowflake.permissions import checks
from target_snowflake.settings import CONNECTION_SETTINGS
from target_snowflake.view_answers import view_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click
    from ml_connector.delivery.sink import Check

    from target_snowflake.run import Run


class TargetSnowflake(StoreTarget):
    """Loads Singer streams into Snowflake."""

    name = "target-snowflake"
    config_jsonschema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            **CONNECTION_SETTINGS.to_dict()["properties"],
            **LOADING_SETTINGS.to_dict()["properties"],
            **BOOKS_SETTINGS.to_dict()["properties"],
        },
    }
    capabilities: ClassVar = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STRUCTURED_LOGGING,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        TargetCapabilities.HARD_DELETE,
    ]

    message_reader_class = ChunkReader
    message_reader: ChunkReader

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._run: Run | None = None
        self._held = ExitStack()
        self._maps = maps.StreamMaps(self.mapper) if maps.are_set(self.config) else None
        self._clock = Clock()
        self.message_reader.take, self.message_reader.on_fault = self._take, self._abort

    def hurry(self) -> None:
        """End the patience with a Snowflake that is away: the run is to end."""
        self._clock.end()

    # messages

    def _take(self, lines: list[bytes]) -> Counter[str]:
        return self.guarded(lambda: self._settled(lines))

    def _settled(self, lines: list[bytes]) -> Counter[str]:
        if self._maps is not None:
            lines = self._maps.lines(lines)
        counted = self._started().take(lines) if any(lines) else Counter[str]()
        if self._run is not None:
            self._run.tick()
        return counted

    def process_endofpipe(self) -> None:
        """Settle everything, tell the balance, and end with the exit code `fail_on` asks for."""
        try:
            report = self.guarded(self._started().finish)
        except BaseException as error:
            self._abort(error)
            raise
        self._held.close()
        if is_plan():
            self.logger.warning("%s: only planned; nothing was loaded and nothing stored", self.pipeline)
        else:
            self.end_with(report)

    def _abort(self, error: BaseException) -> None:
        if self._run is not None:
            message, exit_code = why(error)
            self._run.abort(self.redactor.clean(message), exit_code)
        self._held.close()

    # the run

    def _started(self) -> Run:
        if self._run is None:
            opening = Opening(self.config, self.pipeline, self.store_url, self._held, self.redactor.clean, self._clock)
            self._run = opening.run()
        return self._run

    # questions

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command with `--reread`, `--census` and `--views`."""
        command = super().get_singer_command()
        command.params += [*question_options(cls._asked, reread, census), view_option(cls._asked)]
        return command

    def checks(self) -> Iterator[Check]:
        """Yield what `--ping` checks."""
        options = ConnectionOptions.of(self.config)
        options.check()
        with Session.open(options, {"pipeline": self.pipeline, "run": "ping"}) as session:
            yield from checks(session, self.config)
