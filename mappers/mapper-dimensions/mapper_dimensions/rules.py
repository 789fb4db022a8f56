"""The setting `dimensions`: which fields hold a dimension's values, and what proves them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConfigError
from ml_connector.finance.catalog import RECORD_TYPES
from ml_connector.mapping import Crosswalk, Policy
from ml_connector.mapping.dimensions import ACTIONS, SOURCE_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

KNOWN: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "cost_center": ("cost_centers.code", ("lines.dimensions.cost_center",)),
        "gl_account": ("gl_accounts.number", ("lines.account",)),
        "supplier": ("suppliers.number", ("supplier",)),
        "customer": ("customers.number", ("customer",)),
        "item": ("items.code", ("lines.item",)),
        "project": ("projects.code", ("lines.project",)),
        "tax_code": ("tax_codes.code", ("lines.tax_code", "tax_lines.tax_code")),
        "payment_terms": ("payment_terms.code", ("payment_terms",)),
        "tax_zone": ("tax_zones.code", ("tax_zone",)),
    }
)
"""Dimensions by name: the master's record type and field, and the canonical fields that hold a value."""

_PARTS = ("source", "fields", "crosswalk", "complete", "missing", "inactive")


@dataclass(frozen=True, slots=True)
class Rule:
    """One dimension."""

    name: str
    record_type: str  # the canonical master
    value_field: str  # its field that holds the value
    paths: tuple[tuple[str, ...], ...]  # where records hold values: ('lines', 'account')
    crosswalk: Crosswalk | None
    complete: bool  # whether every run brings the whole master, so that a value it lacks is missing
    missing: Policy
    inactive: Policy


def read_rules(setting: Mapping[str, Any], search: Sequence[Path]) -> list[Rule]:
    """Return the rules of the setting; raises ConfigError for one that says something odd."""
    return [_rule(name, told or {}, search) for name, told in setting.items()]


def _rule(name: str, told: Mapping[str, Any], search: Sequence[Path]) -> Rule:
    if odd := sorted(set(told) - set(_PARTS)):
        raise ConfigError(f"dimensions.{name} has no part {', '.join(odd)}; its parts are {', '.join(_PARTS)}.")
    source, fields = KNOWN.get(name, ("", (f"lines.dimensions.{name}",)))
    record_type, _, value_field = str(told.get("source") or source).partition(".")
    if record_type not in RECORD_TYPES or value_field not in {SOURCE_KEY, *RECORD_TYPES[record_type].fields}:
        raise ConfigError(
            f"dimensions.{name}: `source` must name a canonical master and its field, such as cost_centers.code."
        )
    file = told.get("crosswalk")
    return Rule(
        name=name,
        record_type=record_type,
        value_field=value_field,
        paths=tuple(_path(name, each) for each in told.get("fields") or fields),
        crosswalk=Crosswalk.load(file, search) if file else None,
        complete=bool(told.get("complete")),
        missing=_policy(name, "missing", told),
        inactive=_policy(name, "inactive", told),
    )


def _path(name: str, path: str) -> tuple[str, ...]:
    """Return a path's parts; some record type must have such a field."""
    head, _, rest = path.partition(".")
    for record_type in RECORD_TYPES.values():
        field = record_type.fields.get(head)
        if field is not None and (not rest or field.kind == "map" or (field.rows and _has(field.rows.fields, rest))):
            return tuple(path.split("."))
    raise ConfigError(f"dimensions.{name}: no canonical record has the field {path}. The maps README lists the fields.")


def _has(fields: Mapping[str, Any], path: str) -> bool:
    head, _, rest = path.partition(".")
    return head in fields and (not rest or fields[head].kind == "map")


def _policy(name: str, word: str, told: Mapping[str, Any]) -> Policy:
    value = told.get(word)
    if value in ACTIONS[:3]:
        return Policy(str(value))
    if isinstance(value, dict) and list(value) == ["default"] and value["default"]:
        return Policy("default", str(value["default"]))
    raise ConfigError(
        f"dimensions.{name}: say what a {word} value does: `{word}: refuse`, `park`, `omit` or `{{default: CODE}}`."
    )
