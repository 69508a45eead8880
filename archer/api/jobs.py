"""Routes that list, read and cancel jobs."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from archer.api import schemas
from archer.api.deps import CallerDep, Parts, PartsDep, known_parameters
from archer.api.incoming.cursors import scope_of
from archer.api.incoming.filters import filters
from archer.api.openapi import problem_answers
from archer.domain.identifiers import is_job_id
from archer.domain.tenancy.principal import Principal
from archer.errors import (
    FieldFault,
    InvalidParameter,
    NotFound,
)
from archer.store.jobs import Filters, Position

router = APIRouter(prefix="/v1", tags=["jobs"], dependencies=[Depends(known_parameters)])

MAX_WAIT_SECONDS: Final = 60
WAIT: Final = re.compile(r"([0-9]{1,2})s?\Z")


@router.get("/jobs", response_model=schemas.JobPage, responses=problem_answers(400, 401, 503))
async def list_jobs(
    parts: PartsDep,
    caller: CallerDep,
    filters: Annotated[Filters, Depends(filters)],
    sort: Literal["newest", "longest"] = "newest",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """List jobs, newest first or longest running first, page by page."""
    principal = caller.principal
    view = None if principal.visible is None else sorted(principal.visible)
    scope = scope_of({"filters": filters, "sort": sort, "tenants": view})
    after = parts.cursors.read(cursor, scope) if cursor is not None else None
    rows = await parts.jobs.page(filters, sort=sort, after=after, limit=limit, principal=principal)
    next_cursor = None
    if len(rows) > limit:
        last = rows[limit - 1]
        position = Position(last["id"], last.get("elapsed_us", 0), last.get("as_of"))
        next_cursor = parts.cursors.write(position, scope)
    extra = ("elapsed_us", "as_of")
    listed = [{key: value for key, value in row.items() if key not in extra} for row in rows[:limit]]
    return JSONResponse(
        {"items": [schemas.job(row, ui_url=parts.ui_url) for row in listed], "next_cursor": next_cursor}
    )


async def job_in_path(job_id: str) -> str:
    """Check the form of a job id before anything is asked for it."""
    if not is_job_id(job_id):
        raise NotFound("That is not the form of a job id.")
    return job_id


JobId = Annotated[str, Depends(job_in_path)]


@router.get(
    "/jobs/{job_id}",
    response_model=schemas.JobDetail,
    responses={
        304: {"description": "The version is the one of `If-None-Match`."},
        **problem_answers(400, 401, 404, 503),
    },
)
async def read_job(
    request: Request,
    job_id: JobId,
    parts: PartsDep,
    caller: CallerDep,
    wait: Annotated[str | None, Query(description="Answer later, such as `30s`: see `after`.")] = None,
    after: Annotated[int | None, Query(ge=0, description="Wait until the version is above this.")] = None,
) -> Response:
    """Read a job. With `wait` and `after`, answer as soon as it changed, or after the wait."""
    seconds = _wait_seconds(wait)
    if after is not None and seconds:
        await _await_version(parts, job_id, caller.principal, after, seconds)
    row, attempts = await parts.jobs.read(job_id, caller.principal)
    tag = f'W/"{row["version"]}"'
    if _is_known(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers={"ETag": tag})
    return JSONResponse(schemas.job_detail(row, attempts, ui_url=parts.ui_url), headers={"ETag": tag})


def _is_known(tags: str, tag: str) -> bool:
    """Whether ``If-None-Match`` names *tag*; compared weakly, as RFC 9110, 13.1.2 says."""
    known = {one.strip().removeprefix("W/") for one in tags.split(",")}
    return tag.removeprefix("W/") in known or "*" in known


def _wait_seconds(wait: str | None) -> int:
    if wait is None:
        return 0
    match = WAIT.match(wait)
    if match is None or int(match[1]) > MAX_WAIT_SECONDS:
        fault = FieldFault("wait", "form", f"must be seconds up to {MAX_WAIT_SECONDS}, such as 30s")
        raise InvalidParameter("The parameter wait is wrong.", (fault,))
    return int(match[1])


async def _await_version(parts: Parts, job_id: str, principal: Principal, after: int, seconds: int) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    with parts.changes.watching(job_id) as watch:
        while await parts.jobs.version(job_id, principal) <= after and (left := deadline - loop.time()) > 0:
            await watch.wait(left)


@router.post(
    "/jobs/{job_id}/cancel",
    status_code=202,
    response_model=schemas.JobDetail,
    responses=problem_answers(400, 401, 403, 404, 429, 503),
)
async def cancel_job(job_id: JobId, parts: PartsDep, caller: CallerDep) -> Response:
    """Wish for the job's end. The wish is stored when this answers; of an ended job nothing changes."""
    row, attempts = await parts.jobs.cancel(job_id, caller=caller)
    return JSONResponse(schemas.job_detail(row, attempts, ui_url=parts.ui_url), status_code=202)
