"""The one way in: every request is somebody's, but for the few paths that are named here.

What is not named needs a token, so that a route that is forgotten is closed. Mutating calls are counted
against their caller's rate before their body is read, and those that are refused are told to the audit.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any, Final, cast

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from archer.api import problems
from archer.api.auth.denials import Denials
from archer.api.auth.pages import refuse_foreign
from archer.domain.request import QUEUE_FORM, TENANT_FORM
from archer.domain.tenancy.principal import Caller, Origin
from archer.errors import ArcherError, CorrelationConflict, IdempotencyConflict, RequestError
from archer.store.callers.audit import Entry

#: Answers without a token. Not ``/readyz?verbose`` and ``/metrics``, which tell of clusters.
OPEN: Final = frozenset({"/livez", "/readyz", "/version", "/openapi.json", "/docs"})
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}\Z")
CALLER: Final = "archer.caller"
ASKED: Final = "archer.asked"
#: What the audit calls each mutating route. A test compares them with the application's routes.
ACTIONS: Final[Mapping[tuple[str, str], str]] = {
    ("POST", "/v1/jobs"): "submit",
    ("POST", "/v1/jobs:batch"): "submit",
    ("POST", "/v1/jobs/{job_id}/cancel"): "cancel",
    ("PATCH", "/v1/clusters/{name}"): "change-cluster",
}
#: Denied, and told already: in the statement that found the conflict.
TOLD: Final = (IdempotencyConflict, CorrelationConflict)
TENANT: Final = re.compile(TENANT_FORM)
QUEUE: Final = re.compile(QUEUE_FORM)
MAX_QUEUE: Final = 200
MAX_OBJECT: Final = 64


class Gate:
    """Finds out who calls, and refuses everybody else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_open(scope):
            await self._app(scope, receive, send)
            return
        tokens, request_id = _heard(scope)

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            parts = scope["app"].state.parts
            principal = await parts.callers.of(tokens)
            client = scope.get("client")
            origin = Origin(principal.method, client[0] if client else "", request_id)
            scope[CALLER] = Caller(principal, origin)
            is_change = scope["method"] not in SAFE
            if parts.callers.is_open:
                refuse_foreign(scope, is_change=is_change)
            if is_change:
                parts.limits.call(principal)
        except ArcherError as error:
            note(scope, error)
            await problems.answer(scope["path"], error)(scope, receive, named)
            return
        await self._app(scope, receive, named)


def caller_of(request: Request) -> Caller:
    """Who makes *request*; the gate has found out."""
    return cast("Caller", request.scope[CALLER])


def note(scope: Scope, error: ArcherError, *, asked: Any = None) -> None:
    """Tell the audit of a mutating call that is refused; *asked*: the job that was wanted, as it came."""
    caller = scope.get(CALLER)
    if caller is None or not isinstance(error, RequestError) or isinstance(error, TOLD):
        return
    action = _action(scope)
    if action is not None:
        denials: Denials = scope["app"].state.parts.denials
        asked = scope.get(ASKED) if asked is None else asked
        wanted = asked if isinstance(asked, dict) else {}
        denials.add(
            Entry(
                principal=caller.principal.name,
                action=action,
                object=_object(scope),
                tenant=_formed(wanted.get("tenant"), TENANT),
                queue=_formed(wanted.get("queue"), QUEUE),
                decision="denied",
                reason=error.code,
                origin=caller.origin,
            )
        )


def _is_open(scope: Scope) -> bool:
    return scope["path"] in OPEN and not (scope["path"] == "/readyz" and scope["query_string"])


def _heard(scope: Scope) -> tuple[list[str], str]:
    """The ``Authorization`` headers, and the request's id: the caller's, if it is of its form."""
    tokens, request_id = [], ""
    for name, value in scope["headers"]:
        if name == b"authorization":
            tokens.append(value.decode("latin-1"))
        elif name == b"x-request-id" and REQUEST_ID.match(value):
            request_id = value.decode()
    return tokens, request_id or secrets.token_hex(8)


def _action(scope: Scope) -> str | None:
    route = getattr(scope.get("route"), "path", None)
    if route is None and scope["method"] not in SAFE:  # refused before it was routed
        path, method = scope["path"], scope["method"]
        for (wanted, form), action in ACTIONS.items():
            if method == wanted and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", form), path):
                return action
        return None
    return ACTIONS.get((scope["method"], route)) if route is not None else None


def _object(scope: Scope) -> str:
    """The job or cluster that the path names; what is not of their form is left out: it could be anything."""
    named = scope.get("path_params") or {}
    value = str(named.get("job_id") or named.get("name") or "")
    return value if len(value) <= MAX_OBJECT and re.fullmatch(r"[a-z0-9-]*", value) else ""


def _formed(value: Any, form: re.Pattern[str]) -> str:
    is_formed = isinstance(value, str) and len(value) <= MAX_QUEUE and form.match(value)
    return value if is_formed and "\n" not in value else ""
