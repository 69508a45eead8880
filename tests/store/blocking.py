"""Seeing that a statement waits for another transaction's lock."""

from __future__ import annotations

from archer.store.engine import Database
from tests.builders import rows
from tests.waiting import eventually

WAITING = """
    SELECT count(*) AS number FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def until_blocked(database: Database, *, statements: int = 1) -> None:
    """Wait until so many statements of this database wait for a lock."""

    async def are_blocked() -> bool:
        return (await rows(database, WAITING))[0]["number"] >= statements

    await eventually(are_blocked)
