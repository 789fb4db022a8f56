"""What the target holds, put beside the books: from the lines that a target's `--reread` tells."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.reading import Found, is_number
from ml_connector.reconcile.ledger import Heading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

OWN_FORM = "it differs in every row: the target keeps it in a form of its own"
"""Why a column is not held against the target that differs everywhere from the first day on."""

_FEWEST = 10  # rows before 'everywhere' means anything


@dataclass(frozen=True, slots=True)
class Changed:
    """A delivered record that the target does not hold as it confirmed it."""

    business_key: str
    company: str
    record_type: str
    title: str
    result: str  # differs, missing, unreadable
    amount: str | None  # what we say
    currency: str | None
    live_amount: str | None  # what the target holds, signed as ours
    rows: list[dict[str, Any]]

    @property
    def words(self) -> str:
        """What was found, for people: rows that are missing are not the whole record."""
        whole = self.result != Found.MISSING or any(map(_is_lost_head, self.rows))
        return self.result if whole else "rows missing"

    @property
    def step(self) -> str:
        """The next command to type."""
        if self.result == Found.UNREADABLE:
            return "ml-connector ping"
        return f"ml-connector trace {self.business_key}"

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {**asdict(self), "words": self.words, "next": self.step}


@dataclass(slots=True)
class Sides:
    """A sum as the books have it and as the target has it, over the records whose amount it shows."""

    count: int = 0
    ours: Decimal = Decimal(0)
    theirs: Decimal = Decimal(0)


@dataclass(slots=True)
class TableView:
    """What was compared in one table."""

    sent_to: str
    read_in: str
    rows: int
    compared: list[str]
    left_out: dict[str, str]


@dataclass(slots=True)
class TargetView:
    """The outcome of a re-read."""

    counts: Counter[str] = field(default_factory=Counter)  # by result
    changed: list[Changed] = field(default_factory=list)
    sums: dict[Heading, Sides] = field(default_factory=lambda: defaultdict(Sides))
    tables: list[TableView] = field(default_factory=list)
    without_amount: int = 0  # documents whose total the target does not show

    @property
    def differs(self) -> bool:
        """Whether the target holds something else than it confirmed."""
        return bool(self.counts[Found.DIFFERS] or self.counts[Found.MISSING])

    def take(self, told: Sequence[Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]]) -> None:
        """Add what one pipeline's target told; `known` are the books' records by business key."""
        tables = [line for line in told if "table" in line]
        own_form = _own_form(told, tables)
        for line in tables:
            self._describe(line, {name for table, name in own_form if table == line["table"]})
        for line in (line for line in told if "record" in line):
            self._enter(line, own_form, known[line["record"]])

    def _describe(self, line: Mapping[str, Any], own_form: set[str]) -> None:
        """Note what was compared in a table; several pipelines may end in it."""
        place = line["table"], line["read_in"]
        known = {(each.sent_to, each.read_in): each for each in self.tables}
        if place not in known:
            self.tables.append(TableView(*place, 0, [], {}))
            known[place] = self.tables[-1]
        table = known[place]
        table.rows += line["rows"]
        table.compared = sorted({*table.compared, *line["compared"]} - own_form)
        table.left_out |= {**line["left_out"], **dict.fromkeys(own_form, OWN_FORM)}
        table.left_out = {name: why for name, why in table.left_out.items() if name not in table.compared}

    def _enter(self, line: Mapping[str, Any], own_form: set[tuple[str, str]], row: Mapping[str, Any]) -> None:
        rows = [_without(each, own_form) for each in (*line["rows"], *_other_currency(line, row))]
        rows = _telling([each for each in rows if each["result"] != Found.EQUAL])
        result = line["result"] if line["result"] in (Found.MISSING, Found.UNREADABLE) else Found.EQUAL
        result = Found.DIFFERS if rows and result == Found.EQUAL else result
        self.counts[result] += 1
        live = self._sum(line, row)
        if result != Found.EQUAL:
            names = ("business_key", "company", "record_type", "title", "amount", "currency")
            facts = {name: row[name] for name in names}
            self.changed.append(Changed(**facts, result=result, live_amount=live, rows=rows))

    def _sum(self, line: Mapping[str, Any], row: Mapping[str, Any]) -> str | None:
        """Add a document's amount on both sides; a missing one holds nothing. Return the live one, signed as ours."""
        if row["amount"] is None or not row["currency"]:
            return None
        ours = Decimal(row["amount"])
        if any(map(_is_lost_head, line["rows"])) or list(_other_currency(line, row)):
            live = Decimal(0)
        elif line["amount"] is None:
            self.without_amount += 1
            return None
        else:
            live = Decimal(line["amount"])  # a credit note's may stand there without its sign
            live = -live if ours < 0 < live else live
        sides = self.sums[Heading(row["company"], row["record_type"], row["currency"])]
        sides.count, sides.ours, sides.theirs = sides.count + 1, sides.ours + ours, sides.theirs + live
        return str(live)


def _other_currency(line: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row that says so when the target holds a document's total in another currency: it is not ours to sum."""
    if line["currency"] and row["currency"] and line["currency"] != row["currency"]:
        place = {"name": "total", "table": "the target", "sent_to": "", "result": Found.DIFFERS, "message": ""}
        yield {**place, "differences": {"currency": [row["currency"], line["currency"]]}}


def _is_lost_head(row: Mapping[str, Any]) -> bool:
    """Say whether a row is the missing one that stands for the whole record."""
    return ":" not in row["name"] and bool(row["result"] == Found.MISSING)


def _telling(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows worth telling: that lines have lost their header goes without saying when it is missing."""
    return [row for row in rows if row["result"] == Found.MISSING] if any(map(_is_lost_head, rows)) else rows


def _own_form(told: Iterable[Mapping[str, Any]], tables: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Return the columns that differ in every row and are no number: that is the target's doing, not somebody's."""
    differ: Counter[tuple[str, str]] = Counter()
    for row in (row for line in told if "record" in line for row in line["rows"]):
        differ.update(
            (row["sent_to"], name)
            for name, (sent, live) in row["differences"].items()
            if not (is_number(sent) and is_number(live))
        )
    compared = {(line["table"], name): count for line in tables for name, count in line["compared"].items()}
    return {place for place, count in differ.items() if count >= _FEWEST and count == compared[place]}


def _without(row: Mapping[str, Any], own_form: set[tuple[str, str]]) -> dict[str, Any]:
    kept = {name: each for name, each in row["differences"].items() if (row["sent_to"], name) not in own_form}
    result = Found.EQUAL if row["differences"] and not kept else row["result"]
    return {**row, "differences": kept, "result": result}
