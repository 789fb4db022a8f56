"""The store as the rest of the program sees it: transactions that write, and looks that keep no writer waiting."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ml_connector.secrets.sealing import Sealer
from ml_connector.store.database import Mode, begun, open_engine
from ml_connector.store.upgrade import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from ml_connector.secrets.vault import Vault
    from ml_connector.store.fence import Fence


class Store:
    """The durable store. One process writes through one connection at a time; nothing is held open across HTTP."""

    def __init__(self, engine: Engine, sealer: Sealer) -> None:
        self.sealer = sealer  # what bank and personal identifiers pass on their way in and out (L10)
        self._engine = engine
        self._fences: list[Fence] = []

    @property
    def url(self) -> str:
        """The database's URL, password masked."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yield a connection whose work is durable when the block ends, or undone when it raises.

        Raises:
            ConfigError: The database does not let this user write, or is damaged.
            EnvironmentFault: It is down, full or busy; or another process has taken a pipeline that this one had.
        """
        with begun(self._engine, Mode.WRITE) as connection:
            self._prove(connection)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one state of the store and does not keep a writer waiting."""
        with begun(self._engine, Mode.READ) as connection:
            yield connection

    @contextmanager
    def fenced(self, fence: Fence) -> Iterator[None]:
        """Write, for the block, only while this claim to a pipeline is the newest."""
        self._fences.append(fence)
        try:
            yield
        finally:
            self._fences.remove(fence)

    def prove(self) -> None:
        """Raise EnvironmentFault unless this process may still write: asked right before a request that does."""
        if self._fences:
            with self.reading() as connection:
                self._prove(connection)

    def _prove(self, connection: Connection) -> None:
        for fence in self._fences:
            fence.prove(connection)

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()


def open_store(url: str, vault: Vault | None = None) -> Store:
    """Open the store at `url`, creating or upgrading its tables; default: with this process's vault.

    Raises:
        ConfigError: The URL or the file cannot be used, or the store is newer than this program.
        EnvironmentFault: The database cannot be reached, is full, or is kept busy.
    """
    engine = open_engine(url)
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        upgrade(engine)
        store = Store(engine, Sealer(vault))
        undo.pop_all()
    return store
