"""What makes single documents of the month special: rarities every company meets, and the honest problems."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector_simulators.visma.seed.problems import (
    DUPLICATED_DOCUMENT,
    INACTIVE_ACCOUNT_NUMBER,
    MISSING_SUPPLIER_NUMBER,
    PROBLEMS,
    UNKNOWN_COST_CENTRE_VALUE,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector_simulators.visma.seed.company import Books
    from ml_connector_simulators.visma.seed.drafts import Draft

CREDIT_NOTES = {"100012", "100044", "100080", "100131", "100177"}
PREPAYMENTS = {"100029", "100151"}
GROSS = {"100007", "100066", "100122"}
WHOLE_UNITS = {"100010", "100090"}
DOCUMENT_DISCOUNTS = {"100015", "100125"}
WITHHOLDING = {"100055", "100140"}
MANY_LINES = "100100"


def twist(books: Books, draft: Draft, written: Mapping[str, Draft]) -> None:
    """Make a draft what its number says it is."""
    _rarity(books, draft)
    for name, problem in PROBLEMS.items():
        company, number = problem.company, problem.document.rpartition("/")[2]
        if (company, number) == (books.company.code, draft.number) and name in _PROBLEM_TWISTS:
            _PROBLEM_TWISTS[name](draft, written)


def _rarity(books: Books, draft: Draft) -> None:
    number = draft.number
    in_base = draft.currency == books.company.currency
    if number in CREDIT_NOTES:
        draft.type = "DebitAdj"  # Visma's supplier credit note; its amounts stay positive (JAVA, LIVE-P)
    if number in PREPAYMENTS:
        draft.type = "Prepayment"
        draft.lines = draft.lines[:1]
        draft.lines[0].account, draft.lines[0].vat_category = "1480", "0"
    if number in GROSS and in_base:
        draft.gross = True
    if number in WHOLE_UNITS and in_base:
        draft.whole_units = True
    if number in DOCUMENT_DISCOUNTS:
        _one_vat_rate(draft)
        draft.discount = Decimal("150.00")
    if number in WITHHOLDING:
        draft.withholding = Decimal("212.50")
    if number == MANY_LINES:
        draft.lines = [draft.lines[n % len(draft.lines)] for n in range(60)]


def _one_vat_rate(draft: Draft) -> None:
    for line in draft.lines:
        line.vat_category = draft.lines[0].vat_category


def _inactive_account(draft: Draft, _: Mapping[str, Draft]) -> None:
    draft.lines[0].account = INACTIVE_ACCOUNT_NUMBER


def _unknown_cost_centre(draft: Draft, _: Mapping[str, Draft]) -> None:
    draft.lines[-1].cost_centre = UNKNOWN_COST_CENTRE_VALUE


def _supplier_missing(draft: Draft, _: Mapping[str, Draft]) -> None:
    draft.supplier = draft.supplier | {
        "internalId": 1999,
        "number": MISSING_SUPPLIER_NUMBER,
        "name": "Solheim Interiør AS (fusjonert)",
    }


def _does_not_foot(draft: Draft, _: Mapping[str, Draft]) -> None:
    draft.misfooted_by = Decimal("100.00")


def _suspected_duplicate(draft: Draft, written: Mapping[str, Draft]) -> None:
    original = written[DUPLICATED_DOCUMENT]
    for name in ("supplier", "currency", "rate", "lines", "supplier_reference", "gross", "whole_units"):
        setattr(draft, name, getattr(original, name))


def _before_cutover(draft: Draft, _: Mapping[str, Draft]) -> None:
    draft.on = date(2026, 9, 24)
    draft.entered = datetime(2026, 9, 25, 10, 14, 3, 250_000)  # noqa: DTZ001  Visma's times have no zone


def _unmapped_type(draft: Draft, _: Mapping[str, Draft]) -> None:
    draft.type = "QuickCheck"


def _draft_on_hold(draft: Draft, _: Mapping[str, Draft]) -> None:
    draft.hold = True


def _other_entity_line(draft: Draft, _: Mapping[str, Draft]) -> None:
    draft.lines[-1].branch = 1


_PROBLEM_TWISTS: dict[str, Callable[[Draft, Mapping[str, Draft]], None]] = {
    "inactive_account": _inactive_account,
    "unknown_cost_centre": _unknown_cost_centre,
    "supplier_missing": _supplier_missing,
    "does_not_foot": _does_not_foot,
    "suspected_duplicate": _suspected_duplicate,
    "before_cutover": _before_cutover,
    "unmapped_type": _unmapped_type,
    "draft_on_hold": _draft_on_hold,
    "other_entity_line": _other_entity_line,
}
