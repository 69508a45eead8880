"""What a cluster is to Archer: a place that holds SparkApplications under names that are used once.

Every call may be made twice. ``None`` and an empty listing are facts that the cluster stated; a cluster that
could not be asked raises ``ClusterUnavailable``, so that silence is never read as absence.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from archer.translate.observe import Application

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """Applications of Archer in a cluster, all or a page of them, and the version to watch from.

    *is_restart*: the list began anew with this page; what its earlier pages held may be gone by now.
    """

    applications: list[Application]
    resource_version: str
    is_restart: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One event of a watch. A bookmark carries no application, only a version to resume from."""

    kind: Literal["upserted", "deleted", "bookmark"]
    resource_version: str
    application: Application | None


@dataclass(frozen=True, slots=True)
class DriverEvidence:
    """What is known about a driver: of its pod and container, not of the operator.

    *uid* tells one pod from a later one of the same name, *application_uid* whose it is; empty when unknown.
    """

    pod: str
    phase: Literal["pending", "running", "succeeded", "failed", "unknown"]
    exit_code: int | None
    signal: int | None
    reason: str
    message: str
    node: str | None
    started_at: str | None
    ended_at: str | None
    namespace: str = "default"
    application: str = ""
    application_uid: str = ""
    job_id: str | None = None
    attempt: int | None = None
    uid: str = ""
    image: str = ""
    created_at: str | None = None
    scheduled_at: str | None = None


@dataclass(frozen=True, slots=True)
class DriverListing:
    """Drivers of Archer's applications, all or a page of them, and the version to watch from."""

    drivers: list[DriverEvidence]
    resource_version: str


@dataclass(frozen=True, slots=True)
class DriverChange:
    """One event of a watch of drivers, as ``Change`` is one of applications."""

    kind: Literal["upserted", "deleted", "bookmark"]
    resource_version: str
    driver: DriverEvidence | None


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Bytes of a log from *offset* on; *complete* once the log has ended and was read to its end."""

    data: bytes
    offset: int
    next_offset: int
    size: int
    complete: bool


class Cluster(Protocol):
    """One cluster. Adapters translate every error of their own to ``archer.errors`` at once."""

    name: str

    async def probe(self) -> str:
        """Ask the cluster for its version. Raises ``ClusterUnavailable``."""
        ...

    async def create(self, manifest: Manifest) -> Application:
        """Create an application; never replaces one.

        Raises:
            AlreadyExists: The name is taken, by whomever.
            ManifestRejected: The cluster will never take this manifest.
            ClusterUnavailable: No answer; it may or may not exist now.
        """
        ...

    async def get(self, namespace: str, name: str) -> Application | None:
        """Read one application; None when the cluster says that there is none."""
        ...

    async def list(self) -> Listing:
        """Read all applications that carry a job id."""
        ...

    def pages(self) -> AsyncIterator[Listing]:
        """Read the same page by page, so that nobody has to hold them all; the last one's version counts.

        A list that breaks off raises: only one that came to its end proves what is not there.
        """
        ...

    def watch(self, resource_version: str) -> AsyncIterator[Change]:
        """Follow changes after *resource_version*; ends when the cluster closes the stream.

        Raises:
            WatchExpired: The version is too old, or not of this cluster's present life: list again.
            ClusterUnavailable: The stream broke, or was silent for too long.
        """
        ...

    async def delete(self, namespace: str, name: str, uid: str) -> None:
        """Ask for the application's end and removal, its driver's and executors' too. Absent is fine.

        Raises:
            UidMismatch: Another object has the name now.
        """
        ...

    async def driver(self, namespace: str, application: str) -> DriverEvidence | None:
        """Read the driver pod of an application; None when the cluster says that there is none."""
        ...

    def driver_pages(self) -> AsyncIterator[DriverListing]:
        """Read all driver pods that carry a job id, page by page; the last page's version counts."""
        ...

    async def list_drivers(self) -> DriverListing:
        """Read all driver pods that carry a job id. ``driver`` may know more of each."""
        ...

    def watch_drivers(self, resource_version: str) -> AsyncIterator[DriverChange]:
        """Follow driver pods as ``watch`` follows applications; it raises the same."""
        ...

    async def read_log(
        self, namespace: str, application: str, *, role: str, offset: int, limit: int
    ) -> LogChunk:
        """Read up to *limit* bytes of a pod's log; *role* is ``driver`` or ``executor-<n>``.

        A negative *offset* counts from the end.

        Raises:
            LogNotFound: No such log.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and files."""
        ...
