"""Posting invoices: up to 100 in a call, few calls an hour, and never one that the instance has already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from ml_connector.delivery.answers import failed, not_sent
from ml_connector.delivery.reading import Found
from ml_connector.delivery.sink import Outcome, State
from ml_connector.errors import BadAnswer, ConfigError, Forbidden, InDoubt, OutOfPatience, RecordError

from target_servicenow_importset.ap_invoices.document import INVOICES, NUMBER, document, source_of
from target_servicenow_importset.ap_invoices.landing import ACCEPTED
from target_servicenow_importset.outcomes import ambiguous, same_key
from target_servicenow_importset.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml_connector.delivery.reading import Reading
    from ml_connector.delivery.sink import Effect, Row
    from ml_connector.http import Budget, Client, Reply
    from ml_connector.vendors.servicenow.reader import Reader

    from target_servicenow_importset.ap_invoices.landing import Landing

PATH = "/api/sn_spend_intg/v1/ap_invoice/json"
RECORD_LIMIT = "sn_spend_intg.ap.invoice.create.api.record_limit"
MOST = 100  # invoices of a call, unless the instance says otherwise


class Updates(StrEnum):
    """What becomes of a change to an invoice that the instance has already."""

    PARK = "park"
    SEND = "send"


@dataclass(slots=True)
class Sender:
    """Posts documents."""

    client: Client
    reader: Reader
    landing: Landing
    budget: Budget
    updates: Updates
    size: int = MOST
    _spent: OutOfPatience | None = None  # why no call may go out for the rest of this hand-over

    def learn_limit(self) -> None:
        """Take over the instance's own limit of invoices a call, where it is lower."""
        try:
            found = self.reader.lookup("sys_properties", ["name"], [(RECORD_LIMIT,)], ["value"])
        except (Forbidden, ConfigError):
            return
        told = next((row["value"].strip() for rows in found.values() for row in rows), "")
        if told.isdigit() and int(told):
            self.size = min(self.size, int(told))

    def send(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        """Post what the instance does not have; yield each outcome."""
        outcomes, fresh = self._plan(effects)
        yield from outcomes
        calls = [
            (source, chunk)
            for source in dict.fromkeys(map(source_of, fresh))
            for chunk in chunks([effect for effect in fresh if source_of(effect) == source], self.size)
        ]
        self._spent = None
        for source, chunk in calls:
            yield from self._post(source, chunk)

    def _plan(self, effects: Sequence[Effect]) -> tuple[list[Outcome], list[Effect]]:
        """Look for invoices that are there already; return the outcomes known without a call, and the others."""
        there = {number: rows for number, rows in self.landing.rows(effects).items() if rows}
        single = [effect for effect in effects if len(there.get(effect.id, ())) == 1]
        named = [replace(effect, target_id=there[effect.id][0]["sys_id"]) for effect in single]
        readings = self.landing.compare(named) if named else {}
        under_way = self.landing.log.under_way([effect for effect in effects if effect.id not in there])
        outcomes: list[Outcome] = []
        fresh: list[Effect] = []
        for effect in effects:
            if entry := under_way.get(effect.id):
                outcomes.append(_under_way(effect, entry.batch))
            elif outcome := self._there(effect, there.get(effect.id, ()), readings.get(effect.id)):
                outcomes.append(outcome)
            else:
                fresh.append(effect)
        return outcomes, fresh

    def _there(self, effect: Effect, rows: Sequence[Row], reading: Reading | None) -> Outcome | None:
        """Return the outcome of an invoice that needs no call, or must not have one; else None."""
        if len(rows) > 1:
            return ambiguous(effect, len(rows))
        if not rows or reading is None:
            return None
        row = rows[0]
        other = row.get(NUMBER, effect.key[NUMBER]).strip()
        if other != effect.key[NUMBER].strip() and row["sys_id"] != effect.target_id:
            return same_key(effect, other)
        if reading.found is Found.EQUAL:
            return Outcome(effect, State.DELIVERED, action="unchanged", target_id=row["sys_id"])
        return None if self.updates is Updates.SEND else _there_already(effect, row, reading)

    def _post(self, source: str, effects: Sequence[Effect]) -> Iterator[Outcome]:
        """Make one call. When none may go out for a while the run goes on without: only these invoices wait."""
        if self._spent is not None:
            yield from (not_sent(effect, self._spent) for effect in effects)
            return
        body = {"invoices": [document(effect) for effect in effects]}
        try:
            reply = self.client.request("POST", PATH, json=body, headers={"Source-System": source}, budget=self.budget)
        except InDoubt as error:
            yield from (failed(effect, error) for effect in effects)
        except (BadAnswer, Forbidden) as error:
            yield from (failed(effect, error) for effect in effects)
            raise
        except OutOfPatience as error:
            self._spent = error
            yield from (not_sent(effect, error) for effect in effects)
        except RecordError as error:
            yield from self._halves(source, effects, error)
        else:
            yield from _accepted(effects, reply)

    def _halves(self, source: str, effects: Sequence[Effect], error: RecordError) -> Iterator[Outcome]:
        """Part a refused call until the invoice that spoils it stands alone."""
        if len(effects) == 1:
            yield failed(effects[0], error)
            return
        middle = len(effects) // 2
        yield from self._post(source, effects[:middle])
        yield from self._post(source, effects[middle:])


def _accepted(effects: Sequence[Effect], reply: Reply) -> Iterator[Outcome]:
    answer = reply.json()
    told = answer if isinstance(answer, dict) else {}
    batch = str(told.get("batchId") or told.get("batch_id") or "")  # the documentation says both
    for effect in effects:
        if batch:
            response = f"HTTP {reply.status}"
            yield replace(_under_way(effect, batch), request_id=reply.request_id, response=response)
        else:
            yield failed(effect, InDoubt("the AP Invoice API answered without a batch id"))


def _under_way(effect: Effect, batch: str) -> Outcome:
    return Outcome(effect, State.SENT, handle={"batch": batch}, message=ACCEPTED)


def _there_already(effect: Effect, row: Row, reading: Reading) -> Outcome:
    number = row.get("number") or row["sys_id"]
    told = ", ".join(f"{name}: {live!r} there, {sent!r} here" for name, (sent, live) in reading.differences.items())
    return Outcome(
        effect,
        State.PARKED,
        target_id=row["sys_id"],
        reason="invoice_there",
        message=f"{INVOICES} has it as {number}, and not as it is now ({told or reading.message}); the AP Invoice API "
        "is made to create invoices: what it does to the lines of one that is there is not documented",
        field=next(iter(reading.differences), None),
        suggestion="Correct it there by hand; or delete it there while it is a draft, and run again. Where the "
        "instance is known to replace invoices: ap_invoice_updates: send.",
    )
