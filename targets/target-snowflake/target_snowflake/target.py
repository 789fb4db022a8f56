"""target-snowflake: any Singer stream into Snowflake, typed, by batch, and accounted for."""

from __future__ import annotations

import gc
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any, ClassVar

from ml_connector.bulk.books import BulkBooks
from ml_connector.bulk.load import BulkSettings
from ml_connector.errors import EnvironmentFault
from ml_connector.singer.store_target import StoreTarget, why
from ml_connector.store import open_store
from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities

from target_snowflake.books_settings import BOOKS_SETTINGS, check_identity
from target_snowflake.connection import ConnectionOptions, Session
from target_snowflake.crew import Crew
from target_snowflake.lines import chunks
from target_snowflake.load import Loader
from target_snowflake.loading import LOADING_SETTINGS, load_options, run_options, spill_folder
from target_snowflake.permissions import checks
from target_snowflake.run import Run
from target_snowflake.settings import CONNECTION_SETTINGS
from target_snowflake.setup import Names, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector.delivery.sink import Check

_TICK = 1.0
"""Seconds after which a run looks at its batches when no line comes."""


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
        TargetCapabilities.HARD_DELETE,
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._run: Run | None = None
        self._held = ExitStack()

    # messages

    def listen(self, file_input: IO[str] | None = None) -> None:
        """Read Singer lines until they end, and settle them."""
        gc.disable()  # records come by the million and hold no circles; collected once per batch
        try:
            for lines in chunks(file_input, _TICK):
                self.guarded(lambda batch=lines: self._take(batch))  # type: ignore[misc]
            report = self.guarded(self._started().finish)
        except BaseException as error:
            self._abort(error)
            raise
        finally:
            gc.enable()
            self._held.close()
        self.end_with(report)

    def _take(self, lines: list[bytes]) -> None:
        if any(lines):
            self._started().take(lines)
        if self._run is not None:
            self._run.tick()

    def _abort(self, error: BaseException) -> None:
        if self._run is not None:
            message, exit_code = why(error)
            self._run.abort(self.redactor.clean(message), exit_code)

    # the run

    def _started(self) -> Run:
        if self._run is None:
            self._run = self._start()
        return self._run

    def _start(self) -> Run:
        options = ConnectionOptions.of(self.config)
        options.check()
        load, started_ms = load_options(self.config), int(time.time() * 1000)
        folder = self._folder()
        store = open_store(self.store_url)
        self._held.callback(store.close)
        run = run_options(self.config, folder)
        session = Session.open(options, {"pipeline": self.pipeline, "run": ""})
        identity = check_identity(session, self.config)
        settings = BulkSettings(
            self.pipeline,
            replay=self.config["replay"],
            replay_of=self.config.get("replay_of"),
            max_refused=self.config["max_refused"],
        )
        books = BulkBooks.open(store=store, store_url=self.store_url, settings=settings, identity=identity)
        names = Names(self.config["stage"], self.pipeline, books.run_id)

        def loader() -> Loader:
            tagged = Session.open(options, {"pipeline": self.pipeline, "run": books.run_id})
            return Loader(tagged, names, load, started_ms, books.prove)

        crew = Crew(self.config["max_parallelism"], loader, lambda tool, task: task.carry_out(tool))
        self._held.callback(crew.close, lambda tool: tool.session.close())
        made = Run(run, books, crew, _print_state)
        try:
            prepare(session, names)
        except BaseException as error:
            message, exit_code = why(error)
            books.abort(self.redactor.clean(message), exit_code)
            raise
        finally:
            session.close()
        return made

    def _folder(self) -> Path:
        """Return a folder of this process for files on their way; it is gone with the process."""
        above = spill_folder(self.config)
        try:
            above.mkdir(parents=True, exist_ok=True)
            made = TemporaryDirectory(prefix="target-snowflake-", dir=above)
        except OSError as error:
            raise EnvironmentFault(
                f"{above} cannot be written: {error.strerror}. Let this user write there, or set `spill_dir`."
            ) from None
        return Path(self._held.enter_context(made))

    # questions

    def checks(self) -> Iterator[Check]:
        """Yield what `--ping` checks."""
        options = ConnectionOptions.of(self.config)
        options.check()
        with Session.open(options, {"pipeline": self.pipeline, "run": "ping"}) as session:
            yield from checks(session, self.config)


def _print_state(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
