"""Changes that come together are yielded together, and none is lost at a stream's end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from archer.clusters import coalescing
from archer.clusters.coalescing import coalesced
from archer.clusters.port import Change
from archer.errors import ClusterUnavailable
from tests.builders import application


def change(number: int, job: str = "job") -> Change:
    return Change("upserted", str(number), application(job, resource_version=str(number)))


async def stream(*items: Change | Exception) -> AsyncIterator[Change]:
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


async def collected(*items: Change | Exception) -> list[list[str]]:
    batches = coalesced(stream(*items), flush_seconds=0.01, stop=asyncio.Event())
    return [[change.resource_version for change in batch] async for batch in batches]


async def test_only_the_latest_change_of_each_object_is_kept_and_the_last_version_is_last():
    assert await collected(change(1, "a"), change(2, "b"), change(3, "a")) == [["2", "3"]]


async def test_what_came_before_the_end_is_yielded(monkeypatch):
    monkeypatch.setattr(coalescing, "MAX_TOGETHER", 2)
    changes = [change(number, f"job-{number}") for number in range(5)]
    assert await collected(*changes) == [["0", "1"], ["2", "3"], ["4"]]


async def test_what_came_before_a_break_is_yielded_and_then_the_break_is_raised():
    batches = coalesced(
        stream(change(1), ClusterUnavailable("reset")), flush_seconds=0.01, stop=asyncio.Event()
    )
    assert [one.resource_version for one in await anext(batches)] == ["1"]
    with pytest.raises(ClusterUnavailable):
        await anext(batches)


async def test_a_bookmark_waits_for_nobody():
    async def endless() -> AsyncIterator[Change]:
        yield Change("bookmark", "7", None)
        await asyncio.Event().wait()

    batches = coalesced(endless(), flush_seconds=3600, stop=asyncio.Event())
    async with asyncio.timeout(20):
        assert [one.resource_version for one in await anext(batches)] == ["7"]


async def test_it_ends_when_it_is_told_to():
    stop = asyncio.Event()

    async def silent() -> AsyncIterator[Change]:
        stop.set()
        await asyncio.Event().wait()
        yield change(1)

    assert [batch async for batch in coalesced(silent(), flush_seconds=1, stop=stop)] == []
