"""What the expressions of a target map may name, and what its keys must carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.mapping.record_map import ATTRIBUTES, RowMap

if TYPE_CHECKING:
    from ml_connector.finance.catalog import RecordType
    from ml_connector.mapping.expressions import Expression
    from ml_connector.mapping.loader import Place, Problems


def refuse_unknown_names(
    expression: Expression, record_type: RecordType, row_type: RecordType | None, problems: Problems
) -> None:
    """Note every name that is neither a field of the row nor, after `record.`, one of the record."""
    for path in sorted(expression.compiled.paths):
        head, _, rest = path.partition(".")
        if head == "record":
            known = not rest or _is_known(rest, record_type, ATTRIBUTES)
        else:
            known = _is_known(path, row_type, ()) if row_type else _is_known(path, record_type, ATTRIBUTES)
        if not known:
            problems.add(expression.place, path, f"{record_type.name} have no such field", _hint(head, row_type))


def _hint(head: str, row_type: RecordType | None) -> str:
    if row_type is not None and head in ATTRIBUTES:
        return f"Inside `__each__` the record's own fields are read as record.{head}."
    return "The maps README lists the fields."


def _is_known(path: str, record_type: RecordType, attributes: tuple[str, ...]) -> bool:
    head, _, rest = path.partition(".")
    if head in attributes:
        return head == "source" or not rest
    field = record_type.fields.get(head)
    if field is None:
        return False
    if field.rows is not None and rest:
        return _is_known(rest, field.rows, ())
    return field.kind == "map" or not rest


def refuse_partial_key(rows: RowMap, place: Place, problems: Problems) -> None:
    """Note a key that does not carry the whole business key, and each row's own number."""
    columns = {column.name: column for column in rows.columns}
    used: set[str] = set()
    for name in rows.key:
        if name in columns:
            used |= {path.removeprefix("record.") for path in columns[name].expression.compiled.paths}
        else:
            problems.add(place, name, "the key names a column the row does not fill", "Add the column to the row.")
    if "business_key" not in used and not {"erp_source", "source_key"} <= used:
        problems.add(
            place,
            ", ".join(rows.key),
            "the key does not carry the whole business key: two companies would overwrite each other",
            "Fill key columns from erp_source and from source_key, or one from business_key.",
        )
    if rows.number is not None and not rows.number.compiled.paths <= used:
        problems.add(place, rows.number.text, "the rows of the list share one key", "Put this into a key column, too.")
