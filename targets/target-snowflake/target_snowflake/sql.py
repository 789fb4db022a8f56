"""The SQL of one batch: staging, what its rows are, and the rows into their table in one transaction.

Facts on what Snowflake and the fake server take: apis/snowflake.md §2 and §6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_snowflake.columns import Kind, Type
from target_snowflake.names import literal, quoted
from target_snowflake.shape import (
    ABSENT,
    BATCH_ID,
    CURRENCY,
    DELETED_AT,
    EXTRACTED_AT,
    LOADED_AT,
    MODIFIED_AT,
    ORDER,
    ROW_HASH,
    RUN_ID,
    VERSION,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_snowflake.batch import Batch
    from target_snowflake.columns import Column
    from target_snowflake.tables import Layout, Place

S, T = '"_s"', '"_t"'
"""The staged rows and the table, in every statement: no table is called so, whatever its stream is called."""

RANK = "_ML_RANK"
SUPERSEDED, DELETED, NEW, UNCHANGED, CHANGED = "superseded", "deleted", "new", "unchanged", "changed"
_FORMAT = "(TYPE = PARQUET USE_LOGICAL_TYPE = TRUE BINARY_AS_TEXT = FALSE USE_VECTORIZED_SCANNER = TRUE)"


@dataclass(frozen=True, slots=True)
class Moments:
    """When a batch's records came, when it was closed, when it is loaded, when the run began."""

    received: str
    batched: str
    loaded: str
    started_ms: int


