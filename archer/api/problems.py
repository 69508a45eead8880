"""Errors on the wire: RFC 9457 problem documents, one status for each class of error."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from archer import errors
from archer.domain.masking import masked_text
from archer.errors import ArcherError, FieldFault

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "https://moka.dev/docs/errors#"
RETRY_AFTER_SECONDS: Final = 2
MAX_NAME: Final = 200  # of a field in an answer; the caller chose it, and may have chosen it long
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

# Of pydantic's rules, those whose own words tell a caller little.
SENTENCES: Final = {
    "extra_forbidden": "is not a field here",
    "missing": "is required",
    "string_pattern_mismatch": "is not of the form that allowed shows",
}

STATUS: Final[dict[type[ArcherError], int]] = {
    errors.MalformedBody: 400,
    errors.InvalidParameter: 400,
    errors.InvalidCursor: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.LogNotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.CorrelationConflict: 409,
    errors.NoAttemptYet: 409,
    errors.BodyTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.InvalidJob: 422,
    errors.InvalidChange: 422,
    errors.IdempotencyConflict: 422,
    errors.TooSoon: 429,
    errors.RateLimited: 429,
    errors.QueueFull: 429,
    errors.RequestError: 400,
    errors.ClusterUnavailable: 503,
    errors.IdentityUnavailable: 503,
    errors.StoreUnavailable: 503,
    errors.Overloaded: 503,
    errors.Unavailable: 503,
    errors.ClusterError: 502,
    errors.AlreadyExists: 502,
    errors.ManifestRejected: 502,
    errors.UidMismatch: 502,
    errors.WatchExpired: 502,
    errors.SettingsError: 500,
    errors.ArcherError: 500,
}


def document(
    code: str, *, title: str, status: int, detail: str, faults: Sequence[FieldFault] = ()
) -> dict[str, Any]:
    """Make a problem document. *code* is stable; *detail* is for people."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + code,
        "title": title,
        "status": status,
        "detail": masked_text(detail),
    }
    if faults:
        body["errors"] = [
            {
                "field": masked_text(f.field[:MAX_NAME]),
                "rule": f.rule,
                "message": masked_text(f.message),
                "allowed": f.allowed,
            }
            for f in faults
        ]
    return body


def title_of(error: type[ArcherError]) -> str:
    """First sentence of the class's docstring: the title of its problems."""
    first = (error.__doc__ or error.code).split("\n")[0].split(". ")[0]
    return first.rstrip(".").replace("``", "")


def of(error: ArcherError) -> JSONResponse:
    """Answer *error* as a problem document."""
    status = STATUS[type(error)]
    faults = error.faults if isinstance(error, errors.RequestError) else ()
    body = document(error.code, title=title_of(type(error)), status=status, detail=str(error), faults=faults)
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=_headers(error, status))


def _headers(error: ArcherError, status: int) -> dict[str, str] | None:
    if isinstance(error, errors.TooSoon):
        return {"Retry-After": str(max(1, math.ceil(error.retry_after_seconds)))}
    if status == 401:  # of RFC 6750, 3, without its codes: they would tell which check failed
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else None


def answer(path: str, error: ArcherError) -> JSONResponse:
    """Answer *error*, and log it when the fault is ours."""
    made = of(error)
    if made.status_code >= 500:
        log.warning("a request was refused", path=path, code=error.code, error=str(error))
    return made


def field_faults(found: Sequence[Any]) -> tuple[FieldFault, ...]:
    """Turn pydantic's errors into ours: field path, rule, sentence, and what would be allowed."""
    return tuple(_fault(error) for error in found)


def _fault(error: Any) -> FieldFault:
    context = error.get("ctx") or {}
    allowed = next(
        (context[k] for k in ("expected", "pattern", "ge", "le", "max_length", "min_length") if k in context),
        None,
    )
    message: str = SENTENCES.get(error["type"], "") or error["msg"]
    path = ".".join(str(step) for step in error["loc"] if step != "[key]")
    return FieldFault(path, error["type"], message.removeprefix("Value error, "), allowed)


def _methods(app: FastAPI, scope: Scope) -> list[str]:
    """Every method of a path; the route that met the request knows only its own."""
    return [
        method
        for method in METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in app.router.routes)
    ]


def bug(method: str, path: str, error: Exception) -> JSONResponse:
    """Log what nobody expected, and answer that it is in the log."""
    log.error("a request met a bug", method=method, path=path, exc_info=error)
    body = document("internal-error", title="Archer met a bug", status=500, detail="It is in Archer's log.")
    return JSONResponse(body, status_code=500, media_type=MEDIA_TYPE)


def install(app: FastAPI, refused: Callable[[Scope, ArcherError], None]) -> None:
    """Answer every error of *app* as a problem document; *refused* hears of each that is ours."""

    @app.exception_handler(ArcherError)
    async def _archer(request: Request, error: ArcherError) -> JSONResponse:
        refused(request.scope, error)
        return answer(request.url.path, error)

    @app.exception_handler(RequestValidationError)
    async def _parameters(request: Request, error: RequestValidationError) -> JSONResponse:
        found = [fault | {"loc": fault["loc"][1:]} for fault in error.errors()]  # without "query" or "header"
        wrong = errors.InvalidParameter("A parameter is not of its form.", field_faults(found))
        refused(request.scope, wrong)
        return of(wrong)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 405:
            answer = of(errors.MethodNotAllowed(f"{request.method} is not a method of {request.url.path}."))
            answer.headers["Allow"] = ", ".join(_methods(app, request.scope))
            return answer
        if error.status_code == 404:
            return of(errors.NotFound(f"There is nothing at {request.url.path}."))
        body = document("http-error", title="HTTP error", status=error.status_code, detail=str(error.detail))
        return JSONResponse(body, status_code=error.status_code, media_type=MEDIA_TYPE)

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> JSONResponse:
        return bug(request.method, request.url.path, error)
