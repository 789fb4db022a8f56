"""The shapes of refusals (apis/acumatica.md §5 Errors)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from ml_connector_simulators.kit import json_response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOGIN_LIMIT = "API Login Limit"
PX = "PX.Data.PXException"
_CONTRACT = "PX.Api.ContractBased."
_TRACE = "   at Simulated.Screen.Process(Request request)\r\n   at Simulated.Pipeline.Invoke()"


class Refused(Exception):
    """A request the system does not do, with its answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


def failure(message: str, kind: str = PX) -> Refused:
    """500: what the system throws, business errors too."""
    body = {"message": "An error has occurred.", "exceptionMessage": message, "exceptionType": kind}
    return Refused(json_response(body | {"stackTrace": _TRACE}, 500))


def no_entity() -> Refused:
    """500: a key or id nothing is stored under."""
    return failure("No entity satisfies the condition.", _CONTRACT + "NoEntitySatisfiesTheConditionException")


def cannot_optimize(fields: Sequence[tuple[str, str]]) -> Refused:
    """500: a list read asks for fields of views that are code."""
    lines = "\r\n".join(f"{name}: View {view} has BQL delegate" for name, view in fields)
    return failure(
        f"Optimization cannot be performed.The following fields cause the error:\r\n{lines}\r\n",
        _CONTRACT + "OptimizedExport.CannotOptimizeException",
    )


def not_set_up(entity: str) -> Refused:
    """500: the form's preferences were never filled in."""
    return failure(
        f"The required configuration data is not entered on the {entity} Preferences form.",
        "PX.Data.PXSetupNotEnteredException",
    )


def incompatible(field: str, wanted: str, given: str) -> Refused:
    """500: a literal of another type than the field's."""
    return failure(
        f"A binary operator with incompatible types was detected for {field}: Edm.{wanted} and Edm.{given}.",
        "Microsoft.Data.OData.ODataException",
    )


def bad_query(message: str) -> Refused:
    """500: a query that cannot be read."""
    return failure(message, "Microsoft.Data.OData.ODataException")


def invalid(state: Mapping[str, Sequence[str]]) -> Refused:
    """400: a body that is no entity."""
    return Refused(json_response({"message": "The request is invalid.", "modelState": state}, 400))


def unprocessable(entity: Mapping[str, Any]) -> Refused:
    """422: the entity echoed with its errors."""
    return Refused(json_response(entity, 422))


def refused(status: int, message: str = "") -> Refused:
    """A status with a message, or with nothing."""
    return Refused(json_response({"message": message}, status) if message else Response(status_code=status))


def login_limit(shape: str) -> Refused:
    """No seat is free, in one of the forms it was seen in (apis/acumatica.md §2 Limits)."""
    if shape == "json":
        return failure(LOGIN_LIMIT)
    if shape == "text":
        text = "The custom error module does not recognize this error."
        return Refused(Response(text, 429, media_type="text/plain"))
    page = f"<!DOCTYPE html><html><head><title>{LOGIN_LIMIT}</title></head><body><h1>{LOGIN_LIMIT}</h1></body></html>"
    return Refused(Response(page, 500, media_type="text/html"))
