"""The tap every source connector is made of: settings, one client, streams in tiers, `--ping`, exit codes."""

from __future__ import annotations

import gc
import json
import sys
from abc import abstractmethod
from contextlib import contextmanager
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, ClassVar, Self, cast

import click
import singer_sdk
from singer_sdk import typing as th
from singer_sdk.helpers.capabilities import PluginCapabilities

from ml_connector.errors import EnvironmentFault, Forbidden
from ml_connector.http import Budget, Client
from ml_connector.singer.census import tell_census
from ml_connector.singer.command import tell_checks, told
from ml_connector.singer.io import Writer
from ml_connector.singer.lookup import tell_lookups
from ml_connector.singer.plugin import Plugin
from ml_connector.singer.vitals import vault_check, vitals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from ml_connector.delivery.sink import Check
    from ml_connector.secrets import Redactor
    from ml_connector.singer.stream import Stream

SETTINGS = (
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description="The first run reads what changed since (UTC; read a day earlier). Without it, everything.",
    ),
    th.Property(
        "lookback_minutes",
        th.IntegerType,
        default=120,
        title="Look-back",
        description="How far an incremental read reaches back behind the newest change seen; repeats do no harm.",
    ),
    th.Property(
        "page_size", th.IntegerType, default=1000, title="Page size", description="Rows asked for per request."
    ),
    th.Property(
        "max_concurrency",
        th.IntegerType,
        default=4,
        title="Concurrency",
        description="Requests at once, and pages held in memory ahead of the one being emitted.",
    ),
    th.Property(
        "max_requests_per_hour",
        th.IntegerType,
        title="Request budget",
        description="A cap of our own, beside what the server's rate limit headers say.",
    ),
    th.Property(
        "request_timeout",
        th.NumberType,
        default=90,
        title="Time-out",
        description="Seconds to wait for an answer.",
    ),
    th.Property(
        "patience",
        th.IntegerType,
        default=300,
        title="Patience",
        description="Seconds a request is tried again before the run stops, its state saved.",
    ),
    th.Property(
        "on_forbidden",
        th.StringType,
        default="stop",
        allowed_values=["stop", "skip"],
        title="Forbidden streams",
        description="What to do with a selected stream that the credentials may not read.",
    ),
    th.Property(
        "include_private",
        th.BooleanType,
        default=False,
        title="Private fields",
        description="Bank details, mandates and people; left out, whatever is selected, unless this is true.",
    ),
    th.Property(
        "unknown_fields",
        th.StringType,
        default="drop",
        allowed_values=["drop", "keep"],
        title="Unknown fields",
        description="What to do with fields that the schema does not know; they are told either way.",
    ),
)
"""The settings every tap has; a connector puts its own before them."""


