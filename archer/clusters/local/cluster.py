"""The port's adapter: reads and writes files only, so any process may open it beside the operator."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

from archer.clusters.local import files, logs, manifest, status
from archer.clusters.local.applications import Applications, Stored
from archer.clusters.local.config import LocalConfig
from archer.clusters.local.driver import run
from archer.clusters.local.driver.run import Observed, Phase
from archer.clusters.local.driver.supervisor import now
from archer.clusters.local.journal import Journal, Kind, disk_errors
from archer.clusters.port import (
    Change,
    DriverChange,
    DriverEvidence,
    DriverListing,
    Listing,
    LogChunk,
    Manifest,
)
from archer.errors import ClusterUnavailable, LogNotFound, UidMismatch, WatchExpired
from archer.translate.observe import Application


class LocalCluster:
    """One local cluster, as ``archer.clusters.port`` describes clusters."""

    def __init__(self, config: LocalConfig) -> None:
        self.name = config.name
        self._config = config
        self._layout = config.layout
        self._journal = Journal(self._layout)
        self._applications = Applications(self._layout, self._journal)
        self._is_prepared = False
        self._is_closed = False

    async def probe(self) -> str:
        """Ask for the version, such as ``local spark 3.5.9``."""
        return await asyncio.to_thread(self._probe)

    async def create(self, manifest: Manifest) -> Application:
        """Create an application, under a name that was never used before."""
        return await asyncio.to_thread(self._create, manifest)

    async def get(self, namespace: str, name: str) -> Application | None:
        """Read one application; None once it and its processes are gone."""
        stored = await asyncio.to_thread(self._find, namespace, name)
        return stored.application if stored else None

    async def list(self) -> Listing:
        """Read all applications that carry a job id."""
        return await asyncio.to_thread(self._list)

    async def pages(self) -> AsyncIterator[Listing]:
        """Read the same, as one page: a local cluster is small."""
        yield await self.list()

    async def watch(self, resource_version: str) -> AsyncIterator[Change]:
        """Follow the journal; ends after ``close``."""
        async with contextlib.aclosing(self._follow(resource_version)) as entries:
            async for kind, version, stored in entries:
                application = stored.application if stored else None
                yield Change("bookmark" if application is None else kind, version, application)

    async def watch_drivers(self, resource_version: str) -> AsyncIterator[DriverChange]:
        """Follow the drivers by the same journal, which tells of their beginnings and ends too."""
        async with contextlib.aclosing(self._follow(resource_version)) as entries:
            async for kind, version, stored in entries:
                driver = await asyncio.to_thread(_evidence, stored) if stored else None
                yield DriverChange("bookmark" if driver is None else kind, version, driver)

    async def driver_pages(self) -> AsyncIterator[DriverListing]:
        """Read all drivers, as one page."""
        yield await self.list_drivers()

    async def list_drivers(self) -> DriverListing:
        """Describe the drivers of all applications that the operator has seen."""
        return await asyncio.to_thread(self._list_drivers)

    async def _follow(self, resource_version: str) -> AsyncGenerator[tuple[Kind, str, Stored | None], None]:
        """Follow the journal; without an application it is a bookmark."""
        position = await asyncio.to_thread(self._position, resource_version)
        spoke_at = time.monotonic()
        while not self._is_closed:
            if self._journal.size() != position:
                position, changes = await asyncio.to_thread(self._changes, position)
                for change in changes:
                    yield change
                    spoke_at = time.monotonic()
            elif time.monotonic() - spoke_at > self._config.bookmark_seconds:
                # a root that was replaced meanwhile shows here at the latest
                version = f"{resource_version.partition('.')[0]}.{position}"
                await asyncio.to_thread(self._position, version)
                yield "upserted", version, None
                spoke_at = time.monotonic()
            await asyncio.sleep(self._config.poll_seconds)

    async def delete(self, namespace: str, name: str, uid: str) -> None:
        """Ask the operator to end the run and to remove the application."""
        await asyncio.to_thread(self._delete, namespace, name, uid)

    async def driver(self, namespace: str, application: str) -> DriverEvidence | None:
        """Describe the driver; None before the operator has seen the application, and after its removal."""
        return await asyncio.to_thread(self._driver, namespace, application)

    async def read_log(
        self, namespace: str, application: str, *, role: str, offset: int, limit: int
    ) -> LogChunk:
        """Read a part of the driver's log, after the application's removal too."""
        return await asyncio.to_thread(
            self._read_log, namespace, application, role=role, offset=offset, limit=limit
        )

    async def close(self) -> None:
        """End the watches."""
        self._is_closed = True

    def _prepare(self) -> None:
        if not self._is_prepared:
            self._journal.prepare()
            self._is_prepared = True

    def _probe(self) -> str:
        self._journal.prepare()
        probe = self._layout.assembly / f"probe-{uuid.uuid4().hex}"
        with disk_errors("write to its directory"):
            files.write(probe, b"probe")
            probe.unlink()
        if not (self._config.spark / "bin" / "spark-submit").exists():
            raise ClusterUnavailable(f"local cluster: no bin/spark-submit in {self._config.spark}")
        return f"local spark {spark_version(self._config.spark)}"

    def _create(self, wanted: Manifest) -> Application:
        created_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
        resource = manifest.resource(
            wanted, uid=str(uuid.uuid4()), created_at=created_at.replace("+00:00", "Z")
        )
        self._prepare()
        return self._applications.place(resource).application

    def _find(self, namespace: str, name: str) -> Stored | None:
        self._prepare()
        stored = self._applications.read(name)
        if stored is None:
            # a root that went away holds nothing we could call absent
            self._journal.version()
            return None
        return stored if stored.application.namespace == namespace else None

    def _list(self) -> Listing:
        found, version = self._all()
        return Listing([stored.application for stored in found], version)

    def _list_drivers(self) -> DriverListing:
        found, version = self._all()
        return DriverListing([one for stored in found if (one := _evidence(stored))], version)

    def _all(self) -> tuple[list[Stored], str]:
        self._prepare()
        with self._journal.reading():
            version = self._journal.version()
            found = self._applications.all()
        return [stored for stored in found if stored.application.job_id], version

    def _position(self, version: str) -> int:
        self._prepare()
        return self._journal.position(version)

    def _changes(self, position: int) -> tuple[int, list[tuple[Kind, str, Stored]]]:
        changes: list[tuple[Kind, str, Stored]] = []
        with self._journal.reading():
            end = self._journal.size()
            if end < position:
                raise WatchExpired("the journal is shorter than it was")
            entries = self._journal.entries(position)
            last = {entry.name: entry for entry in entries}
            for entry in entries:
                # only the present can be read, so each application is said once
                if last[entry.name] is not entry:
                    continue
                stored = self._applications.changed(entry)
                if stored is not None and stored.application.job_id:
                    changes.append((entry.kind, entry.version, stored))
        return end, changes

    def _delete(self, namespace: str, name: str, uid: str) -> None:
        stored = self._find(namespace, name)
        if stored is None:
            return
        if stored.uid != uid:
            raise UidMismatch(f"{name} has the uid {stored.uid}")
        if not stored.is_deletion_asked:
            self._applications.ask_deletion(stored, at=now())

    def _driver(self, namespace: str, name: str) -> DriverEvidence | None:
        stored = self._find(namespace, name)
        return _evidence(stored, has_tail=True) if stored else None

    def _read_log(self, namespace: str, name: str, *, role: str, offset: int, limit: int) -> LogChunk:
        stored = self._find(namespace, name) or self._applications.read_deleted(name)
        if role != "driver" or stored is None or stored.application.namespace != namespace:
            raise LogNotFound(f"no log of {role} of {name}")
        # first whether it ended, then its size: so a complete chunk is really the last
        is_deleted = stored.directory.parent == self._layout.deleted
        has_ended = is_deleted or _from_files(stored).phase in (Phase.ENDED, Phase.VANISHED)
        directory = stored.directory if stored.directory.exists() else self._layout.deleted / name
        try:
            return logs.read(directory / logs.LOG, offset=offset, limit=limit, has_ended=has_ended)
        except FileNotFoundError as error:
            raise LogNotFound(f"the driver of {name} has not written yet") from error


def spark_version(spark_home: Path) -> str:
    """Version of the Spark in *spark_home*, by the name of its core library."""
    found = sorted(spark_home.glob("jars/spark-core_*.jar"))
    return found[0].stem.rpartition("-")[2] if found else "unknown"


def _evidence(stored: Stored, *, has_tail: bool = False) -> DriverEvidence | None:
    """Describe the driver, with its last words when they are wanted; None before the operator has seen it."""
    application = stored.application
    if not application.application_state:
        return None
    observed = _from_files(stored)
    tail = logs.tail(stored.directory) if has_tail and observed.exit else b""
    return status.evidence(application, observed, status=stored.resource["status"], log_tail=tail)


def _from_files(stored: Stored) -> Observed:
    """Where a run stands without looking at locks, which are the operator's to judge."""
    started = run.read_started(stored.directory)
    if started is None:
        return Observed(Phase.PENDING)
    ended = run.read_exit(stored.directory)
    if ended is not None:
        return Observed(Phase.ENDED, *started, ended)
    is_over = bool(stored.resource["status"].get("terminationTime"))
    return Observed(Phase.VANISHED if is_over else Phase.RUNNING, *started)
