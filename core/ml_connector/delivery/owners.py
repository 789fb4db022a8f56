"""Whose job a cause is: finance, master data or IT; a word for people, derived from the reason."""

from __future__ import annotations

FINANCE, MASTER_DATA, IT = "finance", "master data", "IT"

_FINANCE = frozenset(
    (
        "does_not_foot",
        "suspected_duplicate",
        "amount_cap",
        "frozen",
        "other_entity",
        "unmapped_type",
        "missing_value",
        "missing_key",
        "bad_value",
        "value_does_not_fit",
        "key_is_null",
        "repeated_row",
        "too_long",
        "null_literal",
        "empty_key",
        "no_coalesce_value",
        "edit_does_not_fit",
        "dropped",
        "voided_after_delivery",
        "left_out_after_delivery",
        "vanished",
        "deleted_in_target",
        "lines_unclear",
        "lines_removed",
        "other_currency",
        "lines_received",
        "field_errors",
        "refused_by_form",
    )
)
_MASTER_DATA = frozenset(["reference_not_found", "ambiguous_key", "same_key", "key_taken", "choice_rejected"])
_ABOUT_CODES = ("_missing", "_inactive")  # a dimension the target's masters do not have, or not any more
_NOT_CODES = frozenset(["transform_inactive"])


def owner(reason: str | None) -> str:
    """Return who can do something about a cause; what is neither a document nor master data is IT's."""
    if not reason or reason in _NOT_CODES:
        return IT
    if reason in _MASTER_DATA or reason.endswith(_ABOUT_CODES):
        return MASTER_DATA
    return FINANCE if reason in _FINANCE or "period" in reason or "cancel" in reason else IT
