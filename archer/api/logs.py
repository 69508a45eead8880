"""The route that reads a log: a part of it, or all that it grows by until its attempt has ended."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.sse import format_sse_event

from archer.api import schemas
from archer.api.deps import CallerDep, Parts, PartsDep, known_parameters
from archer.api.jobs import JobId
from archer.api.openapi import EVENT_STREAM, problem_answers
from archer.clusters.port import LogChunk
from archer.domain.masking import without_tokens
from archer.domain.states import FINAL, JobState
from archer.domain.tenancy.principal import Principal
from archer.errors import (
    ClusterUnavailable,
    FieldFault,
    InvalidParameter,
    LogNotFound,
    NotFound,
    StoreUnavailable,
)

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"], dependencies=[Depends(known_parameters)])

ROLE: Final = re.compile(r"(driver|executor-[1-9][0-9]{0,5})\Z")
MAX_LOG_BYTES: Final = 1024 * 1024
LONGEST_CHARACTER: Final = 4  # bytes of UTF-8; reading fewer might never come to the end of one
FOLLOW_SECONDS: Final = 0.5  # how often a followed log is looked at
PING_SECONDS: Final = 15.0  # below the idle limit of common proxies


@router.get(
    "/logs",
    response_model=schemas.LogRead,
    responses={200: EVENT_STREAM, **problem_answers(400, 401, 404, 409, 502, 503)},
)
async def read_log(
    request: Request,
    job_id: JobId,
    parts: PartsDep,
    caller: CallerDep,
    role: Annotated[str, Query(max_length=20, description="`driver` or `executor-<n>`.")] = "driver",
    attempt: Annotated[int | None, Query(ge=1, le=1000)] = None,
    offset: Annotated[int, Query(ge=-(2**53), le=2**53, description="Negative: from the end.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LOG_BYTES, description="Bytes, about.")] = 64 * 1024,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> Response:
    """Read a part of a log. With `Accept: text/event-stream`, follow one attempt: events `chunk`, then `end`.

    The `id` of each event is the offset behind it, so that a client that lost its connection goes on there.
    """
    if ROLE.match(role) is None:
        raise InvalidParameter(
            "A parameter is wrong.", (FieldFault("role", "form", "is driver or executor-<n>"),)
        )
    if "text/event-stream" in request.headers.get("accept", ""):
        await parts.jobs.version(job_id, caller.principal)
        if last_event_id is not None and last_event_id.isdecimal():
            offset = min(int(last_event_id), 2**53)
        stream = _follow(request, parts, job_id, _Place(role, attempt, offset), caller.principal)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)
    row = await parts.jobs.attempt(job_id, attempt, caller.principal)
    chunk = await _chunk(parts, row, _Place(role, attempt, offset), max(limit, LONGEST_CHARACTER))
    return JSONResponse(_document(row, role, chunk, is_over=False))


@dataclass(slots=True)
class _Place:
    """Which log, and how far it has been read. Where no attempt was named, the first that was met."""

    role: str
    attempt: int | None
    offset: int


async def _chunk(parts: Parts, row: schemas.Row, place: _Place, limit: int) -> LogChunk:
    cluster = parts.sites.current.clusters.get(row["cluster"])
    if cluster is None:
        raise ClusterUnavailable(f"The cluster {row['cluster']} is not configured here.")
    return await cluster.read_log(
        row["namespace"], row["application"], role=place.role, offset=place.offset, limit=limit
    )


def _document(row: schemas.Row, role: str, chunk: LogChunk, *, is_over: bool) -> dict[str, Any]:
    is_last = chunk.complete or (is_over and chunk.next_offset >= chunk.size)
    whole = chunk.data if is_last else _whole_characters(chunk.data)
    return {
        "role": role,
        "attempt": row["number"],
        "text": without_tokens(whole.decode("utf-8", errors="replace")),
        "offset": chunk.offset,
        "next_offset": chunk.offset + len(whole),
        "size": chunk.size,
        "complete": chunk.complete,
    }


def _whole_characters(data: bytes) -> bytes:
    """Cut a character that the chunk ends in, so that the next chunk shows it."""
    for back in range(1, min(LONGEST_CHARACTER, len(data)) + 1):
        byte = data[-back]
        if byte & 0b1100_0000 == 0b1100_0000:  # first byte of a longer character
            needed = 4 if byte >= 0b1111_0000 else 3 if byte >= 0b1110_0000 else 2
            return data[:-back] if needed > back else data
        if byte < 0b1000_0000:
            break
    return data


async def _follow(
    request: Request, parts: Parts, job_id: str, place: _Place, principal: Principal
) -> AsyncIterator[bytes]:
    """Yield what the log grows by until its attempt ended; wait politely while there is none."""
    loop = asyncio.get_running_loop()
    heard = loop.time()
    with parts.changes.watching(job_id) as watch:
        while not await request.is_disconnected():
            is_over, found = await _look(parts, job_id, place, principal)
            if found is not None and found["text"]:
                place.offset, heard = found["next_offset"], loop.time()
                yield format_sse_event(data_str=json.dumps(found), event="chunk", id=str(place.offset))
            if found is not None and found["text"] and found["next_offset"] < found["size"]:
                continue
            if is_over:
                end = json.dumps({"attempt": place.attempt, "next_offset": place.offset})
                yield format_sse_event(data_str=end, event="end", id=str(place.offset))
                return
            if loop.time() - heard > PING_SECONDS:
                heard = loop.time()
                yield format_sse_event(comment="still here")
            await watch.wait(FOLLOW_SECONDS)


async def _look(
    parts: Parts, job_id: str, place: _Place, principal: Principal
) -> tuple[bool, dict[str, Any] | None]:
    """Whether the log will not grow any more, and its next part, if there is one.

    A cluster or a database that does not answer has not said that the log is over.
    """
    try:
        job, attempts = await parts.jobs.read(job_id, principal)
        if place.attempt is None and attempts:
            place.attempt = attempts[-1]["number"]
        row = next((one for one in attempts if one["number"] == place.attempt), None)
        is_over = JobState(job["state"]) in FINAL or (row is not None and row["ended_at"] is not None)
        if row is None:
            return is_over, None
        try:
            chunk = await _chunk(parts, row, place, MAX_LOG_BYTES)
        except LogNotFound:
            return is_over, None
        return is_over, _document(row, place.role, chunk, is_over=is_over)
    except NotFound:  # removed while it was followed
        return True, None
    except (ClusterUnavailable, StoreUnavailable):
        return False, None
