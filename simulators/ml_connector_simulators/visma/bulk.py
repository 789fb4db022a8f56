"""Many supplier invoices for benchmarks: pages are written before the clock starts, and share one text.

A page is the same thousand invoices under other numbers, so that 200,000 invoices cost the memory of one page
and a request costs one replacement in its text.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.responses import Response

from ml_connector_simulators.kit import encode_json
from ml_connector_simulators.visma.queries import parse_time
from ml_connector_simulators.visma.seed import parties
from ml_connector_simulators.visma.seed.company import NO01, Books
from ml_connector_simulators.visma.seed.month import Month
from ml_connector_simulators.visma.seed.supplier_invoices import document, ordinary_draft

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector_simulators.visma.resource import Resource
    from ml_connector_simulators.visma.seed.month import Stored

_MONTH_END = datetime(2026, 11, 1)  # noqa: DTZ001  Visma's times have no zone
_PAGE_NUMBER = b"@PAGE@"  # stands for the page's own six digits in every number on it


@dataclass(frozen=True)
class Bulk:
    """`invoices` supplier invoices in NO01 in place of the month's; all else is the month's."""

    invoices: int
    page_size: int = 1000
    seed: int = 1

    def __post_init__(self) -> None:
        self._whole  # noqa: B018  written now, before any clock starts

    def rows(self) -> tuple[Stored, ...]:
        """The month, whose masters the invoices refer to."""
        return Month(self.seed).rows()

    def serves(self, company: str, resource: Resource) -> bool:
        """Whether a list is answered from here."""
        return company == NO01.code and resource.name == "supplierinvoice"

    def page(self, number: int, size: int, query: Mapping[str, str]) -> Response:
        """One page; a smaller size than `page_size` is cut from it, so use sizes that divide it."""
        size = min(size, self.page_size)
        first = (number - 1) * size
        count = max(0, min(size, self.invoices - first)) if self._may_match(query) else 0
        page, offset = divmod(first, self.page_size)
        body = self._whole if count == self.page_size else _array(self._text[offset : offset + count])
        return Response(body.replace(_PAGE_NUMBER, b"%06d" % page), media_type="application/json")

    def _may_match(self, query: Mapping[str, str]) -> bool:
        """All invoices were modified in October: a later `lastModifiedDateTime` finds none, any other all."""
        since = query.get("lastmodifieddatetime")
        return since is None or parse_time("lastModifiedDateTime", since) < _MONTH_END

    @functools.cached_property
    def _whole(self) -> bytes:
        return _array(self._text)

    @functools.cached_property
    def _text(self) -> list[bytes]:
        """The invoices of a page, their numbers still open."""
        books = Books(NO01, self.seed)
        books.suppliers = list(parties.suppliers(books))
        chance = books.chance("bulk")
        metadata = {"totalCount": self.invoices, "maxPageSize": self.page_size}
        rows: list[bytes] = []
        for index in range(min(self.page_size, self.invoices)):
            draft = ordinary_draft(books, chance, index)
            number = f"{_PAGE_NUMBER.decode()}{index:06d}"
            row = document(books, draft) | {"metadata": metadata, "referenceNumber": number}
            row |= {"supplierReference": number, "description": number, "paymentRefNo": number, "timeStamp": ""}
            rows.append(encode_json(row))
        return rows


def _array(rows: list[bytes]) -> bytes:
    return b"[" + b",".join(rows) + b"]"
