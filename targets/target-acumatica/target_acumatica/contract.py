"""The endpoint's contract as the tenant publishes it: entities, their fields and kinds (apis/acumatica.md §1).

Swagger 2.0 (up to 23.200.001) and OpenAPI 3.0 (from 24R2) say the same in different places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.errors import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCALARS = frozenset(
    f"{kind}Value"
    for kind in ("String", "Decimal", "Double", "DateTime", "Boolean", "Int", "Short", "Long", "Byte", "Guid")
)
NOTE = "note"
_BASE = "Entity"


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: its fields by kind, the entities it links to, and its lists of details."""

    name: str
    fields: Mapping[str, str]
    linked: Mapping[str, str]
    details: Mapping[str, str]

    @property
    def names(self) -> Iterator[str]:
        """Every name that may stand in a record."""
        yield from (*self.fields, *self.linked, *self.details)


class Contract:
    """What one endpoint's version offers."""

    def __init__(self, document: Any) -> None:
        """Read a swagger document. Raises BadAnswer when it is none."""
        try:
            schemas = document["definitions"] if "definitions" in document else document["components"]["schemas"]
            paths = document["paths"]
        except (KeyError, TypeError):
            raise BadAnswer("the endpoint's swagger.json describes no entities. Check `endpoint`.") from None
        self._schemas: Mapping[str, Any] = schemas
        self.tops = frozenset(path[1:] for path in paths if path.count("/") == 1)
        self._entities: dict[str, Entity] = {}

    def entity(self, name: str) -> Entity:
        """Return an entity, of the top or inside another one."""
        if name not in self._entities:
            self._entities[name] = _read(name, self._schemas.get(name) or {})
        return self._entities[name]

    def has(self, name: str) -> bool:
        """Say whether the endpoint has such an entity at its top."""
        return name in self.tops

    def inside(self, entity: Entity, name: str) -> Entity | None:
        """Return the entity that a linked or detail name of another one holds."""
        found = entity.linked.get(name) or entity.details.get(name)
        return None if found is None else self.entity(found)

    def kind(self, entity: Entity, path: str) -> str | None:
        """Return the kind of a field by its dotted name, None when there is none."""
        first, dot, rest = path.partition(".")
        if not dot:
            return "StringValue" if first == NOTE else entity.fields.get(first)
        inner = self.inside(entity, first)
        return None if inner is None else self.kind(inner, rest)


def _read(name: str, schema: Mapping[str, Any]) -> Entity:
    fields: dict[str, str] = {}
    linked: dict[str, str] = {}
    details: dict[str, str] = {}
    for field, told in _properties(schema).items():
        if item := _ref(told.get("items") or {}):
            details[field] = item
        elif (kind := _ref(told)) in SCALARS:
            fields[field] = kind
        elif kind:
            linked[field] = kind
    return Entity(name, fields, linked, details)


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entity's own properties; what every entity has is left out."""
    own: dict[str, Any] = {}
    for part in (schema, *(schema.get("allOf") or ())):
        own |= part.get("properties") or {}
    return own


def _ref(told: Mapping[str, Any]) -> str:
    """Return the name a `$ref` points to; 24R2 wraps some of them in `allOf`."""
    inner = told.get("$ref") or next((part.get("$ref", "") for part in told.get("allOf") or ()), "")
    return str(inner).rpartition("/")[2]
