"""Parts of a pod's log. The API server counts lines and seconds, so offsets are counted here.

An offset is one into what the kubelet holds now: once it has rotated a log, what was before is gone, and the
offsets begin anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from archer.clusters.kubernetes import statuses
from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.kubernetes.connection import Answer, Ask, Connection
from archer.clusters.kubernetes.paths import pod_path
from archer.clusters.port import LogChunk
from archer.errors import ClusterUnavailable, LogNotFound

WINDOW_BYTES: Final = 1024 * 1024  # how far behind the asked part the size is counted
COUNTED_BYTES: Final = 32 * 1024 * 1024  # a kubelet keeps 10 MiB of a log by default
LINE_BYTES: Final = 64  # a short line, so that as many of them are at least as long as what is asked
MOST_LINES: Final = 100_000
SECONDS: Final = 60.0
# waiting to start, not scheduled, no such container, or the pod is gone
NO_LOG: Final = ("BadRequest", "NotFound")
# the kubelet says this with a 200, when the container's files are gone
NO_FILES: Final = b"unable to retrieve container logs for "


@dataclass(slots=True)
class Cut:
    """What was taken out of a stream: the part, where it lies, and whether the stream was read to its end."""

    data: bytes
    offset: int
    size: int
    is_whole: bool


class Logs:
    """Logs of one cluster's pods."""

    def __init__(self, config: KubernetesConfig, connection: Connection) -> None:
        self._config = config
        self._connection = connection

    async def read(self, pod: Mapping[str, Any], container: str, *, offset: int, limit: int) -> LogChunk:
        """Read up to *limit* bytes of a container's log; a negative *offset* counts from the end.

        Args:
            pod: As it was read before the log: what had ended then has no more to say.
            container: Its name.
            offset: In bytes.
            limit: In bytes.
        """
        path = f"{pod_path(pod['metadata']['namespace'], pod['metadata']['name'])}/log"
        try:
            async with asyncio.timeout(SECONDS):
                if offset >= 0:
                    cut = await self._part(path, container, offset=offset, limit=limit)
                else:
                    cut = await self._tail(path, container, count=-offset, limit=limit)
        except TimeoutError as error:
            raise ClusterUnavailable(f"{self._config.name}: a log longer than its deadline") from error
        end = cut.offset + len(cut.data)
        complete = has_ended(pod, container) and cut.is_whole and end >= cut.size
        return LogChunk(cut.data, cut.offset, end, cut.size, complete)

    async def _part(self, path: str, container: str, *, offset: int, limit: int) -> Cut:
        most = offset + limit + WINDOW_BYTES
        kept = bytearray()
        size = 0
        async for chunk in self._bytes(path, {"container": container, "limitBytes": str(most)}):
            first, last = max(0, offset - size), offset + limit - size
            if last > 0:
                kept += chunk[first:last]
            size += len(chunk)
        return Cut(bytes(kept), min(offset, size), size, size < most)

    async def _tail(self, path: str, container: str, *, count: int, limit: int) -> Cut:
        """Count from the start where that is cheap, so that offsets are true; else ask for the last lines."""
        query = {"container": container, "limitBytes": str(COUNTED_BYTES)}
        last, size = await self._last(path, query, count=count)
        if size < COUNTED_BYTES:
            return Cut(last[:limit], size - len(last), size, is_whole=True)
        lines = count // LINE_BYTES + 1
        while True:
            last, told = await self._last(
                path, {"container": container, "tailLines": str(lines)}, count=count
            )
            if told >= count or lines >= MOST_LINES:
                break
            lines = min(lines * 8, MOST_LINES)
        size = max(size, told)  # at least: how long it is before these lines, nobody counts
        return Cut(last[:limit], size - len(last), size, is_whole=True)

    async def _last(self, path: str, query: Mapping[str, str], *, count: int) -> tuple[bytes, int]:
        kept = bytearray()
        size = 0
        async for chunk in self._bytes(path, query):
            kept += chunk
            size += len(chunk)
            if len(kept) > 2 * count + WINDOW_BYTES:
                del kept[:-count]
        return bytes(kept[-count:]), size

    async def _bytes(self, path: str, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        stream = self._connection.stream(
            Ask("GET", path, query), silence_seconds=self._config.timeout_seconds
        )
        async with stream as response:
            if response.status == 204:  # the pod is on no node. Source: apiserver, rest.StreamerHandler
                raise LogNotFound("no container of the pod was ever started")
            if response.status != 200:
                refusal = await Answer.refused(response)
                if refusal.status.reason in NO_LOG:
                    raise LogNotFound(refusal.status.message)
                raise refusal.failure("read", cluster=self._config.name)
            is_first = True
            while chunk := await response.content.readany():
                if is_first and chunk.startswith(NO_FILES):
                    raise LogNotFound(chunk[: statuses.MAX_MESSAGE].decode(errors="replace"))
                is_first = False
                yield chunk


def has_ended(pod: Mapping[str, Any], container: str) -> bool:
    """Whether the container has written its last."""
    status = pod.get("status") or {}
    for one in status.get("containerStatuses") or ():
        if one.get("name") == container:
            return bool((one.get("state") or {}).get("terminated"))
    return status.get("phase") in ("Succeeded", "Failed")
