"""Logs, as Archer gives them. Moka UI keeps none and asks no cluster itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import httpx2
from fastapi import APIRouter, Header, Query
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from archer.errors import Unavailable
from moka_ui.api.deps import Archer, JobId
from moka_ui.api.problems import MEDIA_TYPE, Problem
from moka_ui.api.schemas import LogChunk
from moka_ui.filters import LogQuery

EVENTS: Final = "text/event-stream"
PIECE: Final = 1024 * 1024  # bytes; the most that Archer gives at once
LARGEST_PROBLEM: Final = 64 * 1024
NO_STORE: Final = {"cache-control": "no-store"}
Ask = Annotated[LogQuery, Query()]

router = APIRouter(
    prefix="/api/jobs/{job_id}/logs",
    tags=["logs"],
    responses={404: {"model": Problem}, 503: {"model": Problem}},
)


class ArcherUnavailable(Unavailable):
    """Archer, which has the logs, does not answer."""

    code = "archer-unavailable"


@router.get("", operation_id="readLog", response_model=LogChunk)
async def read_log(job: JobId, ask: Ask, archer: Archer) -> Response:
    """Read a piece of a log."""
    answer = await _ask(archer, job, ask, {"accept": "application/json"})
    if answer.status_code != httpx2.codes.OK:
        return await _refusal(answer)
    return _stream(answer, "application/json", {})


@router.get("/follow", operation_id="followLog", response_class=StreamingResponse)
async def follow_log(
    job: JobId, ask: Ask, archer: Archer, last_event_id: Annotated[str | None, Header(max_length=32)] = None
) -> Response:
    """Follow a log as server-sent events: ``chunk`` with a piece each, at last ``end``."""
    headers = {"accept": EVENTS}
    if last_event_id is not None and last_event_id.isdecimal():
        headers["last-event-id"] = last_event_id
    answer = await _ask(archer, job, ask, headers, timeout=None)
    if answer.status_code != httpx2.codes.OK:
        return await _refusal(answer)
    return _stream(answer, EVENTS, {"x-accel-buffering": "no"})


@router.get("/download", operation_id="downloadLog", response_class=StreamingResponse)
async def download_log(job: JobId, ask: Ask, archer: Archer) -> Response:
    """Download a log from its first byte to what is its last one now."""
    ask = ask.model_copy(update={"offset": 0, "limit": PIECE})
    first = await _ask(archer, job, ask, {"accept": "application/json"})
    if first.status_code != httpx2.codes.OK:
        return await _refusal(first)
    await first.aread()
    chunk = LogChunk.model_validate_json(first.content)
    name = f"{job}-{chunk.attempt}-{chunk.role}.log"
    headers = {**NO_STORE, "content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_pieces(archer, job, ask, chunk), 200, headers, "text/plain; charset=utf-8")


async def _pieces(archer: Archer, job: str, ask: LogQuery, chunk: LogChunk) -> AsyncIterator[bytes]:
    end = chunk.size
    yield chunk.text.encode()
    while chunk.offset < chunk.next_offset < end:
        further = ask.model_copy(update={"attempt": chunk.attempt, "offset": chunk.next_offset})
        answer = await _ask(archer, job, further, {"accept": "application/json"})
        await answer.aread()
        answer.raise_for_status()  # the download breaks off, which a client sees
        chunk = LogChunk.model_validate_json(answer.content)
        yield chunk.text.encode()


async def _ask(
    archer: Archer, job: str, ask: LogQuery, headers: dict[str, str], **options: Any
) -> httpx2.Response:
    request = archer.build_request(
        "GET", f"/v1/jobs/{job}/logs", params=ask.parameters, headers=headers, **options
    )
    try:
        return await archer.send(request, stream=True)
    except httpx2.TransportError as error:
        raise ArcherUnavailable("Archer, which has the logs, does not answer.") from error


async def _refusal(answer: httpx2.Response) -> Response:
    """What Archer says against it, word for word; anything but a problem is hidden."""
    body = await answer.aread()
    is_problem = answer.headers.get("content-type", "").startswith(MEDIA_TYPE)
    if not is_problem or len(body) > LARGEST_PROBLEM or answer.status_code == httpx2.codes.UNAUTHORIZED:
        raise ArcherUnavailable(f"Archer, which has the logs, answers {answer.status_code}.")
    return Response(body, answer.status_code, NO_STORE, MEDIA_TYPE)


def _stream(answer: httpx2.Response, media_type: str, headers: dict[str, str]) -> StreamingResponse:
    return StreamingResponse(
        _bytes(answer), 200, {**NO_STORE, **headers}, media_type, background=BackgroundTask(answer.aclose)
    )


async def _bytes(answer: httpx2.Response) -> AsyncIterator[bytes]:
    """Pass on what comes. When the connection to Archer breaks, the answer ends, and the page asks again."""
    try:
        async for piece in answer.aiter_bytes():
            yield piece
    except httpx2.TransportError:
        return
    finally:
        await answer.aclose()
