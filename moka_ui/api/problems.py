"""Errors on the wire: RFC 9457 problem details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from archer.errors import (
    ArcherError,
    FieldFault,
    InvalidCursor,
    InvalidParameter,
    MethodNotAllowed,
    NotFound,
    RequestError,
    Unavailable,
)

TYPE: Final = "https://moka.dev/docs/errors#"
MEDIA_TYPE: Final = "application/problem+json"
STATUS: Final[dict[type[ArcherError], int]] = {
    NotFound: 404,
    MethodNotAllowed: 405,
    InvalidCursor: 400,
    InvalidParameter: 422,
    RequestError: 400,
    Unavailable: 503,
    ArcherError: 500,
}


class Fault(BaseModel):
    """One wrong parameter."""

    field: str
    rule: str
    message: str
    allowed: Any = None


class Problem(BaseModel):
    """What went wrong, by RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] = []


def problem(error: ArcherError) -> JSONResponse:
    """Answer for an error; its class decides the status."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    faults = error.faults if isinstance(error, RequestError) else ()
    body = Problem(
        type=TYPE + error.code,
        title=error.code.replace("-", " ").capitalize(),
        status=status,
        detail=str(error),
        errors=[Fault(field=f.field, rule=f.rule, message=f.message, allowed=f.allowed) for f in faults],
    )
    headers = {"cache-control": "no-store"}
    if status == STATUS[Unavailable]:
        headers["retry-after"] = "5"
    return JSONResponse(body.model_dump(), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of *app* a problem."""

    @app.exception_handler(ArcherError)
    async def known(_: Request, error: ArcherError) -> JSONResponse:
        return problem(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return problem(InvalidParameter("A parameter is wrong or unknown.", tuple(faults(error.errors()))))

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == STATUS[NotFound]:
            return problem(NotFound("There is no such page."))
        return problem(RequestError(str(error.detail)))


def faults(errors: Sequence[Any]) -> list[FieldFault]:
    """Each wrong parameter in the words of the API; nothing of its value is repeated."""
    return [
        FieldFault(
            field=".".join(str(part) for part in error["loc"][1:]),
            rule=str(error["type"]),
            message=str(error["msg"]).removeprefix("Value error, "),
            allowed=error.get("ctx", {}).get("expected"),
        )
        for error in errors
    ]
