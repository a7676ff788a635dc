"""The description of the API (OpenAPI 3.1), made from the table of operations."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from hansa import __version__
from hansa.federation.api.documents import Error
from hansa.federation.api.table import Matching, Operation
from hansa.federation.identity.rules import RULES

_REF = "#/components/schemas/{model}"


def describe(operations: Sequence[Operation], server: str) -> Mapping[str, Any]:
    models = {each for op in operations for each in (op.body, op.answer) if each} | {Error}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema([(each, "validation") for each in ordered], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for op in operations:
        paths.setdefault(_template(op.path), {})[op.method.lower()] = _operation(op)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hansa: registry of virtual organisations", "version": __version__},
        "servers": [{"url": server}],
        "security": [{"certificate": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                "certificate": {"type": "mutualTLS", "description": "A user's certificate, or a proxy."},
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token made for the federation.",
                },
            },
        },
    }


def rights(op: Operation) -> list[str]:
    """On what grounds the operation may be done."""
    if op.action is None:
        return ["whoever shows a valid credential"]
    return sorted(right.value for right in RULES[op.action])


def _operation(op: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": op.id,
        "tags": [op.path.split("/")[1]],
        "summary": op.summary,
        "description": f"Allowed to: {'; '.join(rights(op))}.",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in op.parameters()
        ],
        "responses": {str(op.status): _success(op), "default": _failure()},
    }
    if op.query:
        found["parameters"] += _query(op.query)
    if op.matching is Matching.REQUIRED_IF_SENT:
        found["parameters"].append({"name": "If-Match", "in": "header", "schema": {"type": "string"}})
    if op.body:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(op.body)}}}
    return found


def _success(op: Operation) -> dict[str, Any]:
    if op.answer is None:
        return {"description": "Done."}
    found: dict[str, Any] = {"description": "Done.", "content": {"application/json": {"schema": _ref(op.answer)}}}
    if op.matching is not Matching.NONE:
        found["headers"] = {"ETag": {"schema": {"type": "string"}}}
    return found


def _failure() -> dict[str, Any]:
    return {"description": "A refusal.", "content": {"application/problem+json": {"schema": _ref(Error)}}}


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    return [
        {"name": name, "in": "query", "schema": _inlined(part, schema.get("$defs", {}))}
        for name, part in schema["properties"].items()
    ]


def _inlined(part: Any, definitions: Mapping[str, Any]) -> Any:
    """Parameters stand outside the components: references are replaced by what they mean."""
    if isinstance(part, dict):
        if "$ref" in part:
            return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
        return {key: _inlined(value, definitions) for key, value in part.items()}
    return [_inlined(each, definitions) for each in part] if isinstance(part, list) else part


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _template(path: str) -> str:
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)
