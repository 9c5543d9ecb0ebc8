"""The OpenAPI document: FastAPI's, with the contract's component names and its request body of ``POST /runs``."""

from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from batchrun.emulator.calls import call_kind
from batchrun.emulator.http.payloads import LenientPayload
from batchrun.wherobots.payload import CreateRunPayload
from batchrun.wherobots.views import ErrorBody

__all__ = ["complete_openapi"]

SECURITY_SCHEMES = {
    "bearerToken": {"type": "http", "scheme": "bearer"},
    "wherobotsApiKey": {
        "type": "apiKey",
        "description": "A Wherobots-generated API key",
        "in": "header",
        "name": "X-API-Key",
    },
}
SECURITY: list[dict[str, list[str]]] = [{"bearerToken": []}, {"wherobotsApiKey": []}]
NAMES = {
    "CreateRunPayload": "CreateRunPayload-Input",
    "LenientPayload": "CreateRunPayload-Input",
    "CreateRunPayloadOutput": "CreateRunPayload-Output",
    "RunEnvironment": "RunEnvironment-Input",
    "RunEnvironmentOutput": "RunEnvironment-Output",
    "FileDependency": "FileDependency-Input",
    "FileDependencyOutput": "FileDependency-Output",
    "RoleOutput": "Role-Output",
    "RunPage": "CursorPage__T_Customized_RunView_",
    "CostsInput": "GetKubeAppCostsInput",
    "UploadUrlResponse": "src__routers__storageintegration__UploadUrlResponse",
    "SeriesDetails": "MetricDetails_SeriesMetric_",
    "InstantDetails": "MetricDetails_InstantMetric_",
}
"""Our models and what the contract calls them."""

_REF = "#/components/schemas/"
_ERRORS = {
    "400": "Bad Request",
    "401": "Unauthorized",
    "403": "Forbidden",
    "404": "Not Found",
    "409": "Conflict",
    "422": "Validation Error",
    "500": "Internal Server Error",
}


def complete_openapi(document: dict[str, Any], *, lenient: bool) -> dict[str, Any]:
    """Complete FastAPI's document and rename its components."""
    model = LenientPayload if lenient else CreateRunPayload
    # The create endpoint parses its own body, so FastAPI does not know its model.
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        (model, "validation"),
        (ErrorBody, "serialization"),
    ]
    _, definitions = models_json_schema(models, ref_template=_REF + "{model}")
    schemas = document["components"]["schemas"]
    schemas.update(definitions["$defs"])
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if call_kind(method.upper(), path) is not None:
                operation["security"] = SECURITY
                operation["responses"] |= _error_responses()
    _complete(document["paths"]["/runs"]["post"], model.__name__, lenient=lenient)
    document["components"]["securitySchemes"] = SECURITY_SCHEMES
    document["components"]["schemas"] = {NAMES.get(name, name): schema for name, schema in schemas.items()}
    renamed: dict[str, Any] = _renamed(document)
    return renamed


def _error_responses() -> dict[str, Any]:
    """The error responses of every call of the API. Given to FastAPI, each would cost a model for every call."""
    content = {"application/json": {"schema": {"$ref": f"{_REF}ErrorBody"}}}
    return {status: {"description": text, "content": content} for status, text in _ERRORS.items()}


def _complete(operation: dict[str, Any], body: str, *, lenient: bool) -> None:
    """Add what FastAPI cannot infer from an endpoint that parses its own request."""
    region: dict[str, Any] = {"type": "string", "title": "Region"}
    if lenient:
        region = {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Region"}
    operation["parameters"] = [{"name": "region", "in": "query", "required": not lenient, "schema": region}]
    content = {"application/json": {"schema": {"$ref": _REF + body}}}
    operation["requestBody"] = {"required": True, "content": content}


def _renamed(node: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(node, list):
        return [_renamed(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: _value(key, value) for key, value in node.items() if not (key == "default" and value is None)}


def _value(key: str, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if key == "$ref":
        name = value.removeprefix(_REF)
        return _REF + NAMES.get(name, name)
    if key == "default" and isinstance(value, dict):  # the contract omits defaults that are null
        return {name: one for name, one in value.items() if one is not None}
    return _renamed(value)
