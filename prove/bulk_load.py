"""One load into the fake Snowflake: run until it is killed, resumed from the STATE it printed, and looked at."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import snowflake.connector

from prove import chain
from prove.bulk_stream import SHARES
from prove.flow import BIN, Flow
from prove.forked import run_to

if TYPE_CHECKING:
    from pathlib import Path

    from ml_connector_simulators.snowflake import SnowflakeServer

    from prove.bulk_stream import BulkStream, Content, Key
    from prove.flow import Ended

DATABASE, PIPELINE = "PROOFS", "bulk"
PRELOADED = (
    "prove.forked",
    "prove.bulk_seams",
    "target_snowflake.target",
    "target_snowflake.opening",
    "ml_connector.store.store",
    "sqlalchemy.dialects.sqlite",
    "snowflake.connector",
)
FOUND_KINDS = ("batch_loaded", "batch_found")


@dataclass
class BulkLoad:
    """A load of one stream into a schema of its own, with a store of its own."""

    server: SnowflakeServer
    folder: Path
    schema: str
    stream: BulkStream
    batch_rows: int
    at: int = 0  # records before the newest STATE that was printed
    runs: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.server.create_schema(DATABASE, self.schema)
        self.flow = Flow(self.folder)
        self.flow.written("target.json", self._config())

    def _config(self) -> dict[str, Any]:
        return {
            **self.server.connect_options,
            "database": DATABASE,
            "schema": self.schema,
            "warehouse": "LOAD_WH",
            "role": "LOAD_ROLE",
            "network_timeout": 60,
            "login_timeout": 20,
            "store_url": self.flow.store_url,
            "pipeline": PIPELINE,
            "batch_size_rows": self.batch_rows,
            "spill_dir": str(self.spilled),
        }

    @property
    def spilled(self) -> Path:
        """The folder for files on their way."""
        return self.folder / "spill"

    def run(self, point: str) -> Ended:
        """Go on after the newest STATE, to a point or to the end, and keep the newest STATE, as Meltano does."""
        path = self.folder / "stream.jsonl"
        with path.open("w") as file:
            file.writelines(f"{line}\n" for line in self.stream.messages(self.at))
        command: list[str | Path] = [BIN / "target-snowflake", "--config", self.folder / "target.json"]
        ended = run_to(point, command, path, preloaded=PRELOADED)
        self.runs += 1
        printed = ended.out[: ended.out.rfind("\n") + 1].splitlines()
        self.at = json.loads(printed[-1])["at"] if printed else self.at
        return ended

    # what is there

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return what a query answers."""
        options = {"database": DATABASE, "schema": self.schema, "network_timeout": 60, "login_timeout": 20}
        with closing(snowflake.connector.connect(**self.server.connect_options, **options)) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def tables(self) -> set[str]:
        """Return the tables of the schema."""
        return {row[1] for row in self.rows("SHOW TABLES")}

    def ahead(self) -> list[str]:
        """Return what STATE says is settled and is not, and what is there twice, at any moment."""
        told, there = [], self.tables()
        for stream, wanted in self.stream.contents(self.at).items():
            versions = self._versions(stream) if stream.upper() in there else []
            newest = {(company, number): version for company, number, version in versions}
            if len(newest) != len(versions):
                told.append(f"duplicate: {len(versions) - len(newest)} rows of {stream}")
            told += [f"ahead: {words}" for words in _older(wanted, newest)[:2]]
        lost = self.stream.bad(self.at) - self._refused()
        return told + [f"ahead: no dead letter of {each}" for each in sorted(lost)[:2]]

    def _versions(self, stream: str) -> list[tuple[str, int, int]]:
        return self.rows(f'SELECT "_COMPANY", NUMBER, VERSION FROM {stream}')

    def _refused(self) -> set[tuple[str, Key]]:
        if not self.flow.store.exists():
            return set()
        found = self.flow.query("SELECT stream, business_key FROM dead_letters WHERE closed_at IS NULL")
        return {(stream, (key.split(":")[1], int(key.rpartition(":")[2]))) for stream, key in found}

    # the end

    def faults(self) -> list[str]:
        """Return what is wrong after a run that came to its end."""
        told = [
            each
            for stream, wanted in self.stream.contents(len(self.stream)).items()
            for each in self._of(stream, wanted)
        ]
        if self._refused() != self.stream.bad(len(self.stream)):
            told.append("lost: dead letters are not the refused records")
        told += [f"left over: {each}" for each in self._left_over()]
        told += [f"trail: {each}" for each in (*chain.broken(self.flow), *self._unsaid())]
        last = self.flow.last_run()
        if (last["outcome"], last["balance"]) != ("finished", "in_balance"):
            told.append(f"balance: {last['outcome']}, {last['balance']}: {last['message']}")
        return told

    def _of(self, stream: str, wanted: Content) -> list[str]:
        ((count, keys),) = self.rows(
            f"SELECT COUNT(*), COUNT(DISTINCT \"_COMPANY\" || '/' || NUMBER::VARCHAR) FROM {stream}"
        )
        sums = self.rows(f"SELECT CURRENCY, SUM(AMOUNT::NUMBER(38, 2)) FROM {stream} GROUP BY 1")
        told = [f"lost: {stream} has {keys} of {len(wanted.newest)} keys"] if keys != len(wanted.newest) else []
        told += [f"duplicate: {stream} has {count} rows of {keys} keys"] if count != keys else []
        if {currency: Decimal(amount) for currency, amount in sums} != wanted.sums:
            told.append(f"sums: {stream} has {sums}, not {wanted.sums}")
        newest = {(company, number): version for company, number, version in self._versions(stream)}
        return told + [f"stale: {words}" for words in _older(wanted, newest, exactly=True)[:2]]

    def _left_over(self) -> list[str]:
        own = {*(stream.upper() for stream in SHARES), "_ML_LOADS"}
        files = [row[0] for row in self.rows('LIST @"_ML_STAGE"')]
        return [*sorted(self.tables() - own), *files, *(path.name for path in self.spilled.iterdir() if path.is_dir())]

    def _unsaid(self) -> list[str]:
        """Return batches that only one of trail and `_ML_LOADS` knows, or that the trail tells twice."""
        kinds = ", ".join(f"'{kind}'" for kind in FOUND_KINDS)
        events = [
            (row[0], row[1])
            for row in self.flow.query(f"SELECT business_key, kind FROM events WHERE kind IN ({kinds})")
        ]
        batches = [row[0] for row in self.rows("SELECT BATCH_ID FROM _ML_LOADS")]
        self.counts["batches"] = len(batches)
        self.counts["found"] = sum(kind == "batch_found" for _, kind in events)
        keys = Counter(key for key, _ in events)
        told = [f"{batch} has no event" for batch in sorted(set(batches) - set(keys))]
        told += [f"{batch} is not in _ML_LOADS" for batch in sorted(set(keys) - set(batches))]
        twice = (Counter(batches) + keys).items()
        return told + [f"{batch} is told {times} times" for batch, times in twice if times > 2]


def _older(wanted: Content, there: dict[Key, int], *, exactly: bool = False) -> list[str]:
    """Return, in words, keys whose row is missing, older than wanted or, with `exactly`, not what is wanted."""
    return [
        f"{row.stream} {key} is {there.get(key, 'not there')}, version {row.version} is settled"
        for key, row in wanted.newest.items()
        if there.get(key, -1) < row.version or (exactly and there[key] != row.version)
    ]
