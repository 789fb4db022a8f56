"""A reconciliation as a whole: what was compared, what agrees and what does not, and who looked when."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_connector.delivery.balance import Sum
from ml_connector.delivery.reading import Found
from ml_connector.delivery.report import OUT_OF_BALANCE
from ml_connector.delivery.sink import State
from ml_connector.reconcile.bulk_view import BOOKS, SOURCE, TARGET, BulkView
from ml_connector.reconcile.ledger import KINDS, source_total
from ml_connector.words import many, money

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml_connector.reconcile.bulk_view import Place
    from ml_connector.reconcile.ledger import Ledger
    from ml_connector.reconcile.open_items import OpenItem
    from ml_connector.reconcile.scope import Scope
    from ml_connector.reconcile.source_view import SourceView
    from ml_connector.reconcile.target_view import TargetView

_OF_RUNS = (
    *("id", "pipeline", "target_id", "target_label", "mapping", "map_version", "started_at", "ended_at"),
    *("outcome", "balance", "message", "actor", "host"),
)
OUT, WAITS = 5, 4
RUN = "ml-connector run"
_WAITING = (State.SENT, State.PARKED, State.REFUSED, State.FAILED)


class Point(NamedTuple):
    """One thing to say about the whole: how serious it is as an exit code, in words, and the next command."""

    code: int
    words: str
    step: str = ""


class Maker(NamedTuple):
    """Who made it, where and when; as the operating system tells (L9)."""

    actor: str
    host: str
    at: str
    version: str


@dataclass(slots=True)
class Reconciliation:
    """Source, books and target, as far as each was looked at."""

    scope: Scope
    maker: Maker
    runs: list[dict[str, Any]]  # the newest of each pipeline
    heads: Mapping[str, str]  # the trail's newest hash, per pipeline
    ledger: Ledger
    target: TargetView | None = None
    source: SourceView | None = None
    applied: list[str] = field(default_factory=list)  # what became of cancellations asked for
    bulk: BulkView = field(default_factory=BulkView)
    commands: Mapping[str, str] = field(default_factory=dict)  # what runs a pipeline; RUN where it is not said

    @property
    def points(self) -> list[Point]:
        """What there is to say, the worst first; nothing when all agrees and nothing waits."""
        found = [*_of_books(self), *_of_target(self.target), *_of_source(self.source), *_of_bulk(self)]
        return sorted(found, key=lambda point: -point.code)

    @property
    def exit_code(self) -> int:
        """5 out of balance or in doubt, 4 with records that wait or could not be proven, else 0."""
        return max((point.code for point in self.points), default=0)

    @property
    def open_items(self) -> list[OpenItem]:
        """What is not delivered."""
        return [*self.ledger.open_items, *self.bulk.waiting]

    @property
    def balances(self) -> dict[Any, dict[str, Sum]]:
        """Per company, record type and currency, what the source has, by where it stands; from the census if made."""
        if self.source is None:
            return self.ledger.money
        money = self.ledger.money
        types = {heading.record_type for heading in money}
        found = {h: cells for h, cells in self.source.totals.items() if h.currency and h.record_type in types}
        return dict(sorted(found.items()))

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "exit_code": self.exit_code,
            "scope": self.scope.as_data(),
            "made": self.maker._asdict(),
            "points": [point._asdict() for point in self.points],
            "balances": [_balance(heading, cells) for heading, cells in self.balances.items()],
            "records": [_balance(heading, cells) for heading, cells in self.ledger.lines.items()],
            "accounts": [_balance(account, cells) for account, cells in self.ledger.accounts.items()],
            "vanished": [_balance(heading, cells) for heading, cells in sorted(self.ledger.vanished.items())],
            "skipped": _rules(self.ledger.skipped),
            "not_kept": _rules(self.source.left_out if self.source else self.ledger.not_kept),
            "open_items": [item.as_data() for item in self.open_items],
            "tables": self.bulk.as_data(),
            "gaps": {
                "without_period": self.ledger.without_period,
                "without_accounts": self.ledger.without_accounts,
                "elsewhere": self.ledger.elsewhere,
                "verified_since": self.ledger.verified_since,
            },
            "target": _target_data(self.target),
            "source": _source_data(self.source),
            "applied": self.applied,
            "runs": [{name: run[name] for name in _OF_RUNS} for run in self.runs],
            "heads": dict(self.heads),
        }


def _of_books(whole: Reconciliation) -> Iterator[Point]:
    ledger = whole.ledger
    yield from (Point(OUT, words, "ml-connector audit verify") for words in ledger.contradictions)
    for run in whole.runs:
        name, again = f"the last run of {run['pipeline']}", whole.commands.get(run["pipeline"], RUN)
        if run["balance"] == OUT_OF_BALANCE:
            yield Point(OUT, f"{name} is out of balance: {run['message']}", again)
        elif run["outcome"] != "finished":
            yield Point(WAITS, f"{name} did not finish", again)
    if doubtful := ledger.total(State.IN_DOUBT):
        yield Point(OUT, f"{_records(doubtful)} in doubt: the answer to a write was lost", RUN)
    for state in _WAITING:
        if count := ledger.total(state):
            yield Point(WAITS, f"{_records(count)} {state}", "ml-connector dead list")
    if ledger.without_period and whole.scope.period:
        words = f"{_records(ledger.without_period)} with an amount carry no period and are not in these figures"
        yield Point(WAITS, words, "ml-connector reconcile")


def _of_target(target: TargetView | None) -> Iterator[Point]:
    if target is None:
        return
    step = next((each.step for each in target.changed), "")
    if count := target.counts[Found.DIFFERS]:
        yield Point(OUT, f"{_records(count)} changed in the target since it confirmed them", step)
    if count := target.counts[Found.MISSING]:
        yield Point(OUT, f"{_records(count)} that the target confirmed are missing there, or rows of them", step)
    if count := target.counts[Found.UNREADABLE]:
        yield Point(WAITS, f"{_records(count)} could not be read again in the target", "ml-connector ping")


def _of_source(source: SourceView | None) -> Iterator[Point]:
    if source is None:
        return
    for doubt in source.doubts:
        words = (
            f"{doubt.missing} of {doubt.held} {doubt.record_type} of {doubt.company} are missing in the source's list: "
            "more than may vanish at once. That is a fault of permissions or paging until proven otherwise"
        )
        yield Point(OUT, words, "ml-connector ping")
    for kind in dict.fromkeys(each.finding for each in source.findings):
        for waits in (False, True):
            mine = [each for each in source.findings if (each.finding, each.waits) == (kind, waits)]
            if mine:
                words = f"{_records(len(mine))} {_KIND_WORDS[kind]}"
                more = " since the last run; the next one brings it" if waits else ""
                yield Point(WAITS if waits else OUT, words + more, mine[0].step)
    if source.unlisted:
        yield Point(WAITS, f"not listed whole: {', '.join(source.unlisted)}", "ml-connector reconcile --census")


def _of_bulk(whole: Reconciliation) -> Iterator[Point]:
    bulk = whole.bulk
    step = "meltano run --full-refresh {} {}"
    for place in bulk.differing(TARGET):
        blocks = place.pipeline.partition("-to-target-")
        words = f"{_table(place)} holds {_side(bulk, place, TARGET)}; when a run looked last it held"
        again = step.format(blocks[0], f"target-{blocks[2]}") if blocks[2] else "ml-connector status"
        yield Point(OUT, f"{words} {_side(bulk, place, BOOKS)}", again)
    for place in bulk.differing(SOURCE):
        words = f"the source has {_side(bulk, place, SOURCE)} of {_table(place)}, which held"
        more = "when a run looked last: the next run brings it, unless records were deleted in the source"
        yield Point(WAITS, f"{words} {_side(bulk, place, BOOKS)} {more}", whole.commands.get(place.pipeline, RUN))
    if bulk.waiting:
        yield Point(WAITS, f"{_records(len(bulk.waiting))} refused on the way to a table", "ml-connector dead list")
    if bulk.unlisted:
        yield Point(WAITS, f"not listed whole: {', '.join(bulk.unlisted)}", "ml-connector reconcile --census")


def _table(place: Place) -> str:
    return f"{place.table} {place.company}".strip()


def _side(bulk: BulkView, place: Place, side: str) -> str:
    total = bulk.sums[place].get(side, Sum())
    amount = f", {money(total.amount)} {place.currency}" if place.currency else ""
    return f"{many(total.count, 'row')}{amount}"


_KIND_WORDS = {
    "never_read": "of the source that we have never read",
    "changed": "changed in the source",
    "voided": "voided in the source",
    "vanished": "gone from the source, and still in the books",
}


def _records(count: int) -> str:
    return f"{count:,} record{'' if count == 1 else 's'}"


def _balance(heading: Any, cells: dict[str, Sum]) -> dict[str, Any]:
    whole = source_total(cells)
    ends = {kind: asdict(cells[kind]) for kind in sorted(cells, key=_place)}
    return {**heading._asdict(), "source": asdict(whole), **ends}


def _place(kind: str) -> int:
    return list(KINDS).index(kind) if kind in KINDS else len(KINDS)


def _rules(rules: Mapping[Any, Sum]) -> list[dict[str, Any]]:
    return [{**rule._asdict(), **asdict(total)} for rule, total in sorted(rules.items())]


def _target_data(target: TargetView | None) -> dict[str, Any] | None:
    if target is None:
        return None
    return {
        "counts": dict(target.counts),
        "changed": [each.as_data() for each in target.changed],
        "sums": [{**heading._asdict(), **asdict(sides)} for heading, sides in sorted(target.sums.items())],
        "tables": [asdict(each) for each in target.tables],
        "without_amount": target.without_amount,
    }


def _source_data(source: SourceView | None) -> dict[str, Any] | None:
    if source is None:
        return None
    return {
        "streams": [asdict(each) for each in source.streams],
        "findings": [each.as_data() for each in source.findings],
        "doubts": [asdict(each) for each in source.doubts],
    }
