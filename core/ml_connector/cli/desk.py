"""The desk a verb works at: its project, its store, where it prints, and how it says that something is wrong."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import wraps
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.text import Text

from ml_connector.cli.project import RUN, Project
from ml_connector.errors import ConfigError, ConnectorError, EnvironmentFault
from ml_connector.secrets.guard import process_redactor
from ml_connector.secrets.vault import Vault
from ml_connector.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType
    from sqlalchemy import Connection

    from ml_connector.store import Store

_WIDTH_OF_FILES = 120
"""Output that goes to a file or a pipe is laid out for this width."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every verb needs."""

    verb: str
    environment: str | None = None
    store_option: str | None = None
    as_json: bool = False
    console: Console = field(default_factory=lambda: _console(sys.stdout))
    aside: Console = field(default_factory=lambda: _console(sys.stderr))

    @property
    def project(self) -> Project:
        """The Meltano project around the working directory."""
        return Project.find(self.environment)

    @property
    def store_url(self) -> str:
        """The store that `--store` names, else the project's."""
        return self.store_option or self.project.store_url

    @property
    def vault(self) -> Vault:
        """The project's vault; outside of a project, the one the environment or the working directory has."""
        return self.project.vault if Project.is_here() else Vault.find()

    @property
    def again(self) -> Callable[[str], str]:
        """What tells the command that runs a pipeline again."""
        return self.project.again if Project.is_here() else lambda _: RUN

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the store for the block."""
        store = open_store(self.store_url, self.vault)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a store that some run has written, for one look at it."""
        with self.store() as store, store.reading() as connection:
            yield connection

    def show(self, data: Any, picture: Callable[[], RenderableType]) -> None:
        """Print the answer: `data` with `--json`, else the picture for people."""
        if self.as_json:
            sys.stdout.write(json.dumps(data, default=_json, indent=2, ensure_ascii=False) + "\n")
        else:
            drawn = picture()
            self.console.print(drawn, soft_wrap=isinstance(drawn, str), highlight=False)

    def say(self, words: str) -> None:
        """Print a line about what is going on; it never mixes with JSON."""
        (self.aside if self.as_json else self.console).print(words, soft_wrap=True, highlight=False)

    def fail(self, error: ConnectorError) -> None:
        """Print an error and the next command to type."""
        step = next_step(error, self.verb)
        if self.as_json:
            words = process_redactor().clean(str(error))
            told = {"code": error.code, "message": words, "exit_code": error.exit_code, "next": step}
            self.show({"error": told}, lambda: "")
            return
        self.aside.print(Text.assemble((f"✗ {error.code}", "red"), f": {error}\n  next: {step}"), soft_wrap=True)


class Stop(ConfigError):
    """The command line cannot go on; it knows what to type next."""

    def __init__(self, message: str, step: str) -> None:
        super().__init__(message)
        self.step = step


def next_step(error: ConnectorError, verb: str) -> str:
    """Return the command to type after an error."""
    if isinstance(error, Stop):
        return error.step
    if isinstance(error, EnvironmentFault):
        return "ml-connector ping"
    return f"ml-connector {verb} --help"


def verb(function: Callable[..., int]) -> Callable[..., None]:
    """Give a verb its desk and the options all verbs share; what it returns is the exit code."""

    @click.option("-e", "--environment", metavar="NAME", help="Meltano environment; default: meltano.yml's.")
    @click.option("--store", metavar="URL", help="Database URL of the store; default: the environment's.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @wraps(function)
    def command(environment: str | None, store: str | None, as_json: bool, **options: Any) -> None:
        path = click.get_current_context().command_path.split()[1:]
        desk = Desk(" ".join(path), environment, store, as_json)
        try:
            code = function(desk, **options)
        except ConnectorError as error:
            desk.fail(error)
            code = error.exit_code
        sys.exit(code)

    return command


def _console(stream: Any) -> Console:
    width = None if stream.isatty() else _WIDTH_OF_FILES
    return Console(file=stream, width=width, soft_wrap=False, emoji=False)


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
