"""Routes for whoever runs Archer: alive, ready, version and metrics.

Readiness depends on Postgres only: a dead cluster must not take Archer out of service.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

import archer
from archer.api.deps import PartsDep
from archer.api.openapi import problem_answers
from archer.errors import StoreUnavailable
from archer.store import engine

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> dict[str, str]:
    """Answer while the process can answer."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not ready."}, **problem_answers(401)})
async def readyz(
    parts: PartsDep, verbose: Annotated[str | None, Query(description="Any value: one line a check.")] = None
) -> Response:
    """Answer 200 when jobs can be accepted. The checks one by one are for callers with a token."""
    checks: list[dict[str, Any]] = []
    try:
        async with parts.database.transaction() as tx:
            rpo = await engine.rpo(tx)
        checks.append({"name": "postgres", "ok": True, "message": f"rpo: {rpo}"})
        wrong = parts.sites.problem
        checks.append({"name": "clusters file", "ok": not wrong, "message": wrong or "as it stands"})
        if (wrong := parts.callers.problem) is not None:
            checks.append({"name": "access file", "ok": not wrong, "message": wrong or "as it stands"})
        for row in await parts.jobs.clusters():
            if row["removed_at"] is not None:
                continue
            note = row["message"] or row["version"] or "not heard yet"
            checks.append({"name": f"cluster {row['name']}", "ok": row["state"] == "active", "message": note})
    except StoreUnavailable as error:
        checks.append({"name": "postgres", "ok": False, "message": str(error)})
    ready = checks[0]["ok"]
    body: dict[str, Any] = {"status": "ok" if ready else "unavailable"}
    if verbose is not None:
        body["checks"] = checks
    return JSONResponse(body, status_code=200 if ready else 503)


@router.get("/version")
async def version() -> dict[str, str]:
    """Tell the version of Archer."""
    return {"version": archer.__version__}


@router.get("/metrics", response_class=Response, responses=problem_answers(401, 503))
async def metrics() -> Response:
    """Metrics in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
