"""Rows that go because the source has them no more: ACTIVATE_VERSION, and a whole table replaced in one step.

Where a stream has companies, only rows of the companies it brought are touched: two taps may share a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.bulk.load import Load
from ml_connector.errors import ConfigError, OutOfPatience
from ml_connector.store.text import stamp, utc_now

from target_snowflake.names import literal, quoted
from target_snowflake.setup import LOADS, rows_deleted
from target_snowflake.shape import DELETED_AT, ROW_HASH, RUN_ID, VERSION
from target_snowflake.tables import read_table

if TYPE_CHECKING:
    from target_snowflake.columns import Column
    from target_snowflake.load import Loader
    from target_snowflake.shape import Shape

_LEAST_SHARE = 0.5
"""A tap that does not tell whether it read to the end is not believed when it brought less of the table than this."""


def activate(loader: Loader, shape: Shape, version: int, batch_id: str, *, again: bool = False) -> Load:
    """Delete or mark the rows of older versions, in one transaction with its line in `_ML_LOADS`.

    `again`: it may have been done before, and the answer was lost.
    """
    table = quoted(shape.table)
    old = f"COALESCE({quoted(VERSION)}, 0) < {version}"
    if shape.company:
        company = _company(shape.company)
        old += f" AND {company} IN (SELECT {company} FROM {table} WHERE {quoted(VERSION)} = {version})"
    deleted_at = quoted(shape.by_property[DELETED_AT].name)
    now = f"CAST({literal(stamp(utc_now()))} AS TIMESTAMP_TZ)"
    soft = f"UPDATE {table} SET {deleted_at} = {now}, {quoted(ROW_HASH)} = NULL WHERE {old} AND {deleted_at} IS NULL"
    hard = f"DELETE FROM {table} WHERE {old}"
    if read_table(loader.session, shape.table) is None:
        return _load(shape, batch_id, 0)
    if again and (gone := rows_deleted(loader.session, batch_id)) is not None:
        return _load(shape, batch_id, gone)
    loader.prove()
    with loader.session.transaction():
        gone = loader.session.execute(hard if loader.options.hard_delete else soft).rowcount or 0
        _note(loader, shape, batch_id, gone)
    return _load(shape, batch_id, gone)


def swap(loader: Loader, shape: Shape, batch_id: str, complete: bool | None) -> Load:
    """Put the table that was loaded beside a stream's own in its place, and drop the old one.

    Raises:
        ConfigError: The tap did not read the stream to its end, or brought so little that this may be so.
    """
    old, new = shape.table, loader.names.replacing(shape.table)
    fresh, existing = read_table(loader.session, new), read_table(loader.session, old)
    before = 0 if existing is None else _rows(loader, old, _brought(loader, shape, of=fresh is not None))
    after = 0 if fresh is None else _rows(loader, new)
    _believe(shape, before, after, complete)
    loader.prove()
    if fresh is None:
        return _empty(loader, shape, batch_id, before)
    if existing is None:
        loader.session.execute(f"ALTER TABLE {quoted(new)} RENAME TO {quoted(old)}")
    else:
        _keep_others(loader, shape, list(existing))
        loader.session.execute(f"ALTER TABLE {quoted(old)} SWAP WITH {quoted(new)}")
        loader.session.execute(f"DROP TABLE IF EXISTS {quoted(new)}")
    _note(loader, shape, batch_id, before)
    return _load(shape, batch_id, before)


def swapped(loader: Loader, shape: Shape, batch_id: str) -> Load | None:
    """Finish a swap whose answers were lost; None when the old table is still in its place: swap then, from the start.

    Raises:
        OutOfPatience: Nothing tells which of the two tables is the new one.
    """
    old, new = shape.table, loader.names.replacing(shape.table)
    fresh, existing = read_table(loader.session, new), read_table(loader.session, old)
    ours = f"{quoted(RUN_ID)} = {literal(loader.names.run_id)}"
    if existing is None or not _rows(loader, old, ours):
        if existing is None or fresh is None or _rows(loader, new, ours):
            return None
        raise OutOfPatience(
            f"the connection broke while {new} took the place of {old}, and neither has a row to tell them apart by. "
            "STATE has not passed it: run again."
        )
    before = rows_deleted(loader.session, batch_id)
    if before is None:
        before = 0 if fresh is None else _rows(loader, new)
        _note(loader, shape, batch_id, before)
    loader.session.execute(f"DROP TABLE IF EXISTS {quoted(new)}")
    return _load(shape, batch_id, before)


def _believe(shape: Shape, before: int, after: int, complete: bool | None) -> None:
    if complete is False:
        raise ConfigError(
            f"{shape.stream}: the tap did not read it to its end, so {shape.table} was not replaced; it is as it was. "
            "Find out why the tap ended, then run again."
        )
    if complete is None and after < before * _LEAST_SHARE:
        raise ConfigError(
            f"{shape.stream}: {after} rows came, and {shape.table} has {before}. The tap does not tell whether it read "
            "to the end, so the table was not replaced. If the rows are right, drop the table, and run again."
        )


def _rows(loader: Loader, table: str, where: str = "TRUE") -> int:
    return int(loader.session.execute(f"SELECT COUNT(*) FROM {quoted(table)} WHERE {where}").rows[0][0])


def _empty(loader: Loader, shape: Shape, batch_id: str, before: int) -> Load:
    """Empty the table of a stream that the tap read to its end without a record."""
    if before:
        with loader.session.transaction():
            loader.session.execute(f"DELETE FROM {quoted(shape.table)}")
            _note(loader, shape, batch_id, before)
    return _load(shape, batch_id, before)


def _company(column: Column) -> str:
    """Return the company of a row as text, empty when there is none: `IN` knows no NULL."""
    return f"COALESCE(CAST({quoted(column.name)} AS VARCHAR), '')"


def _brought(loader: Loader, shape: Shape, *, of: bool) -> str:
    """Return what is true of rows of companies that the run brought; `of` says that it brought any."""
    if not shape.company:
        return "TRUE"
    company, new = _company(shape.company), quoted(loader.names.replacing(shape.table))
    return f"{company} IN (SELECT {company} FROM {new})" if of else "FALSE"


def _keep_others(loader: Loader, shape: Shape, columns: list[str]) -> None:
    """Take over the rows of companies that this run did not read."""
    if not shape.company:
        return
    new, names = quoted(loader.names.replacing(shape.table)), ", ".join(map(quoted, columns))
    others = f"NOT ({_brought(loader, shape, of=True)})"
    loader.session.execute(f"INSERT INTO {new} ({names}) SELECT {names} FROM {quoted(shape.table)} WHERE {others}")


def _note(loader: Loader, shape: Shape, batch_id: str, gone: int) -> None:
    names = loader.names
    texts = ", ".join(map(literal, (batch_id, names.run_id, names.pipeline, shape.stream, shape.table)))
    numbers = f"0, 0, 0, 0, 0, {gone}"
    loader.session.execute(
        f"INSERT INTO {quoted(LOADS)} SELECT {texts}, {numbers}, NULL, NULL, NULL, "
        f"CAST({literal(stamp(utc_now()))} AS TIMESTAMP_TZ)"
    )


def _load(shape: Shape, batch_id: str, gone: int) -> Load:
    return Load(batch_id, shape.stream, shape.table, 0, 0, 0, 0, 0, gone)
