"""The HTTP application, made of its parts."""

from __future__ import annotations

import time

from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import archer
from archer.api import health, inventory, job_parts, jobs, logs, openapi, problems, submits
from archer.api.auth import gate
from archer.api.deps import Parts
from archer.errors import ArcherError
from archer.telemetry import REQUEST_SECONDS

DESCRIPTION = """
Archer keeps each Spark job in Postgres and runs it as SparkApplications on Kubernetes.

**2xx is durable.** Once `POST /v1/jobs` answers 2xx the job survives any crash of Archer and the loss of any
cluster. **At most one run at a time**: a new attempt starts only after the old one is proven ended. **Cancel
wins**: after 202 a job does not end `succeeded` unless it already had. **Retry is safe** with an
`Idempotency-Key`. Errors are problem documents with a stable `type`, and name every wrong field at once.
"""


class Metering:
    """Measures every answer by route and class of status."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def measured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, measured)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            REQUEST_SECONDS.labels(route, f"{status // 100}xx").observe(time.perf_counter() - started)


async def submit(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer ``POST /v1/jobs``."""
    scope["route"] = submits.ROUTE
    try:
        response = await submits.submit_job(Request(scope, receive))
    except ArcherError as error:
        gate.note(scope, error)
        response = problems.answer(scope["path"], error)
    except Exception as error:
        response = problems.bug(scope["method"], scope["path"], error)
    await response(scope, receive, send)


class Application(FastAPI):
    """FastAPI, but for ``POST /v1/jobs``: its routing and middleware cost more than all that a submit does.

    The route stands in FastAPI too, for its document; both call the same function, and both pass the gate.
    """

    hot: ASGIApp = Metering(gate.Gate(submit))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == submits.PATH:
            scope["app"] = self
            await self.hot(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(parts: Parts) -> Application:
    """Make the application that answers with *parts*."""
    app = Application(
        title="Archer",
        version=archer.__version__,
        description=DESCRIPTION,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,  # one address for each thing, and none made of the caller's Host
    )
    app.state.parts = parts
    for router in (
        submits.router,
        jobs.router,
        job_parts.router,
        logs.router,
        inventory.router,
        health.router,
    ):
        app.include_router(router)
    problems.install(app, gate.note)
    openapi.install(app, open_paths=gate.OPEN)
    app.add_middleware(gate.Gate)
    app.add_middleware(Metering)
    return app
