"""Bank accounts in Acumatica's vendors, read on purpose, and every kind of failure while they are: seen in no words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector_simulators.kit import Fault

from prove.both_ways import COUNT, PRIVATE, BothWays
from prove.canaries import Person, Search

if TYPE_CHECKING:
    import random

    from prove.flow import Ended

VENDORS = 4
PAGE = 30  # so that there is a second page: what the first one held has been seen then
PARTS = ("PaymentInstructions",)


def attack(ways: BothWays, chance: random.Random) -> tuple[dict[str, int], list[str]]:
    """Read vendors with their bank accounts, undisturbed and through failures; look for these in all but records."""
    people = [Person.made(chance) for _ in range(VENDORS)]
    _settle(ways, people)
    search, used = Search(), Search()
    for each in (search, used):
        each.learn(value for person in people for value in (person.account, person.iban))
    ways.books_settings = {**ways.books_settings, **PRIVATE, "page_size": PAGE, "patience": 0}
    quoted = {"exceptionMessage": f"the account {people[0].iban} of {people[0].account} is not known"}
    lists: dict[str, Any] = {"path": "/Vendor$", "method": "GET"}
    failures = (
        None,
        Fault("status", status=500, body=quoted, after=1, **lists),
        Fault("status", status=422, body=quoted, after=1, **lists),
        Fault("truncated", after=1, **lists),
        Fault("truncated", **lists),
        Fault("html", after=1, **lists),
        Fault("reset", after=1, times=None, **lists),
    )
    struck = 0
    for fault in failures:
        if fault is not None:
            ways.acumatica.faults.add(fault)
        ended = ways.books(COUNT, "vendors", parts=PARTS)
        struck += fault.struck if fault is not None else 0
        ways.acumatica.faults.clear()
        _look(search, used, ended)
    told = [f"seen: {hit}" for hit in search.hits]
    told += [] if struck >= len(failures) - 1 else ["nothing happened: a fault never struck"]
    counts = {
        "failures while bank accounts were read": struck,
        "bank accounts in the tap's records": len({hit.rpartition(": ")[2] for hit in used.hits}),
    }
    return counts, told


def _settle(ways: BothWays, people: list[Person]) -> None:
    for row, person in zip(ways.acumatica.rows("Vendor"), people, strict=False):
        numbers = (("ACCOUNT", person.account), ("IBAN", person.iban))
        details = [{"PaymentInstructionsID": name, "Description": name, "Value": value} for name, value in numbers]
        ways.acumatica.edit("Vendor", row["VendorID"], PaymentInstructions=details)


def _look(search: Search, used: Search, ended: Ended) -> None:
    records = [line for line in ended.out.splitlines() if '"type":"RECORD"' in line[:20]]
    others = [line for line in ended.out.splitlines() if '"type":"RECORD"' not in line[:20]]
    used.look("records", "\n".join(records).encode())
    search.look("stdout, but records", "\n".join(others).encode())
    search.look("stderr", ended.err.encode())
