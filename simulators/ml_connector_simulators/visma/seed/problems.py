"""The honest problems of the seeded month, each on a known key, so that a test or a demo can name it.

All are in NO01; SE01 is clean, so that one company's problem can be seen not to block the other.
"""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """Where a problem is: the company and the key of the document (or of the supplier)."""

    company: str
    document: str


INACTIVE_ACCOUNT_NUMBER = "6790"
UNKNOWN_COST_CENTRE_VALUE = "990"
MISSING_SUPPLIER_NUMBER = "50999"
LONG_NAME_SUPPLIER_NUMBER = "50042"
DUPLICATED_DOCUMENT = "Invoice/100060"  # the first of the two; the second is the suspected duplicate

PROBLEMS: dict[str, Problem] = {
    "inactive_account": Problem("NO01", "Invoice/100017"),  # a line on an account that is no longer active
    "unknown_cost_centre": Problem("NO01", "Invoice/100023"),  # a line on 990, which the segment does not have
    "long_text": Problem("NO01", LONG_NAME_SUPPLIER_NUMBER),  # a supplier: its name is over 190 characters long
    "supplier_missing": Problem("NO01", "Invoice/100035"),  # its supplier is not in the master list
    "does_not_foot": Problem("NO01", "Invoice/100049"),  # its total is 100.00 more than its parts
    "suspected_duplicate": Problem("NO01", "Invoice/100061"),  # supplier, supplier's number and amount of 100060
    "before_cutover": Problem("NO01", "Invoice/100072"),  # dated in September
    "unmapped_type": Problem("NO01", "QuickCheck/100085"),  # a type no target map names
    "draft_on_hold": Problem("NO01", "Invoice/100096"),  # status Hold: not yet a document
    "other_entity_line": Problem("NO01", "Invoice/100109"),  # a line on the property company's branch
}
