"""The ServiceNow sink: what the delivery engine asks of a target, put together from the modules beside it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ml_connector.delivery.answers import each_told
from ml_connector.delivery.sink import Check, Identity, Sink
from ml_connector.errors import ConfigError, Forbidden, Unreachable
from ml_connector.http import Clock, NotJson
from ml_connector.vendors.servicenow.dictionary import Dictionary
from ml_connector.vendors.servicenow.reader import Reader

from target_servicenow_importset.ap_invoices.document import AP_INVOICE_API, staged
from target_servicenow_importset.ap_invoices.documents import ApOptions, Documents, sends_documents
from target_servicenow_importset.ap_invoices.preflight import problem as problem_of_document
from target_servicenow_importset.calls import Caller
from target_servicenow_importset.importset import InsertMultiple
from target_servicenow_importset.moments import Moments
from target_servicenow_importset.permissions import write_checks
from target_servicenow_importset.preflight import IMPORT_SET, OUTCOME_TABLES, Preflight
from target_servicenow_importset.reread import Rereader
from target_servicenow_importset.review import Reviewer
from target_servicenow_importset.rows import Rows
from target_servicenow_importset.settle import Settler
from target_servicenow_importset.staging import Staging
from target_servicenow_importset.tableapi import TableApi
from target_servicenow_importset.transforms import KeyStyle, Transforms
from target_servicenow_importset.values import EmptyValues, row_problem
from target_servicenow_importset.writer import Mode, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml_connector.delivery.reading import Reading
    from ml_connector.delivery.sink import Effect, Key, Outcome, Problem, Row
    from ml_connector.http import Client
    from ml_connector.mapping.target_map import TargetMap

VENDOR_DOMAIN = ".service-now.com"
ASLEEP = "A developer instance sleeps after some hours: sign in to developer.servicenow.com and wake it."
# What `ping` reads, whether the target can work without it, and what for.
READS = (
    ("sys_db_object", True, "to find tables"),
    ("sys_dictionary", True, "to find columns, labels and lengths"),
    ("sys_transform_map", False, "to check that rows are transformed"),
    ("sys_transform_entry", False, "to check that rows are matched by their key"),
    *((table, False, "to read outcomes of asynchronous imports") for table in OUTCOME_TABLES),
)


@dataclass(frozen=True, slots=True)
class Options:
    """How rows are written and how long outcomes are waited for."""

    mode: Mode = Mode.AUTO
    key_style: KeyStyle = KeyStyle.AUTO
    batch_size: int | None = None
    max_concurrency: int = 4
    settle_window: float = 90.0
    patience: float = 300.0
    empty_values: EmptyValues = EmptyValues.KEEP
    documents: ApOptions = field(default_factory=ApOptions)


class ServiceNowSink(Sink):
    """Delivers rows through the Import Set API and the Table API of one instance."""

    reviews = True
    orders_phases = True  # an import set waits for the one before it (`run_after`)

    def __init__(self, client: Client, options: Options, clock: Clock | None = None) -> None:
        clock = clock or Clock()
        self._client = client
        self._clock = clock
        self._options = options
        self._log = logging.getLogger(__name__)
        self._reader = Reader(client, clock)
        self._dictionary = Dictionary(self._reader)
        self._rows = Rows(self._dictionary, options.empty_values)
        self._caller = Caller(client)
        self._transforms = transforms = Transforms(self._reader)
        table_api = TableApi(self._reader, self._rows)
        moments = Moments(self._reader, clock)
        self._rereader = Rereader(self._reader, self._dictionary, self._rows, transforms)
        self._documents = documents = Documents.of(client, self._rereader, moments, options.documents)
        self._preflight = Preflight(self._reader, self._dictionary, transforms, documents.log, self._sends_labels)
        self._settler = Settler(
            self._reader,
            Staging(self._reader, self._rows),
            transforms,
            table_api,
            documents.landing,
            moments,
            timedelta(seconds=options.settle_window),
            options.patience,
            clock,
        )
        self._writer = Writer(
            self._caller,
            self._rows,
            table_api,
            InsertMultiple(client, self._reader, self._rows, clock),
            transforms,
            self._settler,
            documents.sender,
            options.mode,
            options.key_style,
            options.batch_size,
            options.max_concurrency,
        )

    def identity(self) -> Identity:
        """Read the instance's name; its host stands in where sys_properties may not be read."""
        host = urlsplit(self._client.base_url).netloc
        try:
            found = self._reader.lookup("sys_properties", ["name"], [("instance_name",), ("instance_id",)], ["value"])
        except NotJson as error:
            raise Unreachable(f"{error}. {ASLEEP}") from None
        except Forbidden:
            found = {}
        named = [found[key][0]["value"] for key in (("instance_name",), ("instance_id",)) if key in found]
        values = [value for value in named if value]
        if not values:
            self._log.warning("sys_properties gives no name: the host %s stands for the instance's name", host)
        name = next(iter(values), host.removesuffix(VENDOR_DOMAIN))
        return Identity(name, f"{name} at {host}")

    def prepare(self, target_map: TargetMap) -> None:
        """Check tables, columns, transform maps and permissions, and tell what is not ideal."""
        for warning in (*self._preflight.check(target_map), *self._writer.prepare()):
            self._log.warning("%s", warning)
        if sends_documents(target_map):
            self._documents.sender.learn_limit()

    def _sends_labels(self, table: str) -> bool:
        """Say whether rows of a staging table may go out under column labels."""
        mode, style = self._options.mode, self._options.key_style
        bulk = mode is Mode.INSERT_MULTIPLE or (
            mode is Mode.AUTO and self._transforms.insert_multiple(table).synchronous
        )
        return bulk and style is not KeyStyle.COLUMN

    def check(self, effect: Effect) -> Problem | None:
        """Return why ServiceNow would not keep this row as it is, or None."""
        if effect.via == AP_INVOICE_API:
            return problem_of_document(effect, self._dictionary)
        table = self._rows.table(effect)
        columns = {name: table.column(name) for name in (*effect.key, *effect.payload)}
        return row_problem(effect.key, effect.payload, columns, staging=effect.via == IMPORT_SET)

    def send(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        """Write rows; when no more can be sent, the unsent ones are `failed` before the fault is raised."""
        return each_told(effects, self._writer.send(effects))

    def settle(self, effects: Sequence[Effect], *, wait: bool) -> Iterator[Outcome]:
        """Learn what became of rows that are sent or in doubt."""
        return self._settler.settle(effects, wait=wait)

    def lookup(
        self, table: str, key_columns: Sequence[str], keys: Sequence[Key], columns: Sequence[str]
    ) -> dict[Key, list[Row]]:
        """Return live rows by key, under the column names that were asked for."""
        live = self._dictionary.table(table)
        elements = {name: live.element(name) for name in (*key_columns, *columns)}
        by_key = [elements[name] for name in key_columns]
        found = self._reader.lookup(table, by_key, keys, [elements[name] for name in columns])
        return {
            key: [
                {name: row.get(element, "") for name, element in elements.items()} | {"id": row["sys_id"]}
                for row in rows
            ]
            for key, rows in found.items()
        }

    def reread(self, effects: Sequence[Effect]) -> Iterator[Reading]:
        """Compare delivered rows with the tables they ended in."""
        documents = [effect for effect in effects if effect.via == AP_INVOICE_API]
        yield from self._rereader.reread(effect for effect in effects if effect.via != AP_INVOICE_API)
        if documents:
            yield from self._documents.landing.compare(documents).values()

    def review(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        """Ask for the instance's own integration status of delivered rows."""
        own = {effect.id: effect for effect in effects}
        rows = [staged(effect) if effect.via == AP_INVOICE_API else effect for effect in effects]
        for outcome in Reviewer(self._reader, self._dictionary, self._rows, self._transforms).review(rows):
            yield replace(outcome, effect=own[outcome.effect.id])

    def hurry(self) -> None:
        """Let every wait for an outcome, or for the instance's limits, end."""
        self._clock.end()

    @property
    def client(self) -> Client:
        """The connection to the instance."""
        return self._client

    def ping(self, target_map: TargetMap | None = None) -> Iterator[Check]:
        """Say, permission by permission, whether this target can do its work; nothing is written."""
        yield Check("sign in", ok=True, detail=self.identity().label)
        for table, needed, purpose in READS:
            yield self._may_read(table, purpose, needed=needed)
        if target_map is not None:
            yield from write_checks(self._reader, target_map)
            if sends_documents(target_map):
                yield self._documents.check()
        try:
            self._caller.probe_batch()
        except (Forbidden, ConfigError) as error:
            yield Check("batch calls", ok=self._writer.mode is not Mode.BATCH, detail=f"{error}. Rows go one by one")
        else:
            yield Check("batch calls", ok=True, detail="many rows may go out in one call")

    def _may_read(self, table: str, purpose: str, *, needed: bool) -> Check:
        try:
            self._reader.probe(table)
        except (Forbidden, ConfigError) as error:
            hint = f"Give the account a role that may read {table}, {purpose}."
            return Check(f"read {table}", ok=not needed, detail=f"may not read {table}: {error}", suggestion=hint)
        return Check(f"read {table}", ok=True, detail=f"may read {table}, {purpose}")
