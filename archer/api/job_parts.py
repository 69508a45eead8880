"""Routes for what belongs to one job: attempts, events, manifest and logs."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.sse import format_sse_event
from sqlalchemy import RowMapping

from archer.api import schemas
from archer.api.deps import Parts, PartsDep, known_parameters
from archer.api.jobs import JobId
from archer.api.openapi import problem_answers
from archer.clusters.port import LogChunk
from archer.domain.states import FINAL, JobState
from archer.errors import ClusterUnavailable, FieldFault, InvalidParameter, LogNotFound, NoAttemptYet

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"], dependencies=[Depends(known_parameters)])

ROLE: Final = re.compile(r"(driver|executor-[1-9][0-9]{0,5})\Z")
MAX_LOG_BYTES: Final = 1024 * 1024
FOLLOW_SECONDS: Final = 0.5  # how often a followed log is looked at
PING_SECONDS: Final = 15.0  # below the idle limit of common proxies


@router.get("/attempts", response_model=schemas.AttemptList, responses=problem_answers(404, 503))
async def list_attempts(job_id: JobId, parts: PartsDep) -> Response:
    """List the attempts of a job, the first first."""
    _, attempts = await parts.jobs.read(job_id)
    return JSONResponse({"items": [schemas.attempt(one) for one in attempts], "next_cursor": None})


@router.get("/events", response_model=schemas.EventPage, responses=problem_answers(400, 404, 503))
async def list_events(
    job_id: JobId,
    parts: PartsDep,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
    cursor: Annotated[str | None, Query(max_length=20, pattern="^[0-9]{1,18}$")] = None,
) -> Response:
    """List every change of a job, in order."""
    rows = await parts.jobs.events(job_id, after=int(cursor or 0), limit=limit)
    following = str(rows[limit - 1]["seq"]) if len(rows) > limit else None
    return JSONResponse({"items": [schemas.plain(row) for row in rows[:limit]], "next_cursor": following})


@router.get("/manifest", response_model=schemas.ManifestRead, responses=problem_answers(400, 404, 409, 503))
async def read_manifest(
    job_id: JobId, parts: PartsDep, attempt: Annotated[int | None, Query(ge=1, le=1000)] = None
) -> Response:
    """Read the manifest of an attempt as it was created; the last one without a number."""
    row = await parts.jobs.attempt(job_id, attempt)
    return JSONResponse(
        {
            "attempt": row["number"],
            "application": row["application"],
            "spec_sha256": row["spec_sha256"],
            "manifest": json.loads(row["manifest"]),
        }
    )


@router.get("/logs", response_model=schemas.LogRead, responses=problem_answers(400, 404, 409, 502, 503))
async def read_log(
    request: Request,
    job_id: JobId,
    parts: PartsDep,
    role: Annotated[str, Query(max_length=20)] = "driver",
    attempt: Annotated[int | None, Query(ge=1, le=1000)] = None,
    offset: Annotated[int, Query(ge=-(2**53), le=2**53, description="Negative: from the end.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LOG_BYTES)] = 64 * 1024,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> Response:
    """Read a part of a log. With `Accept: text/event-stream`, follow it: events `chunk`, then one `end`."""
    if ROLE.match(role) is None:
        raise InvalidParameter(
            "A parameter is wrong.", (FieldFault("role", "form", "is driver or executor-<n>"),)
        )
    if "text/event-stream" in request.headers.get("accept", ""):
        await parts.jobs.version(job_id)
        if last_event_id is not None and last_event_id.isdecimal():
            offset = int(last_event_id)
        stream = _follow(request, parts, job_id, role=role, attempt=attempt, offset=offset)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)
    row = await parts.jobs.attempt(job_id, attempt)
    return JSONResponse(_document(row, role, await _chunk(parts, row, role, offset, limit)))


async def _chunk(parts: Parts, row: RowMapping, role: str, offset: int, limit: int) -> LogChunk:
    cluster = parts.clusters.get(row["cluster"])
    if cluster is None:
        raise ClusterUnavailable(f"The cluster {row['cluster']} is not configured here.")
    return await cluster.read_log(row["namespace"], row["application"], role=role, offset=offset, limit=limit)


def _document(row: RowMapping, role: str, chunk: LogChunk) -> dict[str, Any]:
    whole = chunk.data if chunk.complete else _whole_characters(chunk.data)
    return {
        "role": role,
        "attempt": row["number"],
        "text": whole.decode("utf-8", errors="replace"),
        "offset": chunk.offset,
        "next_offset": chunk.offset + len(whole),
        "size": chunk.size,
        "complete": chunk.complete,
    }


def _whole_characters(data: bytes) -> bytes:
    """Cut a character that the chunk ends in, so that the next chunk shows it."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0b1100_0000 == 0b1100_0000:  # first byte of a longer character
            needed = 4 if byte >= 0b1111_0000 else 3 if byte >= 0b1110_0000 else 2
            cut = data[:-back] if needed > back else data
            return cut or data
        if byte < 0b1000_0000:
            break
    return data


async def _follow(
    request: Request, parts: Parts, job_id: str, *, role: str, attempt: int | None, offset: int
) -> AsyncIterator[bytes]:
    """Yield what the log grows by until it ends; wait politely while there is none."""
    loop = asyncio.get_running_loop()
    heard = loop.time()
    while not await request.is_disconnected():
        over = await _is_over(parts, job_id, attempt)
        try:
            row = await parts.jobs.attempt(job_id, attempt)
            document = _document(row, role, await _chunk(parts, row, role, offset, MAX_LOG_BYTES))
        except (NoAttemptYet, LogNotFound, ClusterUnavailable):
            document = None
        if document is not None and document["text"]:
            offset, heard = document["next_offset"], loop.time()
            yield format_sse_event(data_str=json.dumps(document), event="chunk", id=str(offset))
        if over and (document is None or document["next_offset"] >= document["size"]):
            yield format_sse_event(data_str=json.dumps({"next_offset": offset}), event="end", id=str(offset))
            return
        if loop.time() - heard > PING_SECONDS:
            heard = loop.time()
            yield format_sse_event(comment="still here")
        if document is None or document["next_offset"] >= document["size"]:
            await parts.changes.wait(job_id, FOLLOW_SECONDS)


async def _is_over(parts: Parts, job_id: str, attempt: int | None) -> bool:
    """Whether the followed attempt has ended, so that its log will not grow any more."""
    row, attempts = await parts.jobs.read(job_id)
    if attempt is None:
        return JobState(row["state"]) in FINAL
    return any(one["number"] == attempt and one["ended_at"] is not None for one in attempts)
