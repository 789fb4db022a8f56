"""How a run is put together from its settings: one that loads, or one that only plans."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector.bulk.books import BulkBooks
from ml_connector.bulk.load import BulkSettings
from ml_connector.errors import ConfigError
from ml_connector.plan.words import PLAN, PLAN_TO
from ml_connector.singer.store_target import why
from ml_connector.store import open_store

from target_snowflake.books_settings import ALWAYS, check_identity
from target_snowflake.connection import ConnectionOptions, Session
from target_snowflake.crew import Crew
from target_snowflake.earlier import check_earlier
from target_snowflake.load import Loader
from target_snowflake.loading import load_options, run_options, spill_folder
from target_snowflake.own_folder import own_folder
from target_snowflake.patience import patiently
from target_snowflake.planning import PlanBooks, PlanLoader
from target_snowflake.run import Run
from target_snowflake.setup import Names, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import ExitStack

    from ml_connector.delivery.sink import Identity
    from ml_connector.http import Clock


@dataclass(frozen=True, slots=True)
class Opening:
    """What a run is made of; what it holds until its end goes to `held`."""

    config: Mapping[str, Any]
    pipeline: str
    store_url: str
    held: ExitStack
    clean: Callable[[str], str]  # takes secrets out of a text
    clock: Clock

    def run(self) -> Run:
        """Return a run that has begun: who the target is was proven, and what it needs there is there.

        Raises:
            ConfigError: A setting is wrong, or the target is not the expected one; nothing was written.
            EnvironmentFault: Snowflake or the store cannot be reached, or another process runs this pipeline.
        """
        options = ConnectionOptions.of(self.config)
        options.check()
        made = run_options(self.config, self.held.enter_context(own_folder(spill_folder(self.config))))
        with Session.open(options, {"pipeline": self.pipeline, "run": ""}, clock=self.clock) as session:
            identity = patiently(session, lambda _again: check_identity(session, self.config), "Signing in")
            books = self._books(identity)
            try:
                patiently(session, lambda _again: self._prepare(session, books), "Making the schema ready")
                return Run(made, books, self._crew(options, books), self._emit)
            except BaseException as error:
                message, exit_code = why(error)
                books.abort(self.clean(message), exit_code)
                raise

    def _prepare(self, session: Session, books: BulkBooks | PlanBooks) -> None:
        prepare(session, self._names(books), plan=isinstance(books, PlanBooks))
        if isinstance(books, BulkBooks):
            check_earlier(session, books)

    def _names(self, books: BulkBooks | PlanBooks) -> Names:
        return Names(self.config["stage"], self.pipeline, books.run_id)

    def _books(self, identity: Identity) -> BulkBooks | PlanBooks:
        store = open_store(self.store_url)
        self.held.callback(store.close)
        if folder := os.environ.get(PLAN_TO):
            return PlanBooks(self.pipeline, identity, Path(folder), self.store_url, self.held)
        if self.config["require_plan"] == ALWAYS and PLAN not in os.environ:
            raise ConfigError(
                "`require_plan` is always: this run needs a plan that a person looked at. Nothing was written. "
                "Next: ml-connector plan, then ml-connector run --plan FILE."
            )
        settings = BulkSettings(
            self.pipeline,
            replay=self.config["replay"],
            replay_of=self.config.get("replay_of"),
            max_refused=self.config["max_refused"],
        )
        return BulkBooks.open(store=store, store_url=self.store_url, settings=settings, identity=identity)

    def _crew(self, options: ConnectionOptions, books: BulkBooks | PlanBooks) -> Crew:
        load, started_ms = load_options(self.config), int(time.time() * 1000)
        facts = {"pipeline": self.pipeline, "run": books.run_id}

        def loader() -> Loader:
            parts = (Session.open(options, facts, clock=self.clock), self._names(books), load, started_ms)
            return PlanLoader(*parts, books) if isinstance(books, PlanBooks) else Loader(*parts, books.prove)

        crew = Crew(self.config["max_parallelism"], loader)
        self.held.callback(crew.close, lambda tool: tool.session.close())
        return crew

    @staticmethod
    def _emit(text: str) -> None:
        if PLAN_TO not in os.environ:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
