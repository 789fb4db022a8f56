"""What tables hold now: asked at the end of a run, and again by `--reread` and `--census`."""

from __future__ import annotations

import sys
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.bulk import holdings
from ml_connector.bulk.holdings import Held, Holding
from ml_connector.finance import money
from ml_connector.singer.totals import amount_of, currency_of
from ml_connector.store import open_store
from ml_connector.store.text import decode

from target_snowflake.books_settings import check_identity
from target_snowflake.columns import Kind
from target_snowflake.connection import ConnectionOptions, Session
from target_snowflake.names import identifier, literal, quoted
from target_snowflake.shape import DELETED_AT
from target_snowflake.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ml_connector.reconcile.scope import Scope

    from target_snowflake.columns import Type
    from target_snowflake.load import Loader
    from target_snowflake.shape import Shape
    from target_snowflake.target import TargetSnowflake


@dataclass(frozen=True, slots=True)
class HoldTask:
    """A look at what a table holds of the companies that a run brought."""

    shape: Shape
    companies: Sequence[str]
    first: int

    @property
    def stream(self) -> str:
        """Its stream."""
        return self.shape.stream

    def carry_out(self, loader: Loader) -> Holding | None:
        """Ask the table; a plan asks nothing."""
        shape = self.shape
        if loader.plans:
            return None
        asked = Holding(
            stream=shape.stream,
            table=shape.table,
            company=shape.company.property if shape.company else None,
            amount=shape.amount.property if shape.amount else None,
            currency=shape.currency,
            companies=self.companies,
            rows=(),
        )
        return held(loader.session, asked)


def held(session: Session, asked: Holding) -> Holding:
    """Return what a table holds now, asked as a run asked it; a table that is gone holds nothing."""
    there = read_table(session, asked.table)
    rows = [] if there is None else session.execute(_question(asked, there)).rows
    found = [Held(whose, unit, int(count), money.plain(Decimal(total or 0))) for whose, unit, count, total in rows]
    return replace(asked, rows=sorted(found))


def _question(asked: Holding, there: Mapping[str, Type | None]) -> str:
    company = f"COALESCE(CAST({quoted(identifier(asked.company))} AS VARCHAR), '')" if asked.company else "''"
    amount = there.get(identifier(asked.amount)) if asked.amount else None
    total = "0"
    if asked.amount and amount is not None and amount.kind in (Kind.INTEGER, Kind.NUMBER):
        # The cast keeps the sum exact on the fake server, and costs nothing on Snowflake.
        total = f"SUM(CAST({quoted(identifier(asked.amount))} AS {amount.sql}))"
    where = f"{quoted(identifier(DELETED_AT))} IS NULL"
    if asked.company:
        where += f" AND {company} IN ({', '.join(map(literal, asked.companies))})"
    return (
        f"SELECT {company}, {_currency(asked.currency)}, COUNT(*), {total} FROM {quoted(asked.table)} "
        f"WHERE {where} GROUP BY 1, 2"
    )


def _currency(path: str | None) -> str:
    if not path:
        return "''"
    first, *inner = path.split(".")
    inside = "".join(f":{quoted(name)}" if place == 0 else f".{quoted(name)}" for place, name in enumerate(inner))
    return f"COALESCE(CAST({quoted(identifier(first))}{inside} AS VARCHAR), '')"


# questions


def reread(target: TargetSnowflake, scope: Scope) -> Iterator[dict[str, Any]]:
    """Yield, per table, company and currency, what it held when a run looked last, and what it holds now."""
    with Session.open(ConnectionOptions.of(target.config), {"pipeline": target.pipeline, "run": "reread"}) as session:
        identity = check_identity(session, target.config)
        yield {"target": identity.id, "label": identity.label}
        for before in _last(target, identity.id):
            yield from lines(before, {"books": before.rows, "target": held(session, before).rows}, scope)


def census(target: TargetSnowflake, scope: Scope) -> Iterator[dict[str, Any]]:
    """Yield, per table, company and currency, what it held when a run looked last, and what the source has now."""
    with Session.open(ConnectionOptions.of(target.config), {"pipeline": target.pipeline, "run": "census"}) as session:
        identity = check_identity(session, target.config)
    known = {each.stream: each for each in _last(target, identity.id)}
    listed = _listed(known)
    for stream, told in listed.items():
        yield {"stream": stream, "count": sum(row.records for row in told.rows), "complete": told.complete}
        if stream in known:
            yield from lines(known[stream], {"books": known[stream].rows, "source": told.rows}, scope)


@dataclass(slots=True)
class _Listing:
    """What a tap has listed of one stream; of a set that moved while it was read, only the last pass counts."""

    sums: dict[tuple[str, str], tuple[int, Decimal]]
    number: int = 0
    complete: bool = False

    @property
    def rows(self) -> list[Held]:
        """Its counts and sums."""
        return [Held(*key, count, amount) for key, (count, amount) in self.sums.items()]


def _listed(known: Mapping[str, Holding]) -> dict[str, _Listing]:
    found: dict[str, _Listing] = {}
    for line in map(decode, filter(str.strip, sys.stdin)):
        listing = found.setdefault(line["stream"], _Listing({}))
        if line["pass"] != listing.number:
            listing.number, listing.sums = line["pass"], {}
        if "complete" in line:
            listing.complete = line["complete"]
        elif "record" in line and line["stream"] in known and not line.get("rule"):
            _add(listing, line["record"], known[line["stream"]])
    return found


def _add(listing: _Listing, record: Mapping[str, Any], asked: Holding) -> None:
    company = str(record.get(asked.company) or "") if asked.company else ""
    currency = currency_of(record, asked.currency) if asked.currency else ""
    count, amount = listing.sums.get((company, currency), (0, Decimal(0)))
    more = amount_of(record, asked.amount) if asked.amount else 0
    listing.sums[company, currency] = (count + 1, amount + more)


def lines(about: Holding, sides: Mapping[str, Iterable[Held]], scope: Scope) -> Iterator[dict[str, Any]]:
    """Yield one line per company and currency with what each side has of it."""
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for side, rows in sides.items():
        for row in rows:
            total = {"count": row.records, "amount": format(money.plain(row.amount), "f")}
            found[row.company, row.currency][side] = total
    for (company, currency), told in sorted(found.items()):
        if scope.company in (None, company):
            nothing = {"count": 0, "amount": "0"}
            place = {"loaded": about.stream, "table": about.table, "company": company, "currency": currency}
            yield place | {side: told.get(side, nothing) for side in sides}


def _last(target: TargetSnowflake, target_id: str) -> list[Holding]:
    with closing(open_store(target.store_url)) as store, store.reading() as connection:
        return holdings.newest(connection, target.pipeline, target_id)