class Tap(Plugin, singer_sdk.Tap):
    """A Singer tap for one company of one system."""

    message_writer_class = Writer
    # No BATCH: records in files would not come with their totals.
    capabilities: ClassVar = [one for one in singer_sdk.Tap.capabilities if one is not PluginCapabilities.BATCH]
    stream_types: ClassVar[Sequence[type[Stream]]]

    @abstractmethod
    def make_client(self, budget: Budget, redactor: Redactor) -> Client:
        """Return the HTTP client, signed in as the settings say."""

    @property
    @abstractmethod
    def company(self) -> str:
        """The label of the company that every record carries."""

    @cached_property
    def client(self) -> Client:
        """The one client of all streams."""
        budget = Budget(self.config.get("max_requests_per_hour"), int(self.config["max_concurrency"]))
        return self.make_client(budget, self.redactor)

    def close(self) -> None:
        """Give back what is held at the server, such as a seat; called however a run ends, and used again after it."""

    def sync_all(self) -> None:  # type: ignore[misc]  # final in the SDK, whose taps hold nothing to give back
        """Run every selected stream."""
        try:
            super().sync_all()
        finally:
            self.close()

    def run_sync_dry_run(self, *limit: Any, **options: Any) -> bool:  # type: ignore[misc]  # as above
        """Read the first records of every stream."""
        try:
            return super().run_sync_dry_run(*limit, **options)
        finally:
            self.close()

    @property
    def writer(self) -> Writer:
        """The message writer, for whole pages."""
        return cast("Writer", self.message_writer)

    def setup_mapper(self) -> None:
        """Let the streams have their say on the catalog's metadata before the mapper reads it."""
        for stream in self.streams.values():
            stream.metadata  # noqa: B018  # a property that withholds private fields
        super().setup_mapper()

    def discover_streams(self) -> list[Stream]:
        """Return every stream."""
        return [stream_type(self) for stream_type in self.stream_types]

    @property
    def streams(self) -> dict[str, Stream]:  # type: ignore[override]
        """The streams, those of a lower tier first; the SDK would sort them by name."""
        if self._streams is None:
            found = super().streams
            self._streams = dict(sorted(found.items(), key=lambda item: item[1].tier))  # type: ignore[attr-defined]
        return self._streams  # type: ignore[return-value]

    def _reset_state_progress_markers(self) -> None:
        """Begin the run's totals, before its first STATE: a stream that is never reached then counts as unfinished."""
        super()._reset_state_progress_markers()
        self.state.setdefault("bookmarks", {})
        for stream in self.streams.values():
            if stream.selected:
                stream.tell_totals()

    def ping(self) -> Iterator[Check]:
        """Yield, for each selected stream, whether it may be read, and what to do if not.

        A fault that concerns the whole tap (sign-in, network) ends the checks: the other streams would meet it too.
        """
        yield from vault_check(self.from_vault)
        for stream in self.streams.values():
            if stream.selected:
                check = stream.ping()
                yield check
                if not check.ok and check.data["code"] != Forbidden.code:
                    return
        yield from vitals(self.client)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End at the next whole line; the stream under way writes its STATE on the way out."""
        del frame
        self.logger.info("signal %s: ending", signum)
        self.writer.stop(128 + signum)

    @classmethod
    def invoke(cls, *, about: bool = False, about_format: str | None = None, **inputs: Any) -> None:
        """Run the tap; an error of ours ends with its message and exit code, and without a traceback."""
        super(singer_sdk.Tap, cls).invoke(about=about, about_format=about_format)
        with told(cls.logger):
            tap = cls._from_inputs(**inputs)
            _relax_garbage_collection()
            tap.sync_all()

    @classmethod
    def _from_inputs(cls, config: Any = None, state: IO[str] | None = None, catalog: IO[str] | None = None) -> Self:
        return cls(
            config=config.config if config else None,
            parse_env_config=bool(config and config.parse_env),
            state=json.load(state) if state else None,
            catalog=json.load(catalog) if catalog else None,
        )

    @classmethod
    @contextmanager
    def _asked(cls, ctx: click.Context) -> Iterator[Self]:
        """Yield a tap that is to answer a question and end; its faults are told as those of a run."""
        with told(cls.logger):
            tap = cls._from_inputs(ctx.params.get("config"), catalog=ctx.params.get("catalog"))
            try:
                yield tap
            finally:
                tap.close()

    @classmethod
    def cb_discover(cls, ctx: click.Context, param: click.Option, value: bool) -> None:
        """Handle `--discover`."""
        with told(cls.logger):
            super().cb_discover(ctx, param, value)

    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Handle `--test`."""
        with told(cls.logger):
            super().cb_test(ctx, param, value)

    @classmethod
    def cb_ping(cls, ctx: click.Context, _: click.Option, value: bool) -> None:
        """Handle `--ping`: one JSON line per check; exit code 0 when all passed, else 3."""
        if not value:
            return
        with cls._asked(ctx) as tap:
            ctx.exit(0 if tell_checks(tap.ping()) else EnvironmentFault.exit_code)

    @classmethod
    def cb_census(cls, ctx: click.Context, _: click.Option, value: bool) -> None:
        """Handle `--census`: one JSON line per record, and one per stream to say whether it was listed whole."""
        if not value:
            return
        with cls._asked(ctx) as tap:
            tell_census(tap)
            ctx.exit(0)

    @classmethod
    def cb_lookup(cls, ctx: click.Context, _: click.Option, value: bool) -> None:
        """Handle `--lookup`: one JSON line per record that was asked for."""
        if not value:
            return
        with cls._asked(ctx) as tap:
            tell_lookups(tap, sys.stdin)
            ctx.exit(0)

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the SDK's command with `--ping`, `--census` and `--lookup`."""
        command = super().get_singer_command()
        words = "Check, stream by stream, whether the tap may read it; JSON lines."
        lookup = "Read single records again, asked for by JSON lines on stdin; JSON lines."
        census = "List every record of the selected streams, whatever was read before; JSON lines."
        command.params += [
            click.Option(["--ping"], is_flag=True, expose_value=False, callback=cls.cb_ping, help=words),
            click.Option(["--census"], is_flag=True, expose_value=False, callback=cls.cb_census, help=census),
            click.Option(["--lookup"], is_flag=True, expose_value=False, callback=cls.cb_lookup, help=lookup),
        ]
        for option in command.params:  # read first, wherever they stand: what is asked is asked of this selection
            option.is_eager |= option.name in ("config", "catalog")
        return command


def _relax_garbage_collection() -> None:
    """Let the collector look seldom: records hold no cycles, and walking them took a fifth of a run."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)
