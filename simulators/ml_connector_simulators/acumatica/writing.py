"""PUT: an upsert through the form, and DELETE (apis/acumatica.md §5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from ml_connector_simulators.acumatica.contract import ENTITIES, NESTED, SHAPES
from ml_connector_simulators.acumatica.errors import failure, no_entity, refused, unprocessable
from ml_connector_simulators.acumatica.incoming import Incoming, parse
from ml_connector_simulators.acumatica.merging import merged, pruned
from ml_connector_simulators.acumatica.reading import located
from ml_connector_simulators.acumatica.render import Tree, View
from ml_connector_simulators.acumatica.rules.references import check_references
from ml_connector_simulators.acumatica.rules.table import RULES
from ml_connector_simulators.acumatica.store import key_of
from ml_connector_simulators.acumatica.times import stamp
from ml_connector_simulators.kit import json_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector_simulators.acumatica.call import Call
    from ml_connector_simulators.acumatica.rules.rule import Desk, Rule
    from ml_connector_simulators.acumatica.store import Row

NEW = "<NEW>"


def put(call: Call) -> Response:
    """`PUT /<Entity>`."""
    sent = Incoming(call.contract, call.site.settings).read(call.entity, parse(call.body))
    view = call.view()
    with call.site.store.change():
        rule = RULES[call.entity]
        old = _target(call, rule, sent)
        _require(call, old)
        row = _written(call, rule, old, sent)
    return json_response(_answer_view(call, view, sent).record(call.entity, row))


def delete(call: Call, parts: list[str]) -> Response:
    """`DELETE /<Entity>/<keys>` or `/<id>`."""
    with call.site.store.change():
        row = located(call, parts)
        if reason := RULES[call.entity].locked(row):
            raise failure(reason)
        call.site.store.remove(call.entity, key_of(call.entity, row))
    return Response(status_code=204)


def _target(call: Call, rule: Rule, sent: Row) -> Row | None:
    """The row that is meant: by id, by `$filter`, by its key fields; None for a new one."""
    store = call.site.store
    if identity := sent.get("id"):
        row = store.by_id(call.entity, identity)
        if row is None and "if-match" not in call.headers:
            raise no_entity()
        return row
    if text := call.query.get("$filter"):
        matcher = call.matcher()
        condition = matcher.condition(text)
        found = [row for row in store.rows(call.entity) if matcher.meets(row, condition)]
        if len(found) > 1:
            raise failure("More than one entity satisfies the condition.")
        return found[0] if found else None
    keys = {name: sent.get(name) or rule.defaults.get(name) for name in ENTITIES[call.entity].keys}
    return store.row(call.entity, key_of(call.entity, keys)) if all(keys.values()) else None


def _require(call: Call, old: Row | None) -> None:
    """Refuse what the `If-…` headers do not want: 412."""
    if call.headers.get("if-none-match") == "*" and old is not None:
        raise refused(412, "The record already exists.")
    if call.headers.get("if-match") == "*" and old is None:
        raise refused(412, "The record does not exist.")


def _written(call: Call, rule: Rule, old: Row | None, sent: Row) -> Row:
    row = merged(call.entity, rule, old, sent, call.view().row_id)
    if old is not None:
        if pruned(row) == pruned(old):  # values equal to the stored ones are skipped
            return old
        if reason := rule.locked(old):
            raise failure(reason)
    elif rule.numbers(call.site.settings):
        _unnumber(call, rule, row)
    desk = call.desk()
    rule.complete(desk, row, old)
    _check(call, desk, rule, row, old)
    if desk.problems:
        raise unprocessable(_echo(call, desk, row, sent, old))
    if old is not None and pruned(row) == pruned(old):
        return old
    _save(call, rule, row, old)
    return row


def _unnumber(call: Call, rule: Rule, row: Row) -> None:
    """A new row's number is the server's, whatever was sent."""
    if row.get(rule.number) not in (None, NEW) and call.site.settings.unknown_number == "refuse":
        raise no_entity()
    row[rule.number] = None


def _check(call: Call, desk: Desk, rule: Rule, row: Row, old: Row | None) -> None:
    given = rule.number if old is None and rule.numbers(desk.settings) else None
    for name in rule.required:
        if not row.get(name) and name != given:
            desk.complain(f"'{name}' cannot be empty.", name)
    if rule.types and row.get("Type") not in rule.types:
        desk.complain(f"'{row.get('Type')}' is not one of {', '.join(rule.types)}.", "Type")
    check_references(desk, call.entity, row, old)
    rule.check(desk, row, old)


def _save(call: Call, rule: Rule, row: Row, old: Row | None) -> None:
    store = call.site.store
    if old is None and rule.series is not None and rule.numbers(call.site.settings):
        row[rule.number] = rule.template.format(store.next_number(rule.series(row), 0))
        for line in row.get("Details") or []:
            if rule.number in line and call.entity == "PurchaseOrder":
                line[rule.number] = row[rule.number]
    touch(call.entity, row, stamp(call.site.clock.now()), new=old is None)
    store.put(call.entity, row, was=key_of(call.entity, old) if old else None)


def touch(entity: str, row: Row, now: str, *, new: bool = False) -> None:
    """Move the stamps of a row that changed."""
    for known in SHAPES[entity].all_fields:
        if known.is_stamp and (new or known.name.startswith("LastModified")):
            row[known.name] = now


def _answer_view(call: Call, view: View, sent: Row) -> View:
    """The fields sent, and those asked for; or all, as recordings show."""
    if call.site.settings.put_answers == "all":
        return view
    fields = call.contract.fields(call.entity)
    names = [name for name in sent if name in fields and fields[name].type not in NESTED]
    return replace(view, select=Tree.of([*names, *_below(call, view, sent), *call.query.get("$select", "").split(",")]))


def _below(call: Call, view: View, sent: Row) -> Iterator[str]:
    """What is asked of expanded entities: all of one nothing more is said about."""
    for name in view.expand.children:
        wanted = view.select.below(name)
        if not wanted:
            yield name
            continue
        known = call.contract.fields(call.entity)[name]
        rows = sent.get(name) or []
        for row in rows if isinstance(rows, list) else [rows]:
            yield from (f"{name}/{each}" for each in row if each in call.contract.fields(known.shape))


def _echo(call: Call, desk: Desk, row: Row, sent: Row, old: Row | None) -> Row:
    """The entity as it was sent, with an `error` wherever one was found."""
    rule = RULES[call.entity]
    paths = [*_paths(sent), *("/".join(p for p in path if isinstance(p, str)) for path, _ in desk.problems if path)]
    nested = [path.rpartition("/")[0] for path in paths if "/" in path]
    number = [rule.number] if rule.number else []
    view = replace(call.view(), select=Tree.of([*paths, *number]), expand=Tree.of(nested), custom=Tree())
    shown = view.record(call.entity, row)
    if old is None and rule.numbers(desk.settings):
        shown[rule.number] = {"value": NEW}
    verb = "Inserting " if old is None else "Updating "
    shown["error"] = f"{verb} '{call.entity}' record raised at least one error. Please review the errors."
    for path, message in desk.problems:
        _mark(shown, path, message)
    return shown


def _paths(sent: Row, prefix: str = "") -> Iterator[str]:
    for name, value in sent.items():
        if name in ("id", "note", "custom", "delete"):
            continue
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{name}/")
        elif isinstance(value, list):
            for each in value:
                yield from _paths(each, f"{prefix}{name}/")
        else:
            yield prefix + name


def _mark(shown: Row, path: tuple[str | int, ...], message: str) -> None:
    place: Any = shown
    for part in path:
        place = place[part] if isinstance(part, int) else place.setdefault(part, {})
    place["error"] = message if not path else f"{place.get('error', '')} {message}".strip()
