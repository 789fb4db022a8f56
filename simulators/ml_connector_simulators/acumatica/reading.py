"""Lists, single records and inquiries (apis/acumatica.md §3)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from ml_connector_simulators.acumatica.contract import INQUIRIES, NESTED
from ml_connector_simulators.acumatica.errors import bad_query, cannot_optimize, no_entity
from ml_connector_simulators.kit import json_response

if TYPE_CHECKING:
    from starlette.responses import Response

    from ml_connector_simulators.acumatica.call import Call
    from ml_connector_simulators.acumatica.render import View
    from ml_connector_simulators.acumatica.store import Row

_ANY_CHANCE = random.SystemRandom()


def list_records(call: Call) -> Response:
    """`GET /<Entity>`: no count, no next link, all rows when no `$top` is given."""
    view = call.view()
    _optimize(call, view)
    skip, top = _whole(call, "$skip"), _whole(call, "$top")
    rows = _found(call)[skip or 0 :]
    shown = rows if top is None else rows[:top]
    return json_response([view.record(call.entity, row, number) for number, row in enumerate(shown, 1)])


def _found(call: Call) -> list[Row]:
    rows = call.site.store.rows(call.entity)
    if call.headers.get("px-apiarchive", "").upper() != "SHOW":
        rows = [row for row in rows if not row.get("_archived")]
    if text := call.query.get("$filter"):
        matcher = call.matcher()
        condition = matcher.condition(text)
        rows = [] if matcher.finds_nothing(condition) else [row for row in rows if matcher.meets(row, condition)]
    if call.site.settings.order == "shuffled":
        _ANY_CHANCE.shuffle(rows)
    return rows


def _optimize(call: Call, view: View) -> None:
    """Refuse fields of views that are code: only a list is read in one query."""
    if call.entity in INQUIRIES:
        raise cannot_optimize([(name, "Filter") for name in call.contract.fields(call.entity)])
    wrong: list[tuple[str, str]] = []
    fields = call.contract.fields(call.entity)
    for name, source in call.site.settings.unoptimized.get(call.entity, {}).items():
        known = fields.get(name)
        if known is None:
            continue
        if known.type not in NESTED:
            wrong += [(name, source)] if not view.select or name in view.select else []
        elif name in view.expand:
            inner = view.select.below(name)
            wrong += [(each, source) for each in call.contract.fields(known.shape) if not inner or each in inner]
    if wrong:
        raise cannot_optimize(wrong)


def one_record(call: Call, parts: list[str]) -> Response:
    """`GET /<Entity>/<keys>` or `/<id>`; not found is a 500."""
    return json_response(call.view().record(call.entity, located(call, parts)))


def located(call: Call, parts: list[str]) -> Row:
    """The row a URL names."""
    keys = [part for each in parts for part in each.split("|")]
    store = call.site.store
    row = store.by_id(call.entity, keys[0]) if len(keys) == 1 else None
    row = row or store.row(call.entity, "/".join(keys))
    if row is None:
        raise no_entity()
    return row


def inquiry(call: Call) -> Response:
    """`PUT /<Inquiry>?$expand=Results`: what was found."""
    view = call.view()
    (row,) = call.site.store.rows(call.entity)
    return json_response(view.record(call.entity, row))


def _whole(call: Call, name: str) -> int | None:
    text = call.query.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise bad_query(f"Invalid value '{text}' for {name}.")
    return int(text)
