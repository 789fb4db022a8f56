"""Actions: done at once, or long operations that are asked after (apis/acumatica.md §5 Actions)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.responses import Response

from ml_connector_simulators.acumatica.contract import SHAPES
from ml_connector_simulators.acumatica.errors import Refused, failure, no_entity, refused
from ml_connector_simulators.acumatica.incoming import Incoming, parse
from ml_connector_simulators.acumatica.rules.table import RULES
from ml_connector_simulators.acumatica.store import key_of
from ml_connector_simulators.acumatica.times import stamp
from ml_connector_simulators.acumatica.writing import touch

if TYPE_CHECKING:
    from ml_connector_simulators.acumatica.call import Call
    from ml_connector_simulators.acumatica.store import Row


@dataclass
class Operation:
    """A long operation: it ends when it was asked after often enough, or by itself."""

    call: Call
    key: str
    action: str
    polls: int
    ends: datetime
    failed: Refused | None = None
    done: bool = False


class Actions:
    """Runs the actions of all entities."""

    def __init__(self) -> None:
        self._operations: dict[str, Operation] = {}

    def invoke(self, call: Call, name: str) -> Response:
        """`POST /<Entity>/<Action>`."""
        rule = RULES[call.entity]
        if name.lower() not in rule.actions:
            raise refused(404, f"No action {name} of {call.entity}.")
        body = parse(call.body, "invocation")
        if not isinstance(body.get("entity"), dict):
            raise refused(400, "The entity is missing.")
        row = _meant(call, Incoming(call.contract, call.site.settings).read(call.entity, body["entity"]))
        if name.lower() not in rule.long or not call.site.settings.operation_polls:
            _run(call, key_of(call.entity, row), name)
            links = {"Location": f"{call.root}/{call.entity}/{row['id']}"}
            return Response(status_code=204, headers=links if call.site.settings.location_on_done else None)
        return self._started(call, key_of(call.entity, row), name)

    def status(self, call: Call, name: str, identity: str) -> Response:
        """`GET /<Entity>/<Action>/status/<guid>`: 202 while it runs, then 204."""
        operation = self._operations.get(identity)
        if operation is None or operation.action != name:
            raise refused(404)
        operation.polls -= 1
        if operation.polls >= 0 and operation.ends > call.site.clock.now():
            return Response(status_code=202)
        self._end(operation, identity)
        if operation.failed:
            raise operation.failed
        return Response(status_code=204)

    def wait_for_none(self, call: Call) -> None:
        """Refuse a form's requests while the same session's operation runs there."""
        form = SHAPES[call.entity].form
        identity = call.session.busy.get(form)
        operation = self._operations.get(identity or "")
        if identity is None or operation is None:
            return
        if operation.ends > call.site.clock.now():
            raise failure("The previous operation has not been completed yet.")
        self._end(operation, identity)

    def _started(self, call: Call, key: str, name: str) -> Response:
        settings, identity = call.site.settings, str(uuid4())
        ends = call.site.clock.now() + timedelta(seconds=settings.operation_seconds)
        self._operations[identity] = Operation(call, key, name, settings.operation_polls, ends)
        call.session.busy[SHAPES[call.entity].form] = identity
        location = f"{call.root}/{call.entity}/{name}/status/{identity}"
        return Response(status_code=202, headers={"Location": location})

    def _end(self, operation: Operation, identity: str) -> None:
        if operation.done:
            return
        operation.done = True
        form = SHAPES[operation.call.entity].form
        if operation.call.session.busy.get(form) == identity:
            del operation.call.session.busy[form]
        try:
            _run(operation.call, operation.key, operation.action)
        except Refused as error:
            operation.failed = error


def _meant(call: Call, sent: Row) -> Row:
    store, rule = call.site.store, RULES[call.entity]
    if sent.get("id"):
        row = store.by_id(call.entity, sent["id"])
    else:
        keys = {name: sent.get(name) or rule.defaults.get(name) for name in SHAPES[call.entity].keys}
        row = store.row(call.entity, key_of(call.entity, keys))
    if row is None:
        raise no_entity()
    return row


def _run(call: Call, key: str, name: str) -> None:
    with call.site.store.change():
        row = call.site.store.row(call.entity, key)
        if row is None:
            raise no_entity()
        changed = dict(RULES[call.entity].actions[name.lower()](call.desk(), row))
        touch(call.entity, changed, stamp(call.site.clock.now()))
        call.site.store.put(call.entity, changed)
