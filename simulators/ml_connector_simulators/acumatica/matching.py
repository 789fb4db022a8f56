"""Whether a row meets a condition, and whether the condition may be asked at all."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ml_connector_simulators.acumatica.contract import NESTED
from ml_connector_simulators.acumatica.errors import bad_query, failure, incompatible
from ml_connector_simulators.acumatica.filters import Compare, Join, Not, comparisons, parse
from ml_connector_simulators.acumatica.times import moment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ml_connector_simulators.acumatica.contract import Contract, Field
    from ml_connector_simulators.acumatica.filters import Condition
    from ml_connector_simulators.acumatica.settings import Settings
    from ml_connector_simulators.acumatica.store import Row, Store

_EDM = MappingProxyType({"str": "String", "dec": "Decimal", "int": "Decimal", "short": "Decimal", "long": "Decimal"})
_EDM_OTHERS = MappingProxyType({"bool": "Boolean", "dt": "DateTime", "guid": "Guid"})
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {"gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le, "eq": operator.eq}
)


@dataclass(frozen=True)
class Matcher:
    """Filters rows of one entity in one version."""

    store: Store
    settings: Settings
    contract: Contract
    entity: str

    def condition(self, text: str) -> Condition:
        """The condition, once every comparison in it is known to be of like with like."""
        condition = parse(text)
        for each in comparisons(condition):
            self._check(each)
        return condition

    def finds_nothing(self, condition: Condition) -> bool:
        """Seen once: fields of two views in one filter find nothing (apis/acumatica.md §3)."""
        nested = {"/" in each.field for each in comparisons(condition)}
        return self.settings.joined_views_find_nothing and len(nested) > 1

    def meets(self, row: Row, condition: Condition) -> bool:
        """Whether a row meets the condition."""
        match condition:
            case Join("and", parts):
                return all(self.meets(row, part) for part in parts)
            case Join(_, parts):
                return any(self.meets(row, part) for part in parts)
            case Not(part):
                return not self.meets(row, part)
            case Compare():
                return self._compare(row, condition)

    def _check(self, compare: Compare) -> None:
        if compare.field.startswith("cf."):
            return
        field = self._field(compare.field)
        wanted = _EDM.get(field.type) or _EDM_OTHERS[field.type]
        given = compare.literal.kind
        if given not in (wanted, "Null") or (compare.op not in {*_OPERATORS, "ne"} and wanted != "String"):
            raise incompatible(compare.field, wanted, given)

    def _field(self, path: str) -> Field:
        *parents, last = path.split("/")
        fields = self.contract.fields(self.entity)
        for name in parents:
            linked = fields.get(name)
            if linked is None or linked.type not in NESTED:
                raise bad_query(f"Could not find a property named '{name}'.")
            if linked.type == "rows":
                raise failure(f"The simulator does not filter by detail rows, whose result is unpredictable: {path}.")
            fields = self.contract.fields(linked.shape)
        if last not in fields or fields[last].type in NESTED:
            raise bad_query(f"Could not find a property named '{last}' on type '{self.entity}'.")
        return fields[last]

    def _compare(self, row: Row, compare: Compare) -> bool:
        value, wanted = _value(row, compare.field), compare.literal.value
        if value is None or wanted is None:
            return {"eq": value is wanted, "ne": value is not wanted}.get(compare.op, False)
        value, wanted = self._comparable(compare, value), self._comparable(compare, wanted)
        match compare.op:
            case "ne":
                return bool(value != wanted)
            case "substringof":
                return bool(wanted in value)
            case "startswith":
                return bool(value.startswith(wanted))
            case "endswith":
                return bool(value.endswith(wanted))
            case op:
                return _OPERATORS[op](value, wanted)

    def _comparable(self, compare: Compare, value: Any) -> Any:
        match compare.literal.kind:
            case "DateTime":
                return self._moment(value)
            case "Decimal":
                return Decimal(value)
            case "String" if compare.op in _OPERATORS or compare.op == "ne":
                return self.store.comparable(self.entity, compare.field, str(value))
            case "String":
                return str(value).casefold()
            case "Guid":
                return str(value).lower()
        return value

    def _moment(self, value: str | datetime) -> datetime:
        if isinstance(value, str):
            return moment_of(value, self.settings.zone)
        return value if value.tzinfo else value.replace(tzinfo=ZoneInfo(self.settings.zone))


def _value(row: Row, path: str) -> Any:
    if path.startswith("cf."):
        view, _, name = path.partition("'")[2].rstrip("')").partition(".")
        return row.get("custom", {}).get(view, {}).get(name, {}).get("value")
    value: Any = row
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value
