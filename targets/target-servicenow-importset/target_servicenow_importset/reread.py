"""Delivered rows read again in the tables they ended in, through the transform maps that put them there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.delivery.reading import TWICE, Found, Reading, is_number
from ml_connector.errors import Forbidden

from target_servicenow_importset.settle import grouped
from target_servicenow_importset.transforms import Entry
from target_servicenow_importset.values import same

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ml_connector.delivery.sink import Effect, Key, Row
    from ml_connector.vendors.servicenow.dictionary import Column, Dictionary, Table
    from ml_connector.vendors.servicenow.reader import Reader

    from target_servicenow_importset.rows import Rows
    from target_servicenow_importset.transforms import Transforms

FX = "currency2"  # an amount with its currency, reached behind a dot (apis/servicenow.md §2.6)
CONVERTED = frozenset({"currency", "price"})  # shown in the account's own currency: reading it is wrong for finance
DATES = frozenset({"glide_date", "glide_date_time", "due_date", "date", "datetime"})
CODED = frozenset({"reference", "choice"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of one table are found again."""

    table: Table
    entries: tuple[Entry, ...]
    keys: dict[str, str]  # column that was sent → column to look up by
    empty_too: bool  # whether an empty value that was sent empties the column


@dataclass(slots=True)
class _Shown:
    """What one live row shows of one sent row."""

    place: Place
    row: Row
    differences: dict[str, tuple[str, str]] = field(default_factory=dict)
    compared: dict[str, None] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    amounts: dict[str, tuple[str, str]] = field(default_factory=dict)

    def compare(self, name: str, sent: str, entry: Entry) -> None:
        """Compare one sent value with the column it was copied into."""
        column = next(iter(self.place.table.find(entry.target)), None)
        fields = _fields(self.place.table, entry)
        if not sent and not self.place.empty_too:
            self.left_out[name] = "it was empty, which leaves the field as it is"
        elif column is None or not fields:
            self.left_out[name] = _why(column)
        elif fields[0] not in self.row:
            self.left_out[name] = "the account may not read it"
        elif column.type in CODED and not self.row[fields[0]] and not entry.rejects:
            self.left_out[name] = "the instance does not know the code and left it out"
        else:
            self._believe(name, sent, column, fields)

    def _believe(self, name: str, sent: str, column: Column, fields: Sequence[str]) -> None:
        live = self.row[fields[0]]
        if is_number(live):
            self.amounts[name] = (live, self.row.get(fields[1], "") if column.type == FX else "")
        self.compared[name] = None
        if not _same(sent, live, column):
            self.differences[name] = (sent, live)


@dataclass(slots=True)
class Rereader:
    """Compares rows with the instance, without writing."""

    reader: Reader
    dictionary: Dictionary
    rows: Rows
    transforms: Transforms

    def reread(self, effects: Iterable[Effect]) -> Iterator[Reading]:
        """Yield what the instance shows now of each row."""
        for (table, _), members in grouped(effects, lambda effect: (effect.table, effect.via)).items():
            try:
                place = self._place(members[0])
                live = self._live(place, members)
            except Forbidden as error:
                yield from (Reading.unreadable(effect, table, error) for effect in members)
                continue
            yield from (self._reading(effect, place, live.get(effect.id, [])) for effect in members)

    def _place(self, effect: Effect) -> Place:
        """Return where a table's rows end; raises Forbidden where no transform map tells."""
        columns = self.rows.key_columns(effect)
        if effect.via == "table":
            table = self.rows.table(effect)
            names = (table.column(name).element for name in {**effect.payload, **effect.key})
            entries = tuple(Entry(name, name, "", rejects=True) for name in names)
            return Place(table, entries, dict(zip(columns, columns, strict=True)), empty_too=True)
        maps = self.transforms.of(effect.table)
        transform = next((it for it in maps if set(columns) <= it.coalesce.keys()), None)
        if transform is None:
            raise Forbidden(f"no transform map of {effect.table} tells which row of the target table has this key")
        keys = {column: transform.coalesce[column] for column in columns}
        return Place(self.dictionary.table(transform.target), transform.entries, keys, empty_too=False)

    def _live(self, place: Place, effects: Sequence[Effect]) -> dict[int, list[Row]]:
        """Return the live rows of each effect, by the id the instance gave it, else by its key."""
        wanted = [field for entry in place.entries for field in _fields(place.table, entry)]
        named = [(effect.target_id,) for effect in effects if effect.target_id]
        by_id = self.reader.lookup(place.table.name, ["sys_id"], named, (), wanted) if named else {}
        keys = {effect.id: self.rows.key(effect) for effect in effects}
        lost = [keys[effect.id] for effect in effects if (effect.target_id or "",) not in by_id]
        columns = list(place.keys.values())
        by_key: dict[Key, list[Row]] = self.reader.lookup(place.table.name, columns, lost, (), wanted) if lost else {}
        return {
            effect.id: by_id.get((effect.target_id or "",)) or by_key.get(keys[effect.id], []) for effect in effects
        }

    def _reading(self, effect: Effect, place: Place, rows: Sequence[Row]) -> Reading:
        if len(rows) != 1:
            found = Found.DIFFERS if rows else Found.MISSING
            return Reading(effect, found, place.table.name, message=TWICE if rows else "")
        shown = self._shown(effect, place, rows[0])
        found = Found.DIFFERS if shown.differences else Found.EQUAL
        name = place.table.name
        return Reading(effect, found, name, shown.differences, tuple(shown.compared), shown.left_out, shown.amounts)

    def _shown(self, effect: Effect, place: Place, row: Row) -> _Shown:
        """Compare one sent row with the live one; a column that goes to several places may be compared in any."""
        names = {self.rows.table(effect).column(name).element: name for name in {**effect.payload, **effect.key}}
        shown = _Shown(place, row)
        for element, sent in self.rows.plain(effect).items():
            for entry in (each for each in place.entries if each.source == element):
                shown.compare(names[element], sent, entry)
            if names[element] not in shown.compared:
                shown.left_out.setdefault(names[element], "no transform map copies it as it is")
        shown.left_out = {name: why for name, why in shown.left_out.items() if name not in shown.compared}
        return shown


def _fields(table: Table, entry: Entry) -> list[str]:
    """Return the fields to ask for so that one column can be compared."""
    column = next(iter(table.find(entry.target)), None)
    if column is None or column.type in CONVERTED:
        return []
    if column.type == FX:
        return [f"{entry.target}.amount", f"{entry.target}.currency"]
    if column.type == "reference":
        return [f"{entry.target}.{entry.by}"] if entry.by else []
    return [entry.target]


def _why(column: Column | None) -> str:
    if column is None:
        return "no transform map copies it as it is"
    if column.type in CONVERTED:
        return "the instance shows it in the account's own currency"
    return "a reference; the transform map does not say by which column it was found"


def _same(sent: str, live: str, column: Column) -> bool:
    """Say whether a live value is the sent one, given how the platform writes its type."""
    amount = sent.rpartition(";")[2] if column.type == FX else sent
    if same(amount, live, column):
        return True
    if column.type in DATES:
        return bool(sent) and live.startswith(sent)
    if column.type in ("boolean", "choice"):
        return _folded(sent) == _folded(live)
    return False


def _folded(text: str) -> str:
    return text.strip().casefold().replace(" ", "_")
