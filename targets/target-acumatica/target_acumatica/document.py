"""A payload as one document of the contract: its header, what is linked to it, and its lists of lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from target_acumatica.contract import NOTE
from target_acumatica.values import EmptyValues, Unfit, plain, same, text, wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_acumatica.contract import Contract, Entity

    Record = Mapping[str, Any]
    Fields = dict[str, Any]

ROW = "__row__"  # tells the items of a nested list apart (maps: `__row__`)
HOLD = "Hold"
CURRENCIES = ("CurrencyID", "Currency")
NUMBER = "LineNbr"


class Difference(NamedTuple):
    """A value that the tenant shows otherwise than it was sent; one it does not show at all has `shown` False."""

    path: str
    sent: str
    live: str
    shown: bool


@dataclass(slots=True)
class Document:
    """What one effect writes, in the form of the contract."""

    entity: Entity
    contract: Contract
    header: Fields = field(default_factory=dict)
    lists: dict[str, dict[str, Fields]] = field(default_factory=dict)  # list → line → its fields

    @classmethod
    def of(
        cls, payload: Mapping[str, Any], entity: Entity, contract: Contract, empty: EmptyValues = EmptyValues.KEEP
    ) -> Document:
        """Read a payload. Raises Unfit, naming the field, for what the contract cannot hold."""
        document = cls(entity, contract)
        for name, value in payload.items():
            if name in entity.details:
                document.lists[name] = document._lines(name, value or (), empty)
            else:
                document.header |= document._fields(entity, {name: value}, empty)
        return document

    def _lines(self, name: str, items: Any, empty: EmptyValues) -> dict[str, Fields]:
        inner = self.contract.entity(self.entity.details[name])
        lines: dict[str, Fields] = {}
        for place, item in enumerate(items, 1):
            row = str(item.get(ROW) or place)
            if row in lines:
                raise Unfit(f"two lines of {name} are called {row}")
            lines[row] = self._fields(inner, {key: value for key, value in item.items() if key != ROW}, empty)
        return lines

    def _fields(self, entity: Entity, values: Mapping[str, Any], empty: EmptyValues) -> Fields:
        fields: Fields = {}
        for name, value in values.items():
            inner = self.contract.inside(entity, name)
            if inner is not None and isinstance(value, Mapping):
                if below := self._fields(inner, value, empty):
                    fields[name] = below
            elif text(value) or empty is EmptyValues.CLEAR:
                fields[name] = self._wire(entity, name, value)
        return fields

    def _wire(self, entity: Entity, name: str, value: Any) -> Any:
        kind = self.contract.kind(entity, name)
        if kind is None:
            raise Unfit(f"{name} is no field of {entity.name}")
        try:
            return wire(value if text(value) else None, kind)
        except Unfit as unfit:
            raise Unfit(f"{name}: {unfit}") from None

    # what to ask the tenant for

    @property
    def expand(self) -> list[str]:
        """What a read or a write must expand to show all of it."""
        return [*self._linked(self.header, ""), *self.lists]

    def _linked(self, fields: Mapping[str, Any], above: str) -> Iterator[str]:
        for name, value in fields.items():
            if isinstance(value, Mapping):
                yield above + name
                yield from self._linked(value, f"{above}{name}/")

    @property
    def select(self) -> list[str]:
        """What an answer must show so that it can be compared, and its lines known again."""
        inside = [f"{name}/{each}" for name in self.lists for each in self._line_fields(name)]
        return [*_leaves(self.header, ""), *inside]

    def _line_fields(self, name: str) -> list[str]:
        known = self.contract.entity(self.entity.details[name]).fields
        sent = [each for line in self.lists[name].values() for each in line]
        number = [NUMBER] if NUMBER in known else []
        return list(dict.fromkeys([*number, *sent])) or list(known)[:1]

    @property
    def size(self) -> int:
        """How many lines it has."""
        return sum(len(lines) for lines in self.lists.values())

    # comparing

    def header_differences(self, live: Record) -> list[Difference]:
        """Return where the header differs from a live record."""
        return list(self._differences(self.entity, self.header, live, ""))

    def line_differences(self, name: str, row: str, live: Record) -> list[Difference]:
        """Return where one line differs from a live one."""
        inner = self.contract.entity(self.entity.details[name])
        return list(self._differences(inner, self.lists[name][row], live, f"{name}.{row}."))

    def _differences(self, entity: Entity, fields: Mapping[str, Any], live: Record, above: str) -> Iterator[Difference]:
        for name, value in fields.items():
            inner = self.contract.inside(entity, name)
            if inner is not None and isinstance(value, Mapping):
                yield from self._differences(inner, value, live.get(name) or {}, f"{above}{name}.")
                continue
            shown = name in live
            told = plain(live, name)
            if not shown or not same(value, told, self.contract.kind(entity, name) or "", name):
                yield Difference(above + name, text(value), _shown(told), shown)

    def values(self, live: Record) -> dict[str, str]:
        """Return the plain header fields of a live record as texts."""
        return {name: _shown(plain(live, name)) for name in (*self.entity.fields, NOTE) if name in live}


def _leaves(fields: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}/")
        else:
            yield above + name


def _shown(value: Any) -> str:
    try:
        return text(value)
    except Unfit:
        return ""
