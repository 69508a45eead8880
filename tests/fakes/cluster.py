"""A cluster in memory that does what a test tells it to, and passes the conformance suite of the port.

It does not run anything: a test moves applications through the operator's states, gives driver evidence and
log text, and says which call fails how. ``tests/cluster`` keeps it honest.
"""

from __future__ import annotations

import builtins
import copy
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Literal

from archer.clusters.port import (
    Change,
    DriverChange,
    DriverEvidence,
    DriverListing,
    Listing,
    LogChunk,
    Manifest,
)
from archer.domain.identifiers import driver_pod_name
from archer.errors import AlreadyExists, LogNotFound, ManifestRejected, UidMismatch
from archer.translate import names
from archer.translate.observe import Application, from_resource
from tests.fakes.faults import Faults
from tests.fakes.stream import Stream

CREATED_AT = "2027-01-01T00:00:00.000Z"
SCHEDULED_AT = "2027-01-01T00:00:05.000Z"
STARTED_AT = "2027-01-01T00:00:10.000Z"
ENDED_AT = "2027-01-01T00:01:00.000Z"


class FakeCluster(Faults, Stream[Change]):
    """A scripted cluster. Helpers beside the port's methods are synchronous and take effect at once.

    The watches of drivers are disturbed by ``driver_stream``.
    """

    def __init__(self, name: str = "fake", *, bookmark_seconds: float = 5.0) -> None:
        Faults.__init__(self)
        Stream.__init__(self, Change, bookmark_seconds=bookmark_seconds)
        self.driver_stream = Stream(DriverChange, bookmark_seconds=bookmark_seconds)
        self.name = name
        self.holds_deletions = False  # True: a deleted application stays until `finish_deletion`
        self._resources: dict[str, dict[str, Any]] = {}
        self._drivers: dict[str, DriverEvidence] = {}
        self._logs: dict[str, tuple[bytes, bool]] = {}
        self._stale: Listing | None = None
        self.page_size = 500

    # --- the port -----------------------------------------------------------------------------------------

    async def probe(self) -> str:
        self._enter("probe")
        return "fake cluster 1"

    async def create(self, manifest: Manifest) -> Application:
        name = manifest.get("metadata", {}).get("name", "")
        late = self._enter("create", name)
        if manifest.get("kind") != names.KIND or not name or "type" not in manifest.get("spec", {}):
            raise ManifestRejected("spec.type: Required value")
        if name in self._resources:
            raise AlreadyExists(f"the name {name} is taken")
        resource = json.loads(json.dumps(manifest))
        metadata = {"uid": str(uuid.uuid4()), "creationTimestamp": CREATED_AT}
        resource["metadata"] = {"namespace": "default"} | resource["metadata"] | metadata
        made = self._put(resource)
        self._leave(late)
        return made

    async def get(self, namespace: str, name: str) -> Application | None:
        late = self._enter("get", name)
        resource = self._resources.get(name)
        self._leave(late)
        if resource is None or resource["metadata"]["namespace"] != namespace:
            return None
        return from_resource(resource)

    async def list(self) -> Listing:
        late = self._enter("list")
        self._leave(late)
        return self._stale or self._listing()

    async def pages(self) -> AsyncIterator[Listing]:
        listing = await self.list()
        found, size = listing.applications, self.page_size
        for start in range(0, max(1, len(found)), size):
            yield Listing(found[start : start + size], listing.resource_version)

    async def watch(self, resource_version: str) -> AsyncIterator[Change]:
        self._enter("watch")
        async for change in self.follow(resource_version):
            yield change

    async def delete(self, namespace: str, name: str, uid: str) -> None:
        late = self._enter("delete", name)
        resource = self._resources.get(name)
        if resource is not None and resource["metadata"]["namespace"] == namespace:
            if resource["metadata"]["uid"] != uid:
                raise UidMismatch(f"{name} has another uid")
            if not self.holds_deletions:
                self.vanish(name)
        self._leave(late)

    async def driver(self, namespace: str, application: str) -> DriverEvidence | None:
        late = self._enter("driver", application)
        self._leave(late)
        return self._drivers.get(application)

    async def driver_pages(self) -> AsyncIterator[DriverListing]:
        yield await self.list_drivers()

    async def list_drivers(self) -> DriverListing:
        late = self._enter("list_drivers")
        self._leave(late)
        found = [driver for driver in self._drivers.values() if driver.job_id]
        return DriverListing(found, self.driver_stream.version())

    async def watch_drivers(self, resource_version: str) -> AsyncIterator[DriverChange]:
        self._enter("watch_drivers")
        async for change in self.driver_stream.follow(resource_version):
            yield change

    async def read_log(
        self, namespace: str, application: str, *, role: str, offset: int, limit: int
    ) -> LogChunk:
        late = self._enter("read_log", application)
        if role != "driver" or application not in self._logs:
            raise LogNotFound(f"no log of {role} of {application}")
        text, has_ended = self._logs[application]
        size = len(text)
        start = min(max(0, size + offset if offset < 0 else offset), size)
        data = text[start : start + limit]
        end = start + len(data)
        self._leave(late)
        return LogChunk(data, start, end, size, complete=has_ended and end >= size)

    async def close(self) -> None:
        self.end_watches()
        self.driver_stream.end_watches()

    # --- what a test says about applications --------------------------------------------------------------

    def move(self, name: str, state: str, *, error: str = "", spark_app_id: str = "") -> Application:
        """Let the operator write *state*; sets the times that it would set."""
        resource = copy.deepcopy(self._resources[name])
        status = resource.setdefault("status", {})
        status["applicationState"] = {"state": state, "errorMessage": error}
        status["driverInfo"] = {"podName": driver_pod_name(name)}
        if spark_app_id:
            status["sparkApplicationId"] = spark_app_id
        if state not in ("", "SUBMITTED"):
            status.setdefault("lastSubmissionAttemptTime", STARTED_AT)
        if state in ("COMPLETED", "FAILED"):
            status["terminationTime"] = ENDED_AT
        return self._put(resource)

    def run(self, name: str) -> Application:
        """Let the driver run."""
        self.give_evidence(name, phase="running", scheduled_at=SCHEDULED_AT, started_at=STARTED_AT)
        return self.move(name, "RUNNING", spark_app_id=f"spark-{name}")

    def end(self, name: str, *, exit_code: int, log: bytes = b"") -> Application:
        """Let the driver end, and the operator find out."""
        has_failed = exit_code != 0
        self.give_evidence(
            name,
            phase="failed" if has_failed else "succeeded",
            exit_code=exit_code,
            reason="Error" if has_failed else "Completed",
            scheduled_at=SCHEDULED_AT,
            started_at=STARTED_AT,
            ended_at=ENDED_AT,
        )
        self.write_log(name, log, has_ended=True)
        error = f"driver container failed with ExitCode: {exit_code}, Reason: Error" if has_failed else ""
        return self.move(name, "FAILED" if has_failed else "COMPLETED", error=error)

    def give_evidence(self, name: str, **fields: Any) -> DriverEvidence:
        """Say what is known of the driver; fields of ``DriverEvidence`` that change."""
        found = replace(self._drivers.get(name) or self._new_driver(name), **fields)
        self._drivers[name] = found
        self.driver_stream.record(DriverChange("upserted", self.driver_stream.next_version(), found))
        return found

    def forget_driver(self, name: str) -> None:
        """Let the driver pod be gone."""
        last = self._drivers.pop(name, None)
        if last is not None:
            self.driver_stream.record(DriverChange("deleted", self.driver_stream.next_version(), last))

    def write_log(self, name: str, text: bytes, *, has_ended: bool = False) -> None:
        """Append to the driver's log."""
        self._logs[name] = (self._logs.get(name, (b"", False))[0] + text, has_ended)

    def vanish(self, name: str) -> None:
        """Remove an application and its driver, as a person or a finished deletion does."""
        resource = self._resources.pop(name)
        self.forget_driver(name)
        self._record("deleted", resource)

    def finish_deletion(self, name: str) -> None:
        """Let a held deletion come to its end."""
        self.vanish(name)

    def put_stranger(self, name: str, *, labels: dict[str, str] | None = None) -> Application:
        """Let somebody else's application have *name*, in place of what has it."""
        metadata = {
            "name": name,
            "namespace": "default",
            "uid": str(uuid.uuid4()),
            "creationTimestamp": CREATED_AT,
            "labels": labels or {},
        }
        return self._put({"kind": names.KIND, "metadata": metadata, "spec": {"type": "Python"}})

    def names(self) -> builtins.list[str]:
        """Names of all applications."""
        return sorted(self._resources)

    def manifest(self, name: str) -> dict[str, Any]:
        """The object of that name, as it was created."""
        return self._resources[name]

    # --- what a test says about the cluster ---------------------------------------------------------------

    def go_down(self) -> None:
        """Let every call and every open watch fail until ``come_back``."""
        self._begin_outage()
        self.break_watches()
        self.driver_stream.break_watches()

    def come_back(self) -> None:
        """Answer again."""
        self._end_outage()

    def freeze_listing(self) -> None:
        """Answer lists with what is now, whatever happens, as a lagging API server does."""
        self._stale = self._listing()

    def thaw_listing(self) -> None:
        """Answer lists truly again."""
        self._stale = None

    # --- inside -------------------------------------------------------------------------------------------

    def _record(self, kind: Literal["upserted", "deleted"], resource: dict[str, Any]) -> None:
        version = self.next_version()
        resource["metadata"]["resourceVersion"] = version
        self.record(Change(kind, version, from_resource(resource)))

    def _new_driver(self, name: str) -> DriverEvidence:
        """A driver that waits, with the labels and the owner that the operator gives it."""
        job_id, _, attempt = name.rpartition("-")
        resource = self._resources.get(name)
        application = from_resource(resource) if resource else None
        return DriverEvidence(
            pod=driver_pod_name(name),
            phase="pending",
            exit_code=None,
            signal=None,
            reason="",
            message="",
            node="node-1",
            started_at=None,
            ended_at=None,
            application=name,
            application_uid=application.uid if application else "",
            job_id=application.job_id if application else job_id,
            attempt=application.attempt if application else int(attempt),
            uid=str(uuid.uuid4()),
            created_at=CREATED_AT,
        )

    def _put(self, resource: dict[str, Any]) -> Application:
        self._record("upserted", resource)
        self._resources[resource["metadata"]["name"]] = resource
        return from_resource(resource)

    def _listing(self) -> Listing:
        found = [from_resource(resource) for resource in self._resources.values()]
        return Listing([application for application in found if application.job_id], self.version())
