"""The one loop that starts drivers, at most so many at once, and writes what became of them.

Stateless but for what it read: everything it knows it finds again in files and locks, so it may be killed
at any step. Drivers run on without it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from typing import Final

import structlog

from archer.clusters.local import files, logs, status
from archer.clusters.local.applications import Applications, Stored
from archer.clusters.local.config import LocalConfig
from archer.clusters.local.driver import run, submission
from archer.clusters.local.driver.run import Observed, Phase
from archer.clusters.local.driver.supervisor import now
from archer.clusters.local.journal import Journal, disk_errors
from archer.errors import ClusterError

RETRY_SECONDS: Final = 1.0
STANDBY_SECONDS: Final = 0.5


class LocalOperator:
    """Starts and observes the drivers of one local cluster."""

    def __init__(self, config: LocalConfig) -> None:
        self._config = config
        self._log = structlog.get_logger().bind(cluster=config.name)
        self._layout = config.layout
        self._journal = Journal(self._layout)
        self._applications = Applications(self._layout, self._journal)
        self._open: dict[str, Stored] = {}
        self._waiting: set[str] = set()
        self._waits_until: dict[str, float] = {}
        self._asked_to_end_at: dict[str, float] = {}
        self._app_ids: dict[str, str] = {}
        self._position = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Operate until *stop* is set; stands by while another process operates this root.

        Leaves drivers running. Raises ``ClusterUnavailable`` when the root cannot be used at all.
        """
        lock = await self._take_lead(stop)
        if lock is None:
            return
        with files.closing(lock):
            await asyncio.to_thread(self._begin)
            while not stop.is_set():
                try:
                    await asyncio.to_thread(self._round)
                except (ClusterError, OSError) as error:
                    self._log.warning("a round broke off", error=str(error))
                await _pause(stop, self._config.poll_seconds)

    async def _take_lead(self, stop: asyncio.Event) -> int | None:
        self._journal.prepare()
        is_told = False
        while not stop.is_set():
            with disk_errors("lock its operator's file"):
                lock = files.try_lock(self._layout.operator_lock)
            if lock is not None:
                return lock
            if not is_told:
                self._log.warning("another process operates this cluster; standing by")
                is_told = True
            await _pause(stop, STANDBY_SECONDS)
        return None

    def _begin(self) -> None:
        with disk_errors("write Spark's log settings"):
            files.write(self._layout.spark_conf / "log4j2.properties", logs.CONFIGURATION.encode())
            for entry in os.scandir(self._layout.assembly):
                if entry.stat().st_mtime < time.time() - 3600:
                    shutil.rmtree(entry.path, ignore_errors=True)
        with self._journal.reading():
            self._position = self._journal.size()
            self._waiting = set()
            self._open = {stored.directory.name: stored for stored in self._applications.all()}

    def _round(self) -> None:
        self._waiting -= self._discover()
        busy = 0
        for name in [name for name in self._open if name not in self._waiting]:
            stored = self._open[name]
            try:
                phase = self._settle(stored)
            except (ClusterError, OSError) as error:
                self._log.warning("could not settle an application", application=name, error=str(error))
                busy += 1  # it may be running
                continue
            busy += phase in (Phase.RUNNING, Phase.ORPHANED)
            if phase is Phase.PENDING:
                # nothing changes about it but by the journal or by our starting it
                self._waiting.add(name)
        if busy < self._config.slots:
            self._start_oldest(self._config.slots - busy)

    def _discover(self) -> set[str]:
        """Load what changed since the last look, our own changes too; returns the names."""
        changed: set[str] = set()
        if self._journal.size() == self._position:
            return changed
        with self._journal.reading():
            end = self._journal.size()
            for name in {entry.name for entry in self._journal.entries(self._position)}:
                stored = self._applications.read(name)
                if stored is not None:
                    self._open[name] = stored
                    changed.add(name)
            self._position = end
        return changed

    def _settle(self, stored: Stored) -> Phase:
        """Bring one application's status, and what was asked of it, nearer to the truth."""
        name = stored.directory.name
        is_deletion_asked = stored.is_deletion_asked
        observed = run.observe(stored.directory, stored.uid)
        if is_deletion_asked and observed.phase is Phase.PENDING:
            # it may begin only if this fails; then the next round ends it
            run.withdraw(stored.directory, at=now(), error="deleted before it started")
            observed = run.observe(stored.directory, stored.uid)
        if observed.phase is Phase.ORPHANED:
            run.kill_orphans(stored.directory, stored.uid, observed=observed)
            return observed.phase
        if not is_deletion_asked:
            # else no verdict any more: the end that follows is the deletion's doing
            stored = self._report(stored, observed)
        if observed.phase in (Phase.ENDED, Phase.VANISHED):
            shutil.rmtree(stored.directory / "work", ignore_errors=True)
            if is_deletion_asked:
                self._applications.remove(stored)
            self._forget(name)
        elif is_deletion_asked and observed.phase is Phase.RUNNING:
            self._end(stored, observed)
        return observed.phase

    def _report(self, stored: Stored, observed: Observed) -> Stored:
        name, before = stored.directory.name, stored.resource["status"]
        if before.get("terminationTime"):
            return stored
        if name not in self._app_ids and observed.phase is not Phase.PENDING:
            found = before.get("sparkApplicationId") or logs.spark_app_id(stored.directory)
            if found:
                self._app_ids[name] = found
        after = status.status(name, observed, at=now(), spark_app_id=self._app_ids.get(name))
        if after != before:
            stored = self._applications.set_status(stored, after)
            self._open[name] = stored
        return stored

    def _start_oldest(self, count: int) -> None:
        for name in sorted(self._waiting, key=self._age):
            if self._start(self._open[name]):
                self._waiting.discard(name)
                count -= 1
            if count == 0:
                return

    def _start(self, stored: Stored) -> bool:
        """Start a driver; False when that has to wait for another round."""
        name = stored.directory.name
        if self._waits_until.get(name, 0) > time.monotonic():
            return False
        try:
            try:
                order = submission.order(stored.resource, self._places(stored))
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                run.withdraw(stored.directory, at=now(), error=f"the manifest cannot be run here: {error}")
            else:
                run.spawn(stored.directory, stored.uid, order=order)
        except (ClusterError, OSError) as error:
            self._log.warning("could not start a driver; trying again", application=name, error=str(error))
            self._waits_until[name] = time.monotonic() + RETRY_SECONDS
            return False
        return True

    def _end(self, stored: Stored, observed: Observed) -> None:
        asked_at = self._asked_to_end_at.get(stored.uid)
        if asked_at is None:
            self._asked_to_end_at[stored.uid] = time.monotonic()
            run.signal_driver(stored.uid, observed, number=signal.SIGTERM)
        elif time.monotonic() > asked_at + self._config.cancel_grace_seconds:
            run.signal_driver(stored.uid, observed, number=signal.SIGKILL)

    def _age(self, name: str) -> tuple[str, str]:
        return self._open[name].application.created_at, name

    def _forget(self, name: str) -> None:
        stored = self._open.pop(name, None)
        self._waiting.discard(name)
        self._waits_until.pop(name, None)
        self._app_ids.pop(name, None)
        if stored is not None:
            self._asked_to_end_at.pop(stored.uid, None)

    def _places(self, stored: Stored) -> submission.Places:
        config, layout = self._config, self._layout
        return submission.Places(
            spark_home=config.spark,
            drivers=config.drivers,
            events=layout.events,
            conf=layout.spark_conf,
            home=layout.home,
            work=stored.directory / "work",
            python=sys.executable,
            search_path=os.environ.get("PATH", os.defpath),
            java_home=config.java,
            max_cores=config.max_cores,
        )


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but no longer than until *stop*."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
