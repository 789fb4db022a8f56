"""Laying what was sent over what is stored (apis/acumatica.md §5 Writing)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ml_connector_simulators.acumatica.contract import SHAPES
from ml_connector_simulators.acumatica.errors import no_entity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector_simulators.acumatica.contract import Field
    from ml_connector_simulators.acumatica.rules.rule import Rule
    from ml_connector_simulators.acumatica.store import Row

    RowId = Callable[[Field, Row, int, Row], str]


def merged(entity: str, rule: Rule, old: Row | None, sent: Row, row_id: RowId) -> Row:
    """The stored row with what was sent over it; what the form computes stays as it is."""
    kept = {name: value for name, value in sent.items() if name not in rule.derived and name != "delete"}
    row = _over(entity, old or {"id": str(uuid4()), "note": ""}, kept)
    for known in SHAPES[entity].all_fields:
        if known.type == "rows" and known.name in kept:
            lines = _Lines(known, rule, old or row, row_id)
            row[known.name] = lines.merge((old or {}).get(known.name) or [], sent[known.name])
    return row


def pruned(value: Any) -> Any:
    """A value without what is empty, to compare by."""
    if isinstance(value, dict):
        shorter = {name: pruned(each) for name, each in value.items()}
        return {name: each for name, each in shorter.items() if each not in (None, "", {}, [])}
    return [pruned(each) for each in value] if isinstance(value, list) else value


def _over(shape: str, old: Row, sent: Mapping[str, Any]) -> Row:
    row = dict(old)
    links = {each.name: each.shape for each in SHAPES[shape].all_fields if each.type == "link"}
    for name, value in sent.items():
        if name in links:
            row[name] = _over(links[name], old.get(name) or {}, value)
        elif name == "custom":
            kept = dict(old.get("custom") or {})
            row[name] = kept | {view: kept.get(view, {}) | fields for view, fields in value.items()}
        elif name not in ("id", "delete"):
            row[name] = value
    return row


class _Lines:
    """One detail list: a row without id or key is appended, whatever is like it already."""

    def __init__(self, known: Field, rule: Rule, parent: Row, row_id: RowId) -> None:
        self._known = known
        self._derived = rule.derived_rows.get(known.name, frozenset())
        self._key = rule.row_keys.get(known.name)
        self._parent = parent
        self._row_id = row_id

    def merge(self, old: list[Row], sent: list[Row]) -> list[Row]:
        lines: list[Row | None] = [dict(line) for line in old]
        ids = [self._row_id(self._known, self._parent, at, line) for at, line in enumerate(old, 1)]
        for each in sent:
            kept = {name: value for name, value in each.items() if name not in self._derived}
            place = self._find(old, ids, each)
            if place is None:
                lines.append(_over(self._known.shape, {"id": str(uuid4()), "note": ""}, kept))
            elif each.get("delete"):
                lines[place] = None
            elif lines[place] is not None:
                lines[place] = _over(self._known.shape, lines[place] or {}, kept)
        return [line for line in lines if line is not None]

    def _find(self, old: list[Row], ids: list[str], sent: Row) -> int | None:
        """The line that is meant, by its id or by its key field; an id of no line is refused."""
        if wanted := sent.get("id"):
            if wanted not in ids:
                raise no_entity()
            return ids.index(wanted)
        if self._key is None or sent.get(self._key) is None:
            return None
        return next((at for at, line in enumerate(old) if line.get(self._key or "") == sent[self._key]), None)
