"""Many bills for benchmarks: pages are written before the clock starts, and share one text.

A page is the same thousand bills under other numbers, so that 200,000 bills cost the memory of one page
and a request costs one replacement in its text.
"""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.responses import Response

from ml_connector_simulators.acumatica.amounts import money
from ml_connector_simulators.acumatica.contract import CONTRACTS, ENDPOINT
from ml_connector_simulators.acumatica.filters import Compare, Join, parse
from ml_connector_simulators.acumatica.render import Tree, View
from ml_connector_simulators.acumatica.seed.desk import Clerk
from ml_connector_simulators.acumatica.seed.month import Month, write_books
from ml_connector_simulators.acumatica.seed.payables import draft
from ml_connector_simulators.acumatica.store import type_code
from ml_connector_simulators.kit import encode_json

if TYPE_CHECKING:
    from ml_connector_simulators.acumatica.call import Call
    from ml_connector_simulators.acumatica.filters import Condition
    from ml_connector_simulators.acumatica.seed.month import Stored

_PAGE = b"@PAGE@"  # stands for the page's own six digits in every number on it
_SIZE = 1000
_DAY = "2026-10-15"
_MODIFIED = datetime(2026, 10, 15, 15, 0, tzinfo=UTC)
_TYPE = "Bill"
"""The type of all; numbers are B000000000000 and on: page, then place on it."""


@dataclass(frozen=True)
class Bulk:
    """`bills` bills in place of the month's; all else is the month's."""

    bills: int
    seed: int = 1

    def __post_init__(self) -> None:
        self._lines  # noqa: B018  written now, before any clock starts

    def rows(self) -> tuple[Stored, ...]:
        """The month, whose masters the bills refer to."""
        return Month(self.seed).rows()

    def page(self, call: Call) -> Response | None:
        """A list of bills, each with all its fields, Details and TaxDetails; None for other entities.

        `$filter` may compare Type, ReferenceNbr and LastModifiedDateTime, with `and` and `or`.
        """
        if call.entity != "Bill":
            return None
        first, end = self._range(parse(call.query["$filter"])) if "$filter" in call.query else (0, self.bills)
        first += int(call.query.get("$skip", 0))
        end = min(end, first + int(call.query.get("$top", self.bills)))
        parts = [self._piece(start, min(end, (start // _SIZE + 1) * _SIZE)) for start in _starts(first, end)]
        return Response(b"[" + b",".join(parts) + b"]", media_type="application/json")

    def _piece(self, start: int, end: int) -> bytes:
        """Some bills of one page."""
        page, offset = divmod(start, _SIZE)
        count = end - start
        text = self._whole if count == len(self._lines) else b",".join(self._lines[offset : offset + count])
        return text.replace(_PAGE, b"%06d" % page)

    def _range(self, condition: Condition) -> tuple[int, int]:
        """Which bills meet a condition: all that is compared grows with their number."""
        match condition:
            case Join("and", parts):
                ranges = [self._range(part) for part in parts]
                return max(low for low, _ in ranges), min(high for _, high in ranges)
            case Join(_, parts):
                ranges = [found for found in map(self._range, parts) if found[0] < found[1]]
                return min((low for low, _ in ranges), default=0), max((high for _, high in ranges), default=0)
            case Compare("ReferenceNbr", op, literal):
                return self._numbers(op, str(literal.value))
            case Compare("Type", op, literal):
                return self._all_if(op, type_code(_TYPE), type_code(str(literal.value)))
            case Compare("LastModifiedDateTime", op, literal):
                return self._all_if(op, _MODIFIED.isoformat(), literal.value.astimezone(UTC).isoformat())
        raise NotImplementedError(f"a bulk of bills does not filter by {condition}")

    def _numbers(self, op: str, wanted: str) -> tuple[int, int]:
        every = range(self.bills)
        before = bisect_left(every, wanted.upper(), key=_number)
        after = bisect_right(every, wanted.upper(), key=_number)
        low = {"gt": after, "ge": before, "eq": before}
        high = {"lt": before, "le": after, "eq": after}
        return low.get(op, 0), high.get(op, self.bills)

    def _all_if(self, op: str, value: str, wanted: str) -> tuple[int, int]:
        meets = {"eq": value == wanted, "gt": value > wanted, "ge": value >= wanted, "lt": value < wanted}
        return 0, self.bills if meets.get(op, value <= wanted) else 0

    @functools.cached_property
    def _whole(self) -> bytes:
        return b",".join(self._lines)

    @functools.cached_property
    def _lines(self) -> list[bytes]:
        """The bills of a page, their numbers still open."""
        books = write_books(self.seed)
        books.rows["Bill"] = []
        clerk = Clerk(books, "bulk")
        contract = CONTRACTS["24.200.001"]
        expand = Tree.of(["Details", "TaxDetails"])
        view = View(contract, "America/New_York", "", f"/entity/{ENDPOINT}/{contract.version}", expand=expand)
        found: list[bytes] = []
        for index in range(min(_SIZE, self.bills)):
            row = draft(clerk.chance, books, index % 50)
            number = f"B{_PAGE.decode()}{index:06d}"
            row |= {"Type": _TYPE, "Date": _DAY, "Hold": False, "VendorRef": number, "ReferenceNbr": number}
            bill = clerk.enter("Bill", row, _MODIFIED.date())
            bill |= {"Status": "Open", "LastModifiedDateTime": _MODIFIED.isoformat(), "Amount": money(bill["Amount"])}
            found.append(_with_ids(encode_json(view.record("Bill", bill, index + 1)), bill))
        return found


def _number(index: int) -> str:
    return f"B{index // _SIZE:06d}{index % _SIZE:06d}"


def _with_ids(text: bytes, bill: dict[str, object]) -> bytes:
    """Every id of the bill with the page's number in it, so that no two pages share one."""
    for row in (bill, *bill["Details"], *bill["TaxDetails"]):  # type: ignore[misc]
        identity = str(row["id"]).encode()
        text = text.replace(identity, identity[:24] + _PAGE + identity[30:])
    return text


def _starts(first: int, end: int) -> list[int]:
    """Where the pieces of a range begin: at its start, and at every page in it."""
    return [first, *range((first // _SIZE + 1) * _SIZE, end, _SIZE)] if first < end else []
