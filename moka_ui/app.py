"""Moka UI as an ASGI application. Nothing in it can write: see ``gate`` and the database role."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx2
from fastapi import FastAPI

from moka_ui import pages
from moka_ui.api import clusters, health, jobs, logs, problems
from moka_ui.gate import Gate
from moka_ui.read import Reader
from moka_ui.settings import Settings


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    *,
    reader: Reader | None = None,
    archer: httpx2.AsyncClient | None = None,
    clock: Callable[[], datetime] = now,
) -> FastAPI:
    """Make the application.

    Args:
        settings: Where Postgres and Archer are.
        reader: Replaces the one made from the settings; the caller closes it.
        archer: Replaces the HTTP client for Archer; the caller closes it.
        clock: Replaces the time, for pages that must look the same every time.
    """
    views = reader or Reader.connect(
        settings.database,
        connections=settings.database_connections,
        timeout=settings.statement_timeout_seconds,
    )
    token = settings.archer_token.get_secret_value()
    client = archer or httpx2.AsyncClient(
        base_url=settings.archer_url,
        headers={"authorization": f"Bearer {token}"} if token else {},
        timeout=httpx2.Timeout(settings.archer_timeout_seconds),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if archer is None:
            await client.aclose()
        if reader is None:
            await views.close()

    app = FastAPI(
        title="Moka UI",
        summary="What the pages read. Every route answers GET and HEAD only.",
        version="1",
        docs_url=None,  # its scripts would come from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.state.reader, app.state.archer, app.state.clock, app.state.settings = views, client, clock, settings
    problems.install(app)
    for part in (jobs, logs, clusters, health):
        app.include_router(part.router)
    app.include_router(pages.router(settings.static_dir))
    app.add_middleware(Gate, hosts=settings.hosts)
    return app
