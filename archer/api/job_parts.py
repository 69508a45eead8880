"""Routes for what belongs to one job: attempts, events and manifest."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import JSONResponse

from archer.api import schemas
from archer.api.deps import CallerDep, PartsDep, known_parameters
from archer.api.jobs import JobId
from archer.api.openapi import problem_answers

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"], dependencies=[Depends(known_parameters)])


@router.get("/attempts", response_model=schemas.AttemptList, responses=problem_answers(400, 401, 404, 503))
async def list_attempts(job_id: JobId, parts: PartsDep, caller: CallerDep) -> Response:
    """List the attempts of a job, the first first."""
    _, attempts = await parts.jobs.read(job_id, caller.principal)
    return JSONResponse({"items": [schemas.attempt(one) for one in attempts], "next_cursor": None})


@router.get("/events", response_model=schemas.EventPage, responses=problem_answers(400, 401, 404, 503))
async def list_events(
    job_id: JobId,
    parts: PartsDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
    cursor: Annotated[str | None, Query(max_length=20, pattern="^[0-9]{1,18}$")] = None,
) -> Response:
    """List every change of a job, in order."""
    after = int(cursor or 0)
    rows = await parts.jobs.events(job_id, after=after, limit=limit, principal=caller.principal)
    following = str(rows[limit - 1]["seq"]) if len(rows) > limit else None
    return JSONResponse({"items": [schemas.plain(row) for row in rows[:limit]], "next_cursor": following})


@router.get(
    "/manifest", response_model=schemas.ManifestRead, responses=problem_answers(400, 401, 404, 409, 503)
)
async def read_manifest(
    job_id: JobId,
    parts: PartsDep,
    caller: CallerDep,
    attempt: Annotated[int | None, Query(ge=1, le=1000)] = None,
) -> Response:
    """Read the manifest of an attempt as it was created; the last one without a number."""
    row = await parts.jobs.attempt(job_id, attempt, caller.principal)
    return JSONResponse(
        {
            "attempt": row["number"],
            "application": row["application"],
            "spec_sha256": row["spec_sha256"],
            "manifest": json.loads(row["manifest"]),
        }
    )
