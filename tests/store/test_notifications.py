"""Hints arrive, and come again after a lost connection."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from archer.store import cancels, notifications
from tests.builders import insert, job_in, new_job, rows
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch):
    monkeypatch.setattr(notifications, "RECONNECT_SECONDS", 0.05)


@asynccontextmanager
async def listening(dsn, channel):
    """Collect the payloads of a channel; the first is the empty one that tells that it listens."""
    heard: list[str] = []
    stop = asyncio.Event()
    task = asyncio.create_task(notifications.listen(dsn, channel, heard.append, stop=stop))

    async def has_begun() -> bool:
        return bool(heard)

    await eventually(has_begun)
    try:
        yield heard
    finally:
        stop.set()
        await task


async def test_a_new_job_is_a_hint_for_dispatchers(dsn, database):
    async with listening(dsn, notifications.WORK) as heard:
        await insert(database, new_job())

        async def came() -> bool:
            return len(heard) == 2

        await eventually(came)


async def test_each_change_of_a_job_names_it(dsn, database):
    async with listening(dsn, notifications.CHANGES) as heard:
        job = await job_in(database, "running")
        async with database.transaction() as tx:
            await cancels.request(tx, [job], principal="amara", reason="cancelled", message="")

        async def came() -> bool:
            return heard[1:] == [job] * 3  # placed; submitted and running together; cancelling

        await eventually(came)


async def test_a_lost_connection_is_made_again_and_says_that_something_may_have_been_missed(dsn, database):
    async with listening(dsn, notifications.WORK) as heard:
        await rows(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'",
        )

        async def said_again() -> bool:
            return heard.count("") == 2

        await eventually(said_again)
        await insert(database, new_job())

        async def came() -> bool:
            return len(heard) == 3

        await eventually(came)
