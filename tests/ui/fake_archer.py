"""The part of Archer that Moka UI asks: logs, in pieces and followed. A real server; tests set its bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from fastapi import FastAPI, Header, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

LOOK_SECONDS = 0.02


@dataclass
class Log:
    """One driver's log; tests append while it is followed."""

    data: bytes = b""
    complete: bool = False


@dataclass
class FakeArcher:
    """Logs by job; what is not there answers as Archer does."""

    logs: dict[str, Log] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def app(self) -> FastAPI:
        """The ASGI application."""
        app = FastAPI()

        @app.get("/v1/jobs/{job_id}/logs")
        async def logs(
            request: Request,
            job_id: str,
            role: str = "driver",
            attempt: int = 1,
            offset: int = 0,
            limit: int = 65536,
            last_event_id: str | None = Header(None),
        ) -> Response:
            self.asked.append(str(request.url))
            log = self.logs.get(job_id)
            if log is None:
                return self._missing()
            if "text/event-stream" in request.headers.get("accept", ""):
                start = int(last_event_id) if last_event_id else offset
                return StreamingResponse(self._follow(log, start), media_type="text/event-stream")
            return JSONResponse(self._chunk(log, offset, limit))

        return app

    def _missing(self) -> Response:
        body = {"type": "https://moka.dev/docs/errors#log-not-found", "title": "Log not found", "status": 404,
                "detail": "The cluster holds no log of this driver.", "errors": []}  # fmt: skip
        return JSONResponse(body, 404, media_type="application/problem+json")

    def _chunk(self, log: Log, offset: int, limit: int) -> dict[str, object]:
        piece = log.data[offset : offset + limit]
        end = offset + len(piece)
        return {
            "text": piece.decode(errors="replace"),
            "offset": offset,
            "next_offset": end,
            "role": "driver",
            "size": len(log.data),
            "complete": log.complete and end >= len(log.data),
            "attempt": 1,
        }

    async def _follow(self, log: Log, offset: int) -> AsyncIterator[str]:
        while True:
            if offset < len(log.data):
                chunk = self._chunk(log, offset, 65536)
                offset = int(str(chunk["next_offset"]))
                yield f"event: chunk\nid: {offset}\ndata: {json.dumps(chunk)}\n\n"
            elif log.complete:
                yield "event: end\ndata: {}\n\n"
                return
            await asyncio.sleep(LOOK_SECONDS)
