"""What a body says, unwrapped and of the contract's types (apis/acumatica.md §5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from ml_connector_simulators.acumatica.errors import invalid
from ml_connector_simulators.acumatica.times import read_day, read_moment
from ml_connector_simulators.kit import decode_json

if TYPE_CHECKING:
    from ml_connector_simulators.acumatica.contract import Contract, Field
    from ml_connector_simulators.acumatica.settings import Settings
    from ml_connector_simulators.acumatica.store import Row

_BOOLEANS = {"true": True, "false": False}
_BARE = frozenset({"id", "delete", "rowNumber", "note", "custom", "files", "error", "_links"})


def parse(body: bytes, name: str = "entity") -> Row:
    """The JSON object of a body."""
    if not body.strip():
        raise invalid({"": ["The request body should not be empty."]})
    try:
        value = decode_json(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid({name: [f"The body is no JSON: {error}"]}) from None
    if not isinstance(value, dict):
        raise invalid({name: ["The body is no JSON object."]})
    return value


@dataclass
class Incoming:
    """Reads one entity; what is wrong is told all at once, as 400."""

    contract: Contract
    settings: Settings
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def read(self, shape: str, body: Row) -> Row:
        """The entity as plain values: only what was sent, null as None."""
        plain = self._shape(shape, body, "entity")
        if self.wrong:
            raise invalid(self.wrong)
        return plain

    def _shape(self, shape: str, body: Any, path: str) -> Row:
        if not isinstance(body, dict):
            self._complain(path, "An object is expected.")
            return {}
        fields = self.contract.fields(shape)
        plain = self._bare(body, path)
        for name, value in body.items():
            known = fields.get(name)
            if known is not None:
                self._field(plain, known, value, f"{path}.{name}")
            elif name not in _BARE and self.settings.unknown_fields == "refuse":
                self._complain(f"{path}.{name}", f"{shape} has no field {name}.")
        return plain

    def _bare(self, body: Row, path: str) -> Row:
        plain: Row = {}
        if body.get("id"):
            plain["id"] = self._guid(body["id"], f"{path}.id")
        if body.get("delete") is True:
            plain["delete"] = True
        if isinstance(body.get("note"), dict) and "value" in body["note"]:
            plain["note"] = body["note"]["value"] or ""
        if isinstance(body.get("custom"), dict) and body["custom"]:
            plain["custom"] = body["custom"]
        return plain

    def _guid(self, value: Any, path: str) -> str | None:
        try:
            return str(UUID(str(value)))
        except ValueError:
            self._complain(path, f"Error converting value {value} to type 'System.Guid'.")
            return None

    def _field(self, plain: Row, known: Field, value: Any, path: str) -> None:
        if known.type == "rows":
            rows = self._array(value, path)
            plain[known.name] = [self._shape(known.shape, row, f"{path}[{at}]") for at, row in enumerate(rows)]
        elif known.type == "link":
            plain[known.name] = self._shape(known.shape, value or {}, path)
        elif not isinstance(value, dict):
            self._complain(path, f"Error converting value {value}: an object with `value` is expected.")
        elif "value" in value:
            plain[known.name] = self._value(known, value["value"], f"{path}.value")

    def _array(self, value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            self._complain(path, "An array is expected.")
            return []
        return value

    def _value(self, known: Field, value: Any, path: str) -> Any:
        if value is None or value == "":
            return None
        try:
            return _converted(known, value, self.settings.zone)
        except (ValueError, InvalidOperation, KeyError, TypeError):
            self._complain(path, f"Could not convert {value!r} to {known.type}.")
            return None

    def _complain(self, path: str, message: str) -> None:
        self.wrong.setdefault(path, []).append(message)


def _converted(known: Field, value: Any, zone: str) -> Any:
    match known.type:
        case "str":
            if isinstance(value, dict | list):
                raise TypeError(known.name)
            return str(value).strip()
        case "dec":
            return Decimal(str(value))
        case "bool":
            return value if isinstance(value, bool) else _BOOLEANS[value.lower()]
        case "dt":
            return read_moment(value, zone) if known.is_stamp else read_day(value, zone)
        case "guid":
            return str(UUID(value))
    return int(value)
