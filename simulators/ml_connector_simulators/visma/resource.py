"""How one of Visma.net's resources is described."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Filter:
    """One query parameter that selects rows by a field; `a.*.b` looks into every row of the list `a`.

    With `ordered`, `<name>Condition` belongs to it, unless it is `alone`: then it means from that moment on. `allowed`
    are the only values the API knows.
    """

    name: str
    field: str
    ordered: bool = False
    allowed: tuple[str, ...] = ()
    alone: bool = False


@dataclass(frozen=True)
class Single:
    """A path of one record below its resource, and the key it stands for; without a key all rows are searched."""

    path: str
    key: str | None


@dataclass(frozen=True)
class Resource:
    """One resource of the API."""

    path: str  # spelt as the OpenAPI file spells it; any case is answered
    keys: tuple[str, ...]
    singles: tuple[Single, ...] = ()
    filters: tuple[Filter, ...] = ()
    expands: dict[str, str] = field(default_factory=dict)  # parameter → the field lists show only when it is true
    maximum: int | None = None  # the largest page; None: not paged, and paging parameters are ignored
    metadata: bool = True
    row_version: bool = False  # rows carry `timeStamp`
    modified: str | None = "lastModifiedDateTime"  # None: rows do not tell when they were modified
    after: tuple[str, ...] = ()  # what `greaterThanValue` compares; without it the parameter is ignored
    required: tuple[str, ...] = ()  # parameters without which a list is refused
    expanded: dict[str, str] = field(default_factory=dict)  # parameter → the field lists show unless it is false
    not_simulated: tuple[str, ...] = ()  # the vendor's own parameters this simulator refuses with 501

    @property
    def name(self) -> str:
        """The name edits and permissions use: the path's last part, lower case."""
        return self.path.rpartition("/")[2].lower()

    def key(self, row: dict[str, Any]) -> str:
        """The key of a row, its parts joined by `/`."""
        return "/".join(str(row[part]) for part in self.keys)