@dataclass(frozen=True, slots=True)
class Job:
    """One batch with its tables; by key, or appended when the stream has none."""

    batch: Batch
    layout: Layout
    staging: str
    run_id: str
    moments: Moments
    by_key: bool
    hard_delete: bool
    target: str  # the table it is loaded into: the stream's own, or one that takes its place later

    # staging

    def create_staging(self) -> str:
        """Return what makes the staging table; it is transient, not temporary: a new session must find it."""
        columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in self._staged().items())
        return f"CREATE OR REPLACE TRANSIENT TABLE {quoted(self.staging)} ({columns})"

    def _staged(self) -> dict[str, str]:
        shape = self.batch.shape
        own = {column.name: _staged_as(column.type) for column in (*shape.columns, *self.batch.exact)}
        more = {ORDER: "NUMBER(38,0)", ROW_HASH: "VARCHAR", EXTRACTED_AT: "TIMESTAMP_TZ", VERSION: "NUMBER(38,0)"}
        if shape.currency:
            more[CURRENCY] = "VARCHAR"
        if self.batch.partial:
            more[ABSENT] = "VARCHAR"
        return more | own

    def copy(self, place: str) -> str:
        """Return what copies the batch's files from its place in the stage into the staging table."""
        return (
            f"COPY INTO {quoted(self.staging)} FROM {place} FILE_FORMAT = {_FORMAT} "
            "MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE ON_ERROR = ABORT_STATEMENT PURGE = TRUE"
        )

    # what the rows are

    def classify(self, *, is_there: bool = True) -> str:
        """Return what counts the staged rows and sums their amounts, by what they are to the table.

        Columns of the answer: what, company, currency, count, sum. `is_there`: the table exists.
        """
        shape = self.batch.shape
        company = f"COALESCE(CAST({S}.{quoted(shape.company.name)} AS VARCHAR), '')" if shape.company else "''"
        currency = f"COALESCE({S}.{quoted(CURRENCY)}, '')" if shape.currency else "''"
        # The cast keeps the sum exact on the fake server, and costs nothing on Snowflake.
        amount = f"SUM(CAST({S}.{quoted(shape.amount.name)} AS {shape.amount.type.sql}))" if shape.amount else "0"
        return (
            f"SELECT {self._what(is_there)}, {company}, {currency}, COUNT(*), {amount} FROM {self._ranked()} {S}"
            f"{self._beside() if self.by_key and is_there else ''} GROUP BY 1, 2, 3"
        )

    def _what(self, is_there: bool) -> str:
        if not self.by_key:
            return literal(NEW)
        gone = f"{S}.{quoted(_deleted_at(self.batch))} IS NOT NULL"
        missing = f"{T}.{quoted(self._keys[0].name)} IS NULL" if is_there else "TRUE"
        cases = [f"WHEN {S}.{quoted(RANK)} > 1 THEN {literal(SUPERSEDED)}"]
        if self.hard_delete:
            cases.append(f"WHEN {gone} THEN CASE WHEN {missing} THEN {literal(UNCHANGED)} ELSE {literal(DELETED)} END")
        cases.append(f"WHEN {missing} THEN {literal(NEW)}")
        if is_there and ROW_HASH not in self.layout.added:  # a plan does not add it
            cases.append(f"WHEN {self._same(T)} THEN {literal(UNCHANGED)}")
        return f"CASE {' '.join(cases)} ELSE {literal(CHANGED)} END"

    def _ranked(self) -> str:
        if not self.by_key:
            return quoted(self.staging)
        return f"(SELECT *, {self._rank()} AS {quoted(RANK)} FROM {quoted(self.staging)})"

    def _newest(self) -> str:
        if not self.by_key:
            return quoted(self.staging)
        return f"(SELECT * FROM {quoted(self.staging)} QUALIFY {self._rank()} = 1)"

    def _rank(self) -> str:
        keys = ", ".join(quoted(place.name) for place in self._staged_keys)
        return f"ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {quoted(ORDER)} DESC)"

    @property
    def _staged_keys(self) -> Sequence[Column]:
        return self.batch.shape.keys

    @property
    def _keys(self) -> list[Place]:
        return [place for place in self.layout.places if place.column.is_key]

    def _on(self, left: str, right: str) -> str:
        return " AND ".join(
            f"{left}.{quoted(place.name)} = {_stored(place, f'{right}.{quoted(place.column.name)}')}"
            for place in self._keys
        )

    def _beside(self) -> str:
        return f" LEFT JOIN {quoted(self.target)} {T} ON {self._on(T, S)}"

    def _same(self, table: str) -> str:
        return f"{table}.{quoted(ROW_HASH)} = {S}.{quoted(ROW_HASH)}"

    def _differs(self, table: str) -> str:
        """Return when a row of the table is not what is staged: hashes differ, or one is missing."""
        return f"COALESCE({table}.{quoted(ROW_HASH)}, '') <> COALESCE({S}.{quoted(ROW_HASH)}, 'partial')"

    # the rows into their table

    def insert(self) -> str:
        """Return what inserts new rows and the new versions of changed ones; what they do not say is taken over."""
        values = self._values()
        names = ", ".join(map(quoted, values))
        wanted = []
        if self.by_key:
            wanted.append(f"({T}.{quoted(self._keys[0].name)} IS NULL OR {self._differs(T)})")
            if self.hard_delete:
                wanted.append(f"{S}.{quoted(_deleted_at(self.batch))} IS NULL")
        where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
        source = f"{self._newest()} {S}{self._beside() if self.by_key else ''}"
        return f"INSERT INTO {quoted(self.target)} ({names}) SELECT {', '.join(values.values())} FROM {source}{where}"

    def delete(self) -> str:
        """Return what deletes the old versions of rows that `insert` has brought, and rows deleted in the source."""
        table = quoted(self.target)
        old = f"({table}.{quoted(BATCH_ID)} IS NULL OR {table}.{quoted(BATCH_ID)} <> {literal(self.batch.id)})"
        changed = self._differs(table)
        if self.hard_delete:
            changed = f"({changed} OR {S}.{quoted(_deleted_at(self.batch))} IS NOT NULL)"
        return f"DELETE FROM {table} USING {self._newest()} {S} WHERE {self._on(table, S)} AND {old} AND {changed}"

    def merge(self) -> str:
        """Return one MERGE that does both: an update stays an update, for streams that only see appended rows."""
        values = self._values()
        gone = f"{S}.{quoted(_deleted_at(self.batch))}"
        using = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in values.items())
        deleted = f', CASE WHEN {gone} IS NOT NULL THEN 1 ELSE 0 END AS "_ML_GONE"'
        source = f"SELECT {using}{deleted} FROM {self._newest()} {S}{self._beside()}"
        keys = " AND ".join(f"{T}.{quoted(place.name)} = {S}.{quoted(place.name)}" for place in self._keys)
        key_names = {place.name for place in self._keys}
        sets = ", ".join(f"{quoted(name)} = {S}.{quoted(name)}" for name in values if name not in key_names)
        names, news = ", ".join(map(quoted, values)), ", ".join(f"{S}.{quoted(name)}" for name in values)
        alive, gone_then = (f'AND {S}."_ML_GONE" = 0 ', f'WHEN MATCHED AND {S}."_ML_GONE" = 1 THEN DELETE ')
        return (
            f"MERGE INTO {quoted(self.target)} {T} USING ({source}) {S} ON {keys} "
            f"{gone_then if self.hard_delete else ''}"
            f"WHEN MATCHED AND {self._differs(T)} THEN UPDATE SET {sets} "
            f"WHEN NOT MATCHED {alive if self.hard_delete else ''}THEN INSERT ({names}) VALUES ({news})"
        )

    def _values(self) -> dict[str, str]:
        """Return every column of the table and what it gets."""
        values = {place.name: self._value(place) for place in self.layout.places}
        values |= {name: self._kept(name) for name in self.layout.carried}
        values |= {name: self._unless_absent(column, name, "NULL") for name, column in self.layout.emptied.items()}
        return values | self._metadata()

    def _value(self, place: Place) -> str:
        staged = _stored(place, f"{S}.{quoted(place.column.name)}")
        own = self.batch.shape.by_property[place.column.property]  # it may be a column beside that one
        return staged if own.is_key else self._unless_absent(own.name, place.name, staged)

    def _unless_absent(self, column: str, name: str, value: str) -> str:
        """Return a value, or what is stored when the record says nothing of its column."""
        if not (self.batch.partial and self.by_key):
            return value
        said_nothing = f"CONTAINS(COALESCE({S}.{quoted(ABSENT)}, ''), {literal(f',{column},')})"
        return f"CASE WHEN {said_nothing} THEN {T}.{quoted(name)} ELSE {value} END"

    def _kept(self, name: str) -> str:
        return f"{T}.{quoted(name)}" if self.by_key else "NULL"

    def _metadata(self) -> dict[str, str]:
        shape, moments = self.batch.shape, self.moments
        modified = f"{S}.{quoted(shape.modified_at.name)}" if shape.modified_at else "CAST(NULL AS TIMESTAMP_TZ)"
        values = {
            BATCH_ID: literal(self.batch.id),
            RUN_ID: literal(self.run_id),
            MODIFIED_AT: modified,
            LOADED_AT: _moment(moments.loaded),
            # A row of which something was left out is never taken for unchanged: the contract may be another one then.
            ROW_HASH: "NULL" if self.layout.discarded else f"{S}.{quoted(ROW_HASH)}",
            EXTRACTED_AT: f"{S}.{quoted(EXTRACTED_AT)}",
            "_SDC_RECEIVED_AT": _moment(moments.received),
            "_SDC_BATCHED_AT": _moment(moments.batched),
            # Grows from run to run, too: no run takes a million records in a millisecond.
            "_SDC_SEQUENCE": f"{moments.started_ms * 1_000_000} + {S}.{quoted(ORDER)}",
            VERSION: f"{S}.{quoted(VERSION)}",
            "_SDC_SYNC_STARTED_AT": str(moments.started_ms),
        }
        return {name: value for name, value in values.items() if name in shape.metadata}


def _deleted_at(batch: Batch) -> str:
    return batch.shape.by_property[DELETED_AT].name


def _staged_as(kind: Type) -> str:
    """Return the type a value is staged in: JSON as text, since Parquet's text would stay a text in a VARIANT."""
    return "VARCHAR" if kind.kind == Kind.VARIANT else kind.sql


def _stored(place: Place, staged: str) -> str:
    """Return the expression that makes a staged value one of its column."""
    wanted, stored = place.column.type, place.type
    if stored.kind == Kind.VARIANT:
        return f"PARSE_JSON({staged})" if wanted.kind == Kind.VARIANT else f"TO_VARIANT({staged})"
    if wanted.kind == Kind.VARIANT or stored == wanted:
        return staged
    return f"CAST({staged} AS {stored.sql})"


def _moment(text: str) -> str:
    return f"CAST({literal(text)} AS TIMESTAMP_TZ)"
