"""Whether the process lives, whether it can read, and which version it is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from moka_ui.api.deps import Views

router = APIRouter(tags=["health"])


@router.get("/livez", operation_id="livez", response_class=PlainTextResponse)
async def livez() -> str:
    """Answer while the process lives."""
    return "ok\n"


@router.get("/readyz", operation_id="readyz", response_class=PlainTextResponse)
async def readyz(views: Views) -> str:
    """Answer while the views can be read."""
    await views.check()
    return "ok\n"


@router.get("/version", operation_id="version")
async def show_version() -> dict[str, str]:
    """Say which version runs."""
    try:
        return {"version": version("moka-spark")}
    except PackageNotFoundError:  # run from a checkout that is not installed
        return {"version": "0"}
