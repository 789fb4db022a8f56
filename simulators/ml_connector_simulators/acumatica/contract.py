"""The contract of the endpoint Default: which entities, fields and types each version knows (apis/acumatica.md §4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ENDPOINT = "Default"
VERSIONS: Mapping[str, int] = MappingProxyType({"22.200.001": 22, "23.200.001": 23, "24.200.001": 24})
NESTED = ("link", "rows")
INQUIRIES = frozenset({"CompaniesStructure"})  # read by PUT (apis/acumatica.md §3)
_MARKED = re.compile(r"(?P<name>\w+)(?::(?P<shape>\w+))?(?:@(?P<since>\d+))?(?:-(?P<until>\d+))?")
_NEWEST = 99


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its type, or the shape of what is linked or listed under it."""

    name: str
    type: str  # str dec dt bool int short long guid, or link and rows
    shape: str = ""
    since: int = 0
    until: int = _NEWEST

    @property
    def is_stamp(self) -> bool:
        """Whether a dt field holds a moment; all others hold a day."""
        return self.type == "dt" and self.name.startswith(("LastModified", "Created"))


@dataclass
class Shape:
    """An entity, or what is linked to one or listed in one."""

    name: str
    form: str = ""
    keys: tuple[str, ...] = ()
    actions: list[str] = field(default_factory=list)
    all_fields: list[Field] = field(default_factory=list)

    def fields(self, version: int) -> dict[str, Field]:
        """The fields a version of the endpoint knows, by name."""
        known = sorted(self.all_fields, key=lambda each: each.name)
        return {each.name: each for each in known if each.since <= version <= each.until}

    @property
    def modified(self) -> str | None:
        """The field that tells when a row was last changed."""
        names = {each.name for each in self.all_fields}
        return next((name for name in ("LastModifiedDateTime", "LastModified") if name in names), None)


@dataclass(frozen=True)
class Contract:
    """One version of the endpoint."""

    version: str
    shapes: Mapping[str, Mapping[str, Field]]

    def fields(self, shape: str) -> Mapping[str, Field]:
        """The fields of a shape."""
        return self.shapes[shape]


def _parse(lines: Iterable[str]) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {}
    current = Shape("")
    for line in lines:
        kind, *words = line.split()
        if kind == "entity":
            current = shapes[words[0]] = Shape(words[0], words[1], tuple(words[2:]))
        elif kind == "shape":
            current = shapes[words[0]] = Shape(words[0])
        elif kind == "actions":
            current.actions += words
        elif kind != "#":
            current.all_fields += [_field(kind, word) for word in words]
    return shapes


def _field(kind: str, word: str) -> Field:
    found = _MARKED.fullmatch(word)
    if found is None:
        raise ValueError(f"contract.txt: {word}")
    since, until = int(found["since"] or 0), int(found["until"] or _NEWEST)
    return Field(found["name"], kind, found["shape"] or "", since, until)


SHAPES: Mapping[str, Shape] = MappingProxyType(
    _parse((files(__package__) / "contract.txt").read_text("utf-8").splitlines())
)
ENTITIES: Mapping[str, Shape] = MappingProxyType({name: shape for name, shape in SHAPES.items() if shape.form})
CONTRACTS: Mapping[str, Contract] = MappingProxyType(
    {
        text: Contract(text, MappingProxyType({name: shape.fields(version) for name, shape in SHAPES.items()}))
        for text, version in VERSIONS.items()
    }
)
