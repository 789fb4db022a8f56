"""What every form has: defaults, derived fields, checks, actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ml_connector_simulators.acumatica.settings import Settings
    from ml_connector_simulators.acumatica.store import Row, Store

Path = tuple[str | int, ...]
Action = Callable[["Desk", "Row"], "Row"]


@dataclass
class Desk:
    """What a form sees of its surroundings, and the errors it finds."""

    store: Store
    settings: Settings
    today: date
    branch: str
    problems: list[tuple[Path, str]] = field(default_factory=list)

    def complain(self, message: str, *path: str | int) -> None:
        """Note an error on a field, a detail row or, without a path, the entity."""
        self.problems.append((path, message))


@dataclass(frozen=True)
class Rule:
    """One form; the plain one keeps what it is given."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    derived: frozenset[str] = frozenset()  # header fields the form computes: what is sent is dropped without a word
    derived_rows: Mapping[str, frozenset[str]] = field(default_factory=dict)
    row_keys: Mapping[str, str] = field(default_factory=dict)  # detail list → the field that names a row in it
    required: tuple[str, ...] = ()
    types: tuple[str, ...] = ()  # the labels of its Type; a code is refused
    series: Callable[[Row], str] | None = None  # auto-numbering: the series of a new row
    number: str = ""  # the field that takes the number
    number_if: str = ""  # the setting that turns numbering on; without it numbering is on
    template: str = "{:06d}"
    complete: Callable[[Desk, Row, Row | None], None] = lambda _desk, _row, _old: None  # defaults and sums
    check: Callable[[Desk, Row, Row | None], None] = lambda _desk, _row, _old: None
    locked: Callable[[Row], str | None] = lambda _row: None  # why a row cannot be edited
    actions: Mapping[str, Action] = field(default_factory=dict)  # by name in lower case
    long: frozenset[str] = frozenset()  # the actions that run as long operations

    def numbers(self, settings: Settings) -> bool:
        """Whether a new row takes the next number of its series, whatever was sent."""
        return self.series is not None and (not self.number_if or bool(getattr(settings, self.number_if)))
