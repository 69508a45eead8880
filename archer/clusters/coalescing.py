"""Groups the changes of a watch, so that those which come together are written together.

The reader never waits for the writer longer than the bound of its queue: an API server closes a watch that is
not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, TypeVar

from archer.clusters.port import Change, DriverChange

C = TypeVar("C", Change, DriverChange)

MAX_WAITING: Final = 10_000
MAX_TOGETHER: Final = 500


async def coalesced(
    changes: AsyncIterator[C], *, flush_seconds: float, stop: asyncio.Event
) -> AsyncIterator[list[C]]:
    """Yield what came within *flush_seconds* together, only the latest change of each object.

    Ends when the stream ends or *stop* is set; raises what broke the stream.
    """
    waiting: asyncio.Queue[C] = asyncio.Queue(maxsize=MAX_WAITING)
    reader = asyncio.create_task(_read_into(waiting, changes))
    stopping = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            if waiting.empty():
                if reader.done():
                    await reader
                    return
                arrival = asyncio.create_task(waiting.get())
                await asyncio.wait({arrival, stopping, reader}, return_when=asyncio.FIRST_COMPLETED)
                if not arrival.done():
                    arrival.cancel()
                    continue
                first = arrival.result()
            else:
                first = waiting.get_nowait()
            if first.kind != "bookmark":
                await asyncio.wait({stopping, reader}, timeout=flush_seconds)
            yield _latest(first, waiting)
    finally:
        for task in (reader, stopping):
            task.cancel()


def _latest(first: C, waiting: asyncio.Queue[C]) -> list[C]:
    found = {_key(first): first}
    while not waiting.empty() and len(found) < MAX_TOGETHER:
        change = waiting.get_nowait()
        found.pop(_key(change), None)  # to the end, since the last version counts
        found[_key(change)] = change
    return list(found.values())


def _key(change: Change | DriverChange) -> str:
    if isinstance(change, DriverChange):
        return change.driver.pod if change.driver is not None else ""
    return change.application.name if change.application is not None else ""


async def _read_into(waiting: asyncio.Queue[C], changes: AsyncIterator[C]) -> None:
    async for change in changes:
        await waiting.put(change)
