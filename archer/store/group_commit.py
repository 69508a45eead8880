"""Many submits, one commit.

The first submit is written at once; those that come while it is being written share the next transaction.
There is no timer: an idle Archer adds no delay, a busy one commits as often as Postgres can. A submit is
answered after the commit that holds it, never before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from sqlalchemy.exc import DataError

from archer.errors import Overloaded, StoreUnavailable
from archer.store import submits
from archer.store.engine import Database
from archer.store.submits import Accepted, NewJob

MAX_ROWS_PER_COMMIT: Final = 256  # beyond it a row costs Postgres no less, and a failure takes more with it
MAX_WAITING: Final = 20_000
MAX_TRIES: Final = 3  # of a submit whose correlated job ends at the same moment


@dataclass(slots=True)
class _Waiting:
    job: NewJob
    done: asyncio.Future[Accepted]
    tries: int = 0


class GroupCommit:
    """Collects submits of one process and writes them in batches."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[_Waiting] = deque()
        self._flusher: asyncio.Task[None] | None = None

    async def submit(self, job: NewJob) -> Accepted:
        """Store *job*, together with whatever else is waiting; returns after the commit.

        Raises:
            Overloaded: Too many are waiting already; nothing was stored.
            StoreUnavailable: It is not known to be stored; the same idempotency key makes a repeat safe.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise Overloaded(f"{MAX_WAITING} submits are waiting")
        waiting = _Waiting(job, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush(), name="group-commit")
        return await waiting.done

    async def _flush(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_ROWS_PER_COMMIT))]
            await self._write(batch)

    async def _write(self, batch: list[_Waiting]) -> None:
        try:
            async with self._database.transaction() as tx:
                results = await submits.insert(tx, [waiting.job for waiting in batch])
        except DataError as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            for waiting in batch:  # one bad row must not take the others with it
                await self._write([waiting])
            return
        except Exception as error:  # whoever waits must be told, whatever it was
            _fail(batch, error)
            return
        for waiting, accepted in zip(batch, results, strict=True):
            self._settle(waiting, accepted)

    def _settle(self, waiting: _Waiting, accepted: Accepted | None) -> None:
        if waiting.done.done():  # the caller went away
            return
        if accepted is not None:
            waiting.done.set_result(accepted)
            return
        waiting.tries += 1
        if waiting.tries < MAX_TRIES:
            self._waiting.append(waiting)
        else:
            waiting.done.set_exception(StoreUnavailable("the correlated job changes too quickly"))


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)
