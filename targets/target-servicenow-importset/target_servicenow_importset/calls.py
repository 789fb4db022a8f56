"""Single writes, sent one by one or many in a Batch call, each with an answer of its own (apis/servicenow.md §4)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from ml_connector.delivery.answers import failed
from ml_connector.errors import BadAnswer, ConfigError, ConnectorError, Forbidden, InDoubt, RecordError
from ml_connector.http import Consequence
from ml_connector.http.retry_after import retry_after
from ml_connector.vendors.servicenow.errors import fault, judge
from requests.structures import CaseInsensitiveDict

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from ml_connector.delivery.sink import Effect, Outcome
    from ml_connector.http import Client, Reply

BATCH = "/api/now/v1/batch"
JSON_HEADERS = [{"name": "Content-Type", "value": "application/json"}, {"name": "Accept", "value": "application/json"}]
TURNED_AWAY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})  # surely not carried out
STOPPERS = (BadAnswer, ConfigError, Forbidden)


@dataclass(frozen=True, slots=True)
class Call:
    """One write and how its answer is read."""

    effect: Effect
    method: str
    path: str
    body: dict[str, str]
    read: Callable[[Effect, Any], Outcome]


class Caller:
    """Sends calls. Raises what stops the whole run; what befalls one row is its outcome."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def one(self, call: Call) -> Iterator[Outcome]:
        """Send one write by itself."""
        try:
            reply = self._client.request(call.method, call.path, json=call.body)
        except (RecordError, InDoubt) as error:
            yield failed(call.effect, error)
        except (BadAnswer, Forbidden) as error:
            # A POST may answer 403 although the row was written (KB2697679), so the row is looked up.
            yield failed(call.effect, error)
            raise
        else:
            yield self._told(call.read(call.effect, reply.json()), reply, reply.status)

    def probe_batch(self) -> None:
        """Make a batch of one small read. Raises Forbidden or ConfigError when the Batch API may not be used."""
        read = {
            "id": "1",
            "method": "GET",
            "url": "/api/now/table/sys_properties?sysparm_limit=1&sysparm_fields=sys_id",
        }
        envelope = {"batch_request_id": "1", "rest_requests": [{**read, "headers": JSON_HEADERS}]}
        self._client.request("POST", BATCH, json=envelope, safe=True)

    def batch(self, calls: Sequence[Call]) -> Iterator[Outcome]:
        """Send writes together; what the instance says it did not service is sent again, nothing else is."""
        waiting = {str(number): call for number, call in enumerate(calls, 1)}
        while waiting:
            try:
                reply = self._client.request("POST", BATCH, json=_envelope(waiting))
            except InDoubt as error:
                yield from (failed(call.effect, error) for call in waiting.values())
                return
            except BadAnswer as error:
                yield from (failed(call.effect, error) for call in waiting.values())
                raise
            except RecordError as error:
                yield from self._halves(list(waiting.values()), error)
                return
            before = len(waiting)
            turned_away = yield from self._read(reply, waiting)
            if turned_away or len(waiting) == before:
                # Alone, so that the client waits as told or signs in again, and a slow row is not cut off.
                yield from self.one(waiting.pop(next(iter(waiting))))

    def _halves(self, calls: Sequence[Call], error: RecordError) -> Iterator[Outcome]:
        """Part a refused batch until the row that spoils it stands alone."""
        if len(calls) == 1:
            yield failed(calls[0].effect, error)
            return
        middle = len(calls) // 2
        yield from self.batch(calls[:middle])
        yield from self.batch(calls[middle:])

    def _read(self, reply: Reply, waiting: dict[str, Call]) -> Generator[Outcome, None, bool]:
        """Take the answered calls out of `waiting`; return whether some were turned away."""
        serviced = {str(item.get("id")): item for item in _listed(reply, "serviced_requests") if isinstance(item, dict)}
        unserviced = {_id(item) for item in _listed(reply, "unserviced_requests")}
        turned_away = False
        stop: ConnectorError | None = None
        for number, call in list(waiting.items()):
            item = serviced.get(number)
            if item is not None and item.get("status_code") in TURNED_AWAY:
                turned_away = True
                self._hold(item)
            elif item is not None or number not in unserviced:
                del waiting[number]
                try:
                    yield self._told(self._item(call, item), reply, (item or {}).get("status_code"))
                except STOPPERS as error:
                    yield failed(call.effect, error)
                    stop = stop or error
        if stop is not None:
            raise stop
        return turned_away

    def _hold(self, item: Mapping[str, Any]) -> None:
        """Send nothing more for as long as a turned-away row was told to wait (L5)."""
        headers = CaseInsensitiveDict({it["name"]: it["value"] for it in item.get("headers") or ()})
        budget = self._client.budget
        budget.hold(retry_after(headers, budget.clock.now()) or 0.0)

    def _item(self, call: Call, item: Mapping[str, Any] | None) -> Outcome:
        """Return the outcome of one row of a batch. Raises what concerns more than this row."""
        if item is None:
            unnamed = "the batch's answer does not name this row; it is looked up, not repeated"
            return failed(call.effect, InDoubt(unnamed))
        status = item.get("status_code")
        try:
            encoded = base64.b64decode(item.get("body") or "", validate=False)
            body = msgspec.json.decode(encoded) if encoded.strip() else None
        except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
            return failed(call.effect, InDoubt(f"{call.path} in a batch answered {status} with a body that is no JSON"))
        if not isinstance(status, int):
            return failed(call.effect, InDoubt(f"{call.path} in a batch answered without a status"))
        verdict = judge(status, body, safe=False)
        if verdict.consequence is Consequence.OK:
            return call.read(call.effect, body)
        what = f"{call.method} {call.path} in a batch answered {status}"
        error = fault(replace(verdict, message=self._client.redactor.clean(verdict.message)), what)
        if isinstance(error, STOPPERS):
            raise error
        return failed(call.effect, error)

    def _told(self, outcome: Outcome, reply: Reply, status: object) -> Outcome:
        """Return an outcome with its request's id and its answer's status, its words free of secrets (L10)."""
        words = self._client.redactor.clean(outcome.message)
        response = f"HTTP {status}" if isinstance(status, int) else None
        return replace(outcome, message=words, request_id=reply.request_id, response=response)


def _listed(reply: Reply, name: str) -> list[Any]:
    answer = reply.json()
    listed = answer.get(name) if isinstance(answer, dict) else None
    return listed if isinstance(listed, list) else []


def _id(item: object) -> str:
    return str(item.get("id") if isinstance(item, dict) else item)


def _envelope(calls: dict[str, Call]) -> dict[str, Any]:
    return {
        "batch_request_id": "1",
        "rest_requests": [
            {
                "id": number,
                "method": call.method,
                "url": call.path,
                "headers": JSON_HEADERS,
                "body": base64.b64encode(msgspec.json.encode(call.body)).decode(),
                "exclude_response_headers": False,  # a rate limit tells in them how long to wait
            }
            for number, call in calls.items()
        ],
    }
