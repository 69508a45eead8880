"""Rules of OpenAPI 3.1 that a document must keep, checked without a validator: what breaks one, in words.

Source: OpenAPI Specification 3.1.0, chapter 4.8; JSON Schema 2020-12 for schemas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
ROOT: Final = frozenset(
    {
        "openapi",
        "info",
        "jsonSchemaDialect",
        "servers",
        "paths",
        "webhooks",
        "components",
        "security",
        "tags",
        "externalDocs",
    }
)
OPERATION: Final = frozenset(
    {
        "tags",
        "summary",
        "description",
        "externalDocs",
        "operationId",
        "parameters",
        "requestBody",
        "responses",
        "callbacks",
        "deprecated",
        "security",
        "servers",
    }
)
PARAMETER: Final = frozenset(
    {
        "name",
        "in",
        "description",
        "required",
        "deprecated",
        "allowEmptyValue",
        "style",
        "explode",
        "allowReserved",
        "schema",
        "example",
        "examples",
        "content",
    }
)
TYPES: Final = frozenset({"null", "boolean", "object", "array", "number", "string", "integer"})
STATUS: Final = re.compile(r"[1-5]([0-9]{2}|XX)|default")
COMPONENT: Final = re.compile(r"[a-zA-Z0-9._-]+")


def broken(document: dict[str, Any]) -> list[str]:
    """Every rule that *document* breaks."""
    return [*_root(document), *_references(document), *_operations(document), *_components(document)]


def _root(document: dict[str, Any]) -> Iterator[str]:
    if not re.fullmatch(r"3\.1\.\d+", document.get("openapi", "")):
        yield "openapi: is not 3.1"
    yield from (f"{name}: is not a field of the document" for name in document.keys() - ROOT)
    yield from (f"info.{name}: is missing" for name in ("title", "version") if not document["info"].get(name))


def _references(document: dict[str, Any]) -> Iterator[str]:
    for path, node in _nodes(document, "#"):
        target = node.get("$ref")
        if isinstance(target, str) and not _resolves(document, target):
            yield f"{path}: {target} leads nowhere"


def _resolves(document: dict[str, Any], target: str) -> bool:
    node: Any = document
    for step in target.removeprefix("#/").split("/"):
        node = node.get(step) if isinstance(node, dict) else None
    return node is not None


def _nodes(node: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield path, node
        for key, child in node.items():
            yield from _nodes(child, f"{path}/{key}")
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from _nodes(child, f"{path}/{number}")


def _operations(document: dict[str, Any]) -> Iterator[str]:
    seen: set[str] = set()
    for path, item in document["paths"].items():
        if not path.startswith("/"):
            yield f"{path}: does not begin with a slash"
        for method, operation in item.items():
            where = f"{method} {path}"
            if method not in METHODS:
                yield f"{where}: is not a method"
                continue
            yield from (f"{where}: {name} is not a field" for name in operation.keys() - OPERATION)
            if operation.get("operationId") in seen:
                yield f"{where}: its operationId is another's, too"
            seen.add(operation.get("operationId"))
            yield from _parameters(where, path, operation.get("parameters", []))
            yield from _bodies(where, operation)


def _parameters(where: str, path: str, parameters: list[dict[str, Any]]) -> Iterator[str]:
    names = [(one["in"], one["name"].lower() if one["in"] == "header" else one["name"]) for one in parameters]
    if len(set(names)) != len(names):
        yield f"{where}: a parameter stands twice"
    in_path = {name for kind, name in names if kind == "path"}
    if in_path != set(re.findall(r"\{(\w+)\}", path)):
        yield f"{where}: its path parameters are not those of the path"
    for one in parameters:
        yield from (f"{where} {one['name']}: {name} is not a field" for name in one.keys() - PARAMETER)
        if one["in"] not in ("query", "header", "path", "cookie"):
            yield f"{where} {one['name']}: is nowhere"
        if one["in"] == "path" and one.get("required") is not True:
            yield f"{where} {one['name']}: a path parameter is required"
        if ("schema" in one) == ("content" in one):
            yield f"{where} {one['name']}: has either schema or content"


def _bodies(where: str, operation: dict[str, Any]) -> Iterator[str]:
    if not operation.get("responses"):
        yield f"{where}: has no responses"
    for status, answer in operation.get("responses", {}).items():
        if not STATUS.fullmatch(status):
            yield f"{where}: {status} is not a status"
        if not isinstance(answer.get("description"), str):
            yield f"{where} {status}: has no description"
    if "requestBody" in operation and not operation["requestBody"].get("content"):
        yield f"{where}: its body has no content"


def _components(document: dict[str, Any]) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        if not COMPONENT.fullmatch(name):
            yield f"{name}: is not the name of a component"
        for path, node in _nodes(schema, name):
            kind = node.get("type")
            kinds = kind if isinstance(kind, list) else [kind] if isinstance(kind, str) else []
            if not path.endswith("/properties") and any(one not in TYPES for one in kinds):
                yield f"{path}: {kind} is not a type"
            if "nullable" in node and not path.endswith("/properties"):
                yield f"{path}: nullable is of OpenAPI 3.0"
            if isinstance(node.get("required"), list) and not set(node["required"]) <= set(
                node.get("properties", {})
            ):
                yield f"{path}: requires what is no property"
