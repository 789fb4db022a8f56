"""The Acumatica sink: what the delivery engine asks of a target, put together from the modules beside it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ml_connector.delivery.answers import each_told
from ml_connector.delivery.sink import Check, Identity, Problem, Sink, State
from ml_connector.errors import ConfigError, Forbidden
from ml_connector.vendors.acumatica.endpoint import find_endpoint
from ml_connector.vendors.acumatica.settings import company_of

from target_acumatica.actions import Actions
from target_acumatica.permissions import map_checks, structure_check
from target_acumatica.policy import ENTITIES, not_allowed, posts
from target_acumatica.preflight import Preflight
from target_acumatica.puts import Puts
from target_acumatica.reader import Reader
from target_acumatica.reread import Rereader
from target_acumatica.settle import Settler
from target_acumatica.values import Unfit, plain, text
from target_acumatica.writer import Rules, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.delivery.reading import Reading
    from ml_connector.delivery.sink import Effect, Key, Outcome, Row
    from ml_connector.http import Client, Clock
    from ml_connector.mapping.target_map import TargetMap
    from ml_connector.vendors.acumatica.client import Connection
    from ml_connector.vendors.acumatica.endpoint import Endpoint

LOOPBACK = ("127.0.0.1", "localhost")  # its port is another one in every run of a simulator


@dataclass(frozen=True, slots=True)
class Options:
    """What may be written, and how."""

    entities: tuple[str, ...] = ENTITIES
    after_create: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lines_per_request: int = 500
    reference_length: int = 40
    settle_window: float = 900.0
    patience: float = 120.0
    rules: Rules = field(default_factory=Rules)


class AcumaticaSink(Sink):
    """Delivers documents through the contract-based API of one tenant."""

    def __init__(self, connection: Connection, config: Mapping[str, Any], options: Options, clock: Clock) -> None:
        self._connection = connection
        self._config = config
        self._options = options
        self._clock = clock
        self._log = logging.getLogger(__name__)
        self._endpoint: Endpoint | None = None
        root = f"/entity/{config['endpoint']}/{config['endpoint_version']}"
        self._reader = Reader(connection.client, root)
        actions = Actions(self._reader, clock, options.patience, options.after_create)
        self._writer = Writer(self._reader, Puts(self._reader, options.lines_per_request), actions, options.rules)
        window = timedelta(seconds=options.settle_window)
        self._settler = Settler(self._writer, window, options.patience, clock)

    def identity(self) -> Identity:
        """Read the endpoint and the companies; the tenant of the site is who this target is."""
        self._endpoint = find_endpoint(self._connection.client, self._config)
        address = urlsplit(self._connection.client.base_url)
        host = (address.hostname or "") if address.hostname in LOOPBACK else address.netloc
        tenant = str(self._config["tenant"])
        companies = self._companies()
        told = f" ({', '.join(companies)})" if companies else ""
        name = f"{host}{address.path}/{tenant}"
        return Identity(name, f"{tenant}{told} at {host}{address.path}", company_of(self._config))

    def _companies(self) -> list[str]:
        """Return the companies of the tenant, and see that the branch of the settings is one of its branches."""
        branch = str(self._config.get("branch") or "")
        try:
            rows = self._reader.branches()
        except (Forbidden, ConfigError) as error:
            self._log.warning("companies and branches may not be read, so branches are not proven: %s", error)
            return []
        known = [text(plain(row, "BranchID")) for row in rows]
        if branch and branch.casefold() not in {name.casefold() for name in known}:
            raise ConfigError(f"`branch` is {branch!r}, but the tenant's branches are: {', '.join(known) or 'none'}.")
        return list(dict.fromkeys(text(plain(row, "CompanyID")) for row in rows))

    def prepare(self, target_map: TargetMap) -> None:
        """Check entities, fields, look-ups, and that nothing is written that posts."""
        for warning in Preflight(self._reader, self._options.entities).check(target_map):
            self._log.warning("%s", warning)

    def check(self, effect: Effect) -> Problem | None:
        """Return why Acumatica would not keep this document as it is, or could not be asked for it again."""
        if words := posts(effect.table) or not_allowed(effect.table, self._options.entities):
            hint = "Name it in `entities` if this target is to write it; then run again."
            return Problem("entity_not_allowed", words, suggestion=hint, state=State.PARKED)
        for name, value in effect.key.items():
            if problem := self._key_problem(name, str(value)):
                return problem
        try:
            self._writer.document(effect)
        except Unfit as unfit:
            hint = "Map a plain value of the field's kind to it."
            return Problem("not_representable", str(unfit), str(unfit).partition(":")[0], suggestion=hint)
        return None

    def _key_problem(self, name: str, value: str) -> Problem | None:
        if not value.strip():
            return Problem("empty_key", f"{name} identifies the document and is empty", name)
        if value != value.strip():
            return Problem("not_representable", f"{name} has blanks at an end, which Acumatica cuts off", name, value)
        limit = self._options.reference_length
        if len(value) > limit:
            words = f"{name} has {len(value)} characters, more than {limit}: cut off, it would not be found again"
            return Problem("too_long", words, name, value[:limit], "Make the map's key shorter.")
        return None

    def send(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        """Write documents; when no more can be sent, the unsent ones are `failed` before the fault is raised."""
        return each_told(effects, self._writer.send(effects))

    def settle(self, effects: Sequence[Effect], *, wait: bool) -> Iterator[Outcome]:
        """Learn what became of documents that are sent or in doubt."""
        return self._settler.settle(effects, wait=wait)

    def lookup(
        self, table: str, key_columns: Sequence[str], keys: Sequence[Key], columns: Sequence[str]
    ) -> dict[Key, list[Row]]:
        """Return live rows by key, under the names that were asked for."""
        return self._reader.lookup(table, key_columns, keys, columns)

    def reread(self, effects: Sequence[Effect]) -> Iterator[Reading]:
        """Compare delivered documents with what the tenant shows."""
        return Rereader(self._writer).reread(effects)

    def hurry(self) -> None:
        """Let every wait for an outcome, or for the tenant's limits, end."""
        self._clock.end()

    def close(self) -> None:
        """Sign out: an open session holds one of the licence's seats."""
        self._connection.sign_out()

    @property
    def client(self) -> Client:
        """The connection to the tenant."""
        return self._connection.client

    def ping(self, target_map: TargetMap | None = None) -> Iterator[Check]:
        """Say, permission by permission, whether this target can do its work; nothing is written."""
        identity = self.identity()
        yield Check("sign in", ok=True, detail=f"{identity.label}; the seat is given back at the end")
        yield self._endpoint_check()
        yield structure_check(self._reader)
        if target_map is not None:
            yield from map_checks(self._reader, target_map, self._options.entities)

    def _endpoint_check(self) -> Check:
        found = self._endpoint
        assert found is not None  # noqa: S101  identity() has found it, or raised
        contract = self._reader.contract
        words = f"{found.name} {found.version}, {len(contract.tops)} entities; build {found.build or 'not told'}"
        return Check("endpoint", ok=True, detail=words)
