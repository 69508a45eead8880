"""Hints from Postgres that something changed. Never the record: who waits for one also looks by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import psycopg
import structlog
from psycopg import sql

WORK: Final = "archer_work"
CHANGES: Final = "archer_changes"
RECONNECT_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


async def listen(dsn: str, channel: str, on_hint: Callable[[str], None], *, stop: asyncio.Event) -> None:
    """Call *on_hint* with the payload of each notification on *channel* until *stop* is set.

    A lost connection is made again; an empty hint follows, since some may have been missed.
    """
    while not stop.is_set():
        try:
            async with await psycopg.AsyncConnection.connect(
                dsn, autocommit=True, connect_timeout=5
            ) as connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                on_hint("")
                while not stop.is_set():
                    async for notification in connection.notifies(timeout=RECONNECT_SECONDS):
                        on_hint(notification.payload)
        except psycopg.Error as error:
            log.warning(
                "hints are off while Postgres is away", channel=channel, error=str(error).split("\n")[0]
            )
            await _pause(stop)


async def _pause(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), RECONNECT_SECONDS)
    except TimeoutError:
        return
