"""target-snowflake: any Singer stream into Snowflake, typed, by batch, and accounted for."""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

from ml_connector.bulk.books import BulkBooks
from ml_connector.bulk.load import BulkSettings
from ml_connector.errors import EnvironmentFault
from ml_connector.singer.store_target import StoreTarget, why
from ml_connector.store import open_store
from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities

from target_snowflake.books_settings import BOOKS_SETTINGS, check_identity
from target_snowflake.connection import ConnectionOptions, Session
from target_snowflake.crew import Crew
from target_snowflake.lines import ChunkReader
from target_snowflake.load import Loader
from target_snowflake.loading import LOADING_SETTINGS, load_options, run_options, spill_folder
from target_snowflake.permissions import checks
from target_snowflake.run import Run
from target_snowflake.settings import CONNECTION_SETTINGS
from target_snowflake.setup import Names, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector.delivery.sink import Check


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

    message_reader_class = ChunkReader
    message_reader: ChunkReader

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._run: Run | None = None
        self._held = ExitStack()
        self.message_reader.take, self.message_reader.on_fault = self._take, self._abort

    # messages

    def _take(self, lines: list[bytes]) -> Counter[str]:
        return self.guarded(lambda: self._settled(lines))

    def _settled(self, lines: list[bytes]) -> Counter[str]:
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
        self.end_with(report)

    def _abort(self, error: BaseException) -> None:
        if self._run is not None:
            message, exit_code = why(error)
            self._run.abort(self.redactor.clean(message), exit_code)
        self._held.close()

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

        crew = Crew(self.config["max_parallelism"], loader)
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
