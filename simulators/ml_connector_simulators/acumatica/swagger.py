"""`swagger.json` out of our compact contract: 2.0 for 22 and 23, OpenAPI 3.0.1 for 24 (apis/acumatica.md §1)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.acumatica.contract import ENDPOINT, ENTITIES, VERSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector_simulators.acumatica.contract import Contract, Field, Shape

Json = dict[str, Any]
_FIRST_OPENAPI = 24
_VALUES: Mapping[str, tuple[str, Json]] = MappingProxyType(
    {
        "str": ("StringValue", {"type": "string"}),
        "dec": ("DecimalValue", {"type": "number", "format": "double"}),
        "dt": ("DateTimeValue", {"type": "string", "format": "date-time"}),
        "bool": ("BooleanValue", {"type": "boolean"}),
        "int": ("IntValue", {"type": "integer", "format": "int32"}),
        "short": ("ShortValue", {"type": "integer", "format": "int32"}),
        "long": ("LongValue", {"type": "integer", "format": "int64"}),
        "guid": ("GuidValue", {"type": "string", "format": "uuid"}),
    }
)


def swagger(contract: Contract, site: str) -> Json:
    """The document of one version."""
    is_openapi = VERSIONS[contract.version] >= _FIRST_OPENAPI
    refs = "#/components/schemas/" if is_openapi else "#/definitions/"
    writer = _Writer(refs, is_openapi)
    base = f"{site}/entity/{ENDPOINT}/{contract.version}"
    document: Json = {
        "info": {"title": f"{ENDPOINT}/{contract.version}", "version": "4"},
        "paths": {path: item for shape in ENTITIES.values() for path, item in writer.paths(shape).items()},
        "tags": [{"name": name, "description": f"{name} ({shape.form})"} for name, shape in ENTITIES.items()],
    }
    schemas = writer.schemas(contract)
    if is_openapi:
        return {"openapi": "3.0.1", "servers": [{"url": base}], "components": {"schemas": schemas}, **document}
    return {"swagger": "2.0", "basePath": base, "definitions": schemas, **document}


class _Writer:
    """Writes the parts of either dialect."""

    def __init__(self, refs: str, is_openapi: bool) -> None:
        self._refs = refs
        self._is_openapi = is_openapi

    def schemas(self, contract: Contract) -> Json:
        values = {
            name: {"type": "object", "properties": {"value": value, "error": {"type": "string"}}}
            for name, value in _VALUES.values()
        }
        shapes = {
            name: {"allOf": [self._ref("Entity"), {"type": "object", "properties": self._properties(fields)}]}
            for name, fields in contract.shapes.items()
        }
        actions = {
            action: {"type": "object", "required": ["entity"], "properties": {"entity": self._ref(shape.name)}}
            for shape in ENTITIES.values()
            for action in shape.actions
        }
        return {"Entity": self._entity(), **values, **shapes, **actions}

    def paths(self, shape: Shape) -> Json:
        root, record = f"/{shape.name}", self._ref(shape.name)
        many = {"type": "array", "items": record}
        paths = {
            root: {
                "get": self._operation(shape, "GetList", 200, many),
                "put": self._operation(shape, "PutEntity", 200, record, record),
            },
            f"{root}/{{ids}}": {
                "get": self._operation(shape, "GetByKeys", 200, record),
                "delete": self._operation(shape, "DeleteByKeys", 204),
            },
            f"{root}/{{id}}": {
                "get": self._operation(shape, "GetById", 200, record),
                "delete": self._operation(shape, "DeleteById", 204),
            },
        }
        for action in shape.actions:
            body = self._ref(action)
            paths[f"{root}/{action}"] = {"post": self._operation(shape, f"InvokeAction_{action}", 204, None, body)}
        return paths

    def _operation(
        self, shape: Shape, name: str, status: int, answer: Json | None = None, body: Json | None = None
    ) -> Json:
        operation: Json = {"tags": [shape.name], "operationId": f"{shape.name}_{name}"}
        said = {} if answer is None else self._content(answer)
        operation["responses"] = {str(status): {"description": name, **said}}
        if body is not None and self._is_openapi:
            operation["requestBody"] = {"required": True, **self._content(body)}
        elif body is not None:
            operation["parameters"] = [{"name": "entity", "in": "body", "required": True, "schema": body}]
        return operation

    def _content(self, schema: Json) -> Json:
        return {"content": {"application/json": {"schema": schema}}} if self._is_openapi else {"schema": schema}

    def _properties(self, fields: Mapping[str, Field]) -> Json:
        return {name: self._property(field) for name, field in fields.items()}

    def _property(self, field: Field) -> Json:
        if field.type == "rows":
            return {"type": "array", "items": self._ref(field.shape)}
        return self._ref(field.shape if field.type == "link" else _VALUES[field.type][0])

    def _entity(self) -> Json:
        return {
            "type": "object",
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "rowNumber": {"type": "integer", "format": "int64"},
                "note": self._ref("StringValue"),
                "custom": {"type": "object", "additionalProperties": {"type": "object"}},
                "error": {"type": "string"},
            },
        }

    def _ref(self, name: str) -> Json:
        return {"$ref": self._refs + name}
