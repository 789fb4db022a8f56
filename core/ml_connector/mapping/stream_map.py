"""How one stream of a source system becomes records of one canonical type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.finance import money
from ml_connector.finance.documents import duplicate_key
from ml_connector.finance.records import CanonicalRecord, join_key
from ml_connector.mapping.rows import Scope, each_row, fill

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from ml_connector.finance.catalog import RecordType
    from ml_connector.mapping.expressions import Column, Expression
    from ml_connector.mapping.loader import Place


@dataclass(frozen=True, slots=True)
class Outline:
    """What can be told of a native record without mapping all of it; a part that cannot be read is None."""

    record_type: str | None
    company: str | None
    source_key: str | None
    amount: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that a named rule leaves out."""

    rule: str
    message: str
    outline: Outline


@dataclass(frozen=True, slots=True)
class SkipRule:
    """A named rule: `leave_out` true, or `keep` false, leaves a record out."""

    name: str
    expression: Expression
    keeps: bool
    parks: bool = False  # it waits, visibly, instead of being left out


@dataclass(frozen=True, slots=True)
class FieldsMap:
    """How the fields of a record, or of its nested rows, are filled."""

    type: RecordType
    columns: Sequence[Column]
    objects: Mapping[str, Sequence[Column]]  # a field of the kind map: its entries
    rows: Mapping[str, FieldsMap]  # a field of the kind rows
    each: Expression | None = None
    keep: Expression | None = None

    def fill(self, row: Mapping[str, Any], index: int | None, scope: Scope) -> dict[str, Any]:
        """Return the canonical fields of one native row."""
        fields = fill(self.columns, row, index, scope)
        for name, columns in self.objects.items():
            fields[name] = fill(columns, row, index, scope)
        for name, nested in self.rows.items():
            fields[name] = [nested.fill(item, at, scope) for at, item in each_row(nested.each, nested.keep, row, scope)]
        for each in self.type.required:
            if fields.get(each) is None:
                raise self._missing(each, index)
        return fields

    def _missing(self, name: str, index: int | None) -> RecordRefused:
        where = f" of {self.type.name} {index}" if index else ""
        return RecordRefused(
            "missing_value",
            f"The {name.replace('_', ' ')}{where} is empty; a record cannot go without it.",
            field=name,
            suggestion="Fill it in the source system.",
        )


@dataclass(frozen=True, slots=True)
class StreamMap:
    """How one stream becomes records of one canonical type."""

    stream: str
    place: Place
    fields: FieldsMap
    header: Sequence[Column]  # company, title, source_state, source_modified_at
    key: Sequence[Column]
    variables: Sequence[tuple[str, Expression]]
    skip: Sequence[SkipRule]
    currency: Column | None

    def apply(self, source_system: str, record: dict[str, Any], shared: Mapping[str, Any]) -> CanonicalRecord | Skipped:
        """Map one native record; raises RecordRefused when it cannot be read, RecordParked when a rule lets it wait."""
        scope = self._scope(record, shared)
        for rule in self.skip:
            if bool(rule.expression.evaluate(record, record, scope.var)) is not rule.keeps:
                if rule.parks:
                    raise _parked(rule)
                return self._skipped(rule, record, shared)
        header = fill(self.header, record, None, scope)
        company, key = self._company(header), self._key(record, scope)
        fields = self.fields.fill(record, None, scope)
        result = CanonicalRecord(
            record_type=self.fields.type.name,
            source_system=source_system,
            company=company,
            source_key=key,
            fields=fields,
            source=record,
            title=header.get("title") or "",
            source_state=header.get("source_state") or "open",
            source_modified_at=header.get("source_modified_at"),
            amount=_signed(fields),
            currency=fields.get("currency"),
            document_date=fields.get("document_date"),
            document_type=fields.get("document_type"),
        )
        result.duplicate_key = duplicate_key(result)
        return result

    def outline(self, record: dict[str, Any], shared: Mapping[str, Any]) -> Outline:
        """Return what can be told of a record that is skipped or refused."""
        scope = Scope(record, shared)
        try:
            scope = self._scope(record, shared)
        except RecordRefused:
            return Outline(self.fields.type.name, self._try("company", record, scope), self._try_key(record, scope))
        sign, total = self._try("sign", record, scope), self._try("total", record, scope)
        return Outline(
            self.fields.type.name,
            self._try("company", record, scope),
            self._try_key(record, scope),
            _signed({"sign": sign, "total": total}),
            scope.currency,
        )

    def _scope(self, record: dict[str, Any], shared: Mapping[str, Any]) -> Scope:
        var = shared
        if self.variables:
            var = dict(shared)
            for name, expression in self.variables:
                var[name] = expression.evaluate(record, record, var)
        scope = Scope(record, var)
        if self.currency is not None:
            scope.currency = fill([self.currency], record, None, scope)["currency"]
        return scope

    def _key(self, record: dict[str, Any], scope: Scope) -> str:
        parts = fill(self.key, record, None, scope)
        if not all(parts.values()):
            names = " and ".join(parts)
            message = f"The record has no {names}: it cannot be told from others."
            raise RecordRefused("missing_key", message, field=names)
        return join_key(list(parts.values()))

    def _try_key(self, record: dict[str, Any], scope: Scope) -> str | None:
        try:
            return self._key(record, scope)
        except RecordRefused:
            return None

    def _try(self, name: str, record: dict[str, Any], scope: Scope) -> Any:
        columns = [column for column in (*self.fields.columns, *self.header) if column.name == name]
        try:
            return fill(columns, record, None, scope).get(name)
        except RecordRefused:
            return None

    def _company(self, header: Mapping[str, Any]) -> str:
        company = header.get("company")
        if not company:
            raise RecordRefused(
                "missing_key",
                "The record does not say which company it belongs to.",
                field="company",
                suggestion="Use a tap that stamps _company, or map `company` in the source map.",
            )
        return str(company)

    def _skipped(self, rule: SkipRule, record: dict[str, Any], shared: Mapping[str, Any]) -> Skipped:
        message = f"Left out by the rule {rule.name}: `{rule.expression.text}` ({rule.expression.place})."
        return Skipped(rule.name, message, self.outline(record, shared))


def _parked(rule: SkipRule) -> RecordParked:
    return RecordParked(
        rule.name,
        f"The rule {rule.name} lets it wait: `{rule.expression.text}` ({rule.expression.place}).",
        suggestion="Put it right in the source system: it is then read again.",
    )


def _signed(fields: Mapping[str, Any]) -> Decimal | None:
    sign, total = fields.get("sign"), fields.get("total")
    return None if sign is None or total is None else money.EXACT.multiply(sign, total)
