"""The OpenAPI document: the job request's schema, read by hand on the hot route, and the problems."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from archer.api.schemas import ClusterChange
from archer.domain.request import JobRequest

REFERENCE: Final = "#/components/schemas/{model}"
JOB_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            media_type: {"schema": {"$ref": "#/components/schemas/JobRequest"}}
            for media_type in ("application/json", "application/yaml")
        },
    }
}
KEY_HEADER: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "description": "The same key with the same body answers the first job.",
                "title": "Idempotency-Key",
            },
            "description": "The same key with the same body answers the first job.",
        }
    ]
}
BATCH: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["jobs"],
    "additionalProperties": False,
    "properties": {
        "jobs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": {"$ref": "#/components/schemas/JobRequest"},
        }
    },
}
BATCH_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {media_type: {"schema": BATCH} for media_type in ("application/json", "application/yaml")},
    }
}
CHANGE_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            media_type: {"schema": {"$ref": "#/components/schemas/ClusterChange"}}
            for media_type in ("application/json", "application/yaml")
        },
    }
}
TOKEN: Final[dict[str, Any]] = {
    "type": "http",
    "scheme": "bearer",
    "description": "A static token, a JWT of a known issuer, or a projected token of a service account.",
}
EVENT_STREAM: Final[dict[str, Any]] = {"content": {"text/event-stream": {"schema": {"type": "string"}}}}


class ProblemField(BaseModel):
    """One wrong field."""

    field: str
    rule: str
    message: str
    allowed: Any | None


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemField] = []


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The statuses that a route may answer as problems, for its ``responses``."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "A problem.", "content": content} for status in statuses}


def _drop_foreign_422(document: dict[str, Any]) -> None:
    """Take out what FastAPI declares for wrong parameters: here they are problems of status 400."""
    for path in document["paths"].values():
        for operation in path.values():
            declared = operation["responses"].get("422", {}).get("content", {})
            if "application/json" in declared:
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def _require_tokens(document: dict[str, Any], open_paths: Collection[str]) -> None:
    """Say which operations need a token: all but those of *open_paths*."""
    document["components"]["securitySchemes"] = {"token": TOKEN}
    for path, item in document["paths"].items():
        for operation in item.values():
            # /readyz: without its parameter it needs none
            operation["security"] = [{"token": []}] if path not in open_paths else []


def install(app: FastAPI, *, open_paths: Collection[str]) -> None:
    """Serve a document that knows the job request and the problems; *open_paths* need no token."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            _drop_foreign_422(made)
            _require_tokens(made, open_paths)
            schemas = made["components"]["schemas"]
            for model in (JobRequest, ClusterChange, Problem):
                schema = model.model_json_schema(ref_template=REFERENCE)
                schemas.update(schema.pop("$defs", {}))
                schemas[model.__name__] = schema
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document
