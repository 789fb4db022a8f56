"""The ledger of outcomes: what the books say became of the newest version of every record, in counts and sums."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, func, or_, select

from ml_connector.delivery.balance import Sum
from ml_connector.delivery.outbox import pages
from ml_connector.delivery.sink import State
from ml_connector.delivery.withdrawal import CANCELLED, VANISHED, WITHDRAWN
from ml_connector.reconcile.open_items import LEFT_OPEN, OpenItem
from ml_connector.secrets.sealing import masked
from ml_connector.store.tables import deliveries, effects, tallies
from ml_connector.store.text import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection

    from ml_connector.reconcile.scope import Scope

KINDS = (State.DELIVERED, CANCELLED, State.SENT, *LEFT_OPEN, State.SKIPPED)
"""What a record can have come to, in reading order; `cancelled` was delivered, then withdrawn in the source."""

_COLUMNS = (
    *("business_key", "company", "record_type", "title", "state", "reason", "message", "suggestion", "amount"),
    *("currency", "document_date", "period", "accounts", "source_state", "since", "verified_at", "pipeline"),
)
_TOLD = 20


class Heading(NamedTuple):
    """What a line of the ledger is about; the currency is empty for records without an amount."""

    company: str
    record_type: str
    currency: str


class Account(NamedTuple):
    """A GL account of a company, as one type of record charges it, in one currency."""

    company: str
    record_type: str
    currency: str
    account: str


class Rule(NamedTuple):
    """A rule that leaves records out."""

    company: str
    record_type: str
    rule: str
    currency: str


@dataclass(slots=True)
class Ledger:
    """What the books say."""

    lines: dict[Heading, dict[str, Sum]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Sum)))
    accounts: dict[Account, dict[str, Sum]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Sum)))
    vanished: dict[Heading, dict[str, Sum]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Sum)))
    skipped: dict[Rule, Sum] = field(default_factory=lambda: defaultdict(Sum))
    not_kept: dict[Rule, Sum] = field(default_factory=dict)  # left out by a map's rule in the last run, not stored
    open_items: list[OpenItem] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    without_period: int = 0  # documents that a period's ledger cannot place
    without_accounts: int = 0  # documents with an amount whose accounts are not known
    elsewhere: int = 0  # records delivered to another instance than the pipelines' present one
    verified_since: str | None = None  # when the delivered record that was not looked at longest was last verified

    def total(self, *kinds: str) -> int:
        """Return how many records came to these ends; to any, when none is named."""
        wanted = kinds or KINDS
        return sum(cells[kind].count for cells in self.lines.values() for kind in wanted if kind in cells)

    @property
    def money(self) -> dict[Heading, dict[str, Sum]]:
        """The lines of records that carry amounts: what a balance is struck over."""
        types = {heading.record_type for heading, cells in self.lines.items() if any(s.amount for s in cells.values())}
        return {
            heading: cells for heading, cells in self.lines.items() if heading.currency and heading.record_type in types
        }


def source_total(cells: dict[str, Sum]) -> Sum:
    """Return what is known of the source: the sum over all its ends."""
    whole = Sum()
    for cell in cells.values():
        whole.add(cell.count, cell.amount)
    return whole


def read_ledger(connection: Connection, scope: Scope, newest: Sequence[dict[str, Any]]) -> Ledger:
    """Read the ledger of the pipelines whose newest runs these are, each in the target it delivers to now."""
    ledger = Ledger()
    places = [
        and_(deliveries.c.pipeline == run["pipeline"], deliveries.c.target_id == run["target_id"]) for run in newest
    ]
    here = or_(*places) if places else deliveries.c.id.is_(None)
    query = select(*(deliveries.c[name] for name in _COLUMNS)).where(here, *scope.where())
    for row in connection.execute(query.order_by(deliveries.c.since, deliveries.c.id)).mappings():
        _enter(ledger, dict(row))
    _note_gaps(connection, ledger, scope, here)
    ledger.contradictions = list(_contradictions(connection, scope, here))
    ledger.not_kept = _not_kept(connection, ledger, newest, scope)
    ledger.lines = {heading: ledger.lines[heading] for heading in sorted(ledger.lines)}
    ledger.accounts = {account: ledger.accounts[account] for account in sorted(ledger.accounts)}
    return ledger


def kind_of(state: str, source_state: str | None) -> str:
    """Return the column of the ledger a delivery stands in."""
    return CANCELLED if state == State.DELIVERED and source_state in WITHDRAWN else state


def _enter(ledger: Ledger, row: dict[str, Any]) -> None:
    amount, currency = Decimal(row["amount"] or 0), row["currency"] or ""
    kind = kind_of(row["state"], row["source_state"])
    place = Heading(row["company"], row["record_type"], currency)
    ledger.lines[place][kind].add(1, amount)
    if row["source_state"] == VANISHED:
        ledger.vanished[place][kind].add(1, amount)
    if kind == State.SKIPPED:
        ledger.skipped[Rule(row["company"], row["record_type"], row["reason"] or "", currency)].add(1, amount)
    elif kind in (State.SENT, *LEFT_OPEN):
        ledger.open_items.append(OpenItem.of(masked(row)))
    elif row["verified_at"]:
        ledger.verified_since = min(ledger.verified_since or row["verified_at"], row["verified_at"])
    if row["accounts"]:
        for account, text in decode(row["accounts"]).items():
            ledger.accounts[Account(*place, account)][kind].add(1, Decimal(text))
    elif row["amount"] is not None and currency:
        ledger.without_accounts += 1


def _note_gaps(connection: Connection, ledger: Ledger, scope: Scope, here: ColumnElement[bool]) -> None:
    """Count what this ledger cannot place: it must not look as if it were not there."""
    others = [each for name, each in zip(_names(scope), scope.where(), strict=True) if name != "period"]
    undated = (deliveries.c.period.is_(None), deliveries.c.amount.is_not(None))
    query = select(func.count()).select_from(deliveries)
    ledger.without_period = connection.execute(query.where(here, *undated, *others)).scalar() or 0
    mine = [] if scope.pipeline is None else [deliveries.c.pipeline == scope.pipeline]
    ledger.elsewhere = connection.execute(query.where(~here, *mine)).scalar() or 0


def _names(scope: Scope) -> list[str]:
    return [name for name in ("period", "pipeline", "company") if getattr(scope, name) is not None]


def _contradictions(connection: Connection, scope: Scope, here: ColumnElement[bool]) -> Iterable[str]:
    """Yield what the books say of themselves that cannot be: delivered records with rows that are not."""
    other = effects.c.state.not_in([State.DELIVERED, State.SKIPPED])
    query = (
        select(deliveries.c.business_key, effects.c.name, effects.c.state)
        .join(effects, effects.c.delivery_id == deliveries.c.id)
        .where(here, *scope.where(), deliveries.c.state == State.DELIVERED, other)
    )
    found = connection.execute(query.order_by(deliveries.c.id).limit(_TOLD)).all()
    return [f"{key} is called delivered, but its row {name} is {state}" for key, name, state in found]


def _not_kept(
    connection: Connection, ledger: Ledger, newest: Sequence[dict[str, Any]], scope: Scope
) -> dict[Rule, Sum]:
    """Return what rules of the maps left out of the newest runs: such records are counted per run, not stored."""
    if scope.period is not None:
        return {}  # their period is not known
    stored = {(rule.company, rule.record_type, rule.rule) for rule in ledger.skipped}
    names = ("company", "record_type", "reason", "currency", "count", "amount")
    query = select(*(tallies.c[name] for name in names)).where(
        tallies.c.run_id.in_([run["id"] for run in newest]), tallies.c.kind == State.SKIPPED
    )
    found: dict[Rule, Sum] = defaultdict(Sum)
    for company, record_type, rule, currency, count, amount in connection.execute(query):
        if (company, record_type, rule) not in stored and scope.holds(company, None):
            found[Rule(company, record_type, rule, currency)].add(count, Decimal(amount))
    return dict(found)


def titles_of(connection: Connection, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what the books say of these records, by business key; of two targets, the newer one's."""
    found = {}
    for page in pages(keys):
        query = select(*(deliveries.c[name] for name in _COLUMNS)).where(deliveries.c.business_key.in_(page))
        query = query.order_by(deliveries.c.id)
        found.update({row["business_key"]: masked(dict(row)) for row in connection.execute(query).mappings()})
    return found
