"""The port's adapter for Kubernetes: one request for each promise, errors translated once."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from archer.clusters.kubernetes import decoding, evidence, statuses
from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.kubernetes.connection import Ask, Connection
from archer.clusters.kubernetes.logs import Logs
from archer.clusters.kubernetes.paths import application_path, applications_path, is_name
from archer.clusters.kubernetes.pods import Pods, deletion
from archer.clusters.kubernetes.reflector import APPLICATIONS, DRIVERS, Reflector
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
from archer.errors import ClusterUnavailable, LogNotFound, ManifestRejected
from archer.translate import names
from archer.translate.observe import Application

# An answer to a create repeats the manifest; only its metadata is read.
METADATA_ONLY: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json"
# A field that the cluster's definition does not know would be dropped in silence, and the job run without it.
STRICT: Final = {"fieldValidation": "Strict"}
MAX_MANIFEST_BYTES: Final = 1024 * 1024  # etcd takes 1.5 MiB, and the operator's status needs its part
EXECUTOR: Final = re.compile(r"executor-([1-9][0-9]{0,5})\Z")


class KubernetesCluster:
    """One Kubernetes cluster, as ``archer.clusters.port`` describes clusters."""

    def __init__(self, config: KubernetesConfig) -> None:
        self.name = config.name
        self._connection = Connection(config)
        self._reflector = Reflector(config, self._connection, APPLICATIONS)
        self._drivers = Reflector(config, self._connection, DRIVERS)
        self._pods = Pods(config, self._connection)
        self._logs = Logs(config, self._connection)

    async def probe(self) -> str:
        """Ask for the version, such as ``v1.34.4``."""
        answer = await self._connection.call(Ask("GET", "/version"))
        if not answer.is_success:
            raise answer.failure("read", cluster=self.name)
        try:
            found = msgspec.json.decode(answer.body, type=dict[str, Any])
            return str(found["gitVersion"])
        except (msgspec.MsgspecError, KeyError) as error:
            raise ClusterUnavailable(f"{self.name}: /version says {answer.body[:200]!r}") from error

    async def create(self, manifest: Manifest) -> Application:
        """Create an application; the same manifest is sent as the same bytes."""
        metadata = manifest.get("metadata") or {}
        namespace, name = metadata.get("namespace") or "", metadata.get("name") or ""
        if not is_name(namespace, name):
            raise ManifestRejected(f"metadata: {namespace!r}/{name!r} cannot be the name of an object")
        body = msgspec.json.encode(dict(manifest), order="sorted")
        if len(body) > MAX_MANIFEST_BYTES:
            raise ManifestRejected(f"the manifest of {len(body)} bytes is larger than {MAX_MANIFEST_BYTES}")
        path = applications_path(namespace)
        answer = await self._connection.call(Ask("POST", path, STRICT, body, accept=METADATA_ONLY))
        if not answer.is_success:
            raise answer.failure("create", cluster=self.name)
        return decoding.application(answer.body, cluster=self.name)

    async def get(self, namespace: str, name: str) -> Application | None:
        """Read one application, as of now; None when the API server says that there is none."""
        if not is_name(namespace, name):
            return None
        answer = await self._connection.call(Ask("GET", application_path(namespace, name)))
        if answer.is_success:
            return decoding.application(answer.body, cluster=self.name)
        if statuses.is_absence(answer.code, answer.status, name=name):
            return None
        raise answer.failure("read", cluster=self.name)

    async def list(self) -> Listing:
        """Read all applications that carry a job id."""
        found: list[Application] = []
        version = ""
        async for page in self.pages():
            found = page.applications if page.is_restart else found + page.applications
            version = page.resource_version
        return Listing(found, version)

    async def pages(self) -> AsyncIterator[Listing]:
        """Read the same page by page."""
        async with contextlib.aclosing(self._reflector.pages()) as pages:
            async for page in pages:
                yield Listing(page.items, page.version, page.is_restart)

    def watch(self, resource_version: str) -> AsyncIterator[Change]:
        """Follow changes; ends when the API server closes the stream, every few minutes."""
        return self._reflector.watch(resource_version)

    async def delete(self, namespace: str, name: str, uid: str) -> None:
        """Delete the application of this uid, and its pods, also those that came after its end."""
        if not is_name(namespace, name):
            return
        answer = await self._connection.call(
            Ask("DELETE", application_path(namespace, name), body=deletion(uid))
        )
        is_absent = statuses.is_absence(answer.code, answer.status, name=name)
        if not answer.is_success and not is_absent:
            raise answer.failure("delete", cluster=self.name)
        await self._pods.end(namespace, name, owner_uid=uid)

    async def driver(self, namespace: str, application: str) -> DriverEvidence | None:
        """Describe the driver by its pod, and by the pod's events where the pod itself does not say."""
        pod = await self._pod(namespace, driver_pod_name(application))
        if pod is None:
            return None
        events = []
        try:
            if evidence.needs_events(pod):
                events = await self._pods.events(namespace, pod["metadata"]["uid"])
            return evidence.from_pod(pod, events)
        except msgspec.ValidationError as error:
            raise ClusterUnavailable(f"{self.name}: a pod that cannot be read: {error}") from error

    async def driver_pages(self) -> AsyncIterator[DriverListing]:
        """Read all driver pods that carry a job id, page by page."""
        async with contextlib.aclosing(self._drivers.pages()) as pages:
            async for page in pages:
                yield DriverListing(page.items, page.version)

    async def list_drivers(self) -> DriverListing:
        """Read all driver pods that carry a job id."""
        pages = [page async for page in self.driver_pages()]
        return DriverListing([one for page in pages for one in page.drivers], pages[-1].resource_version)

    def watch_drivers(self, resource_version: str) -> AsyncIterator[DriverChange]:
        """Follow driver pods; ends when the API server closes the stream."""
        return self._drivers.watch(resource_version)

    async def read_log(
        self, namespace: str, application: str, *, role: str, offset: int, limit: int
    ) -> LogChunk:
        """Read a part of the driver's or an executor's log, as long as its pod is there."""
        executor = EXECUTOR.match(role)
        if role != "driver" and executor is None:
            raise LogNotFound(f"no such role: {role}")
        name = driver_pod_name(application)
        container = names.DRIVER_CONTAINER
        if executor is not None:
            name, container = f"{application}-exec-{executor[1]}", names.EXECUTOR_CONTAINER
        pod = await self._pod(namespace, name)
        if pod is None:
            raise LogNotFound(f"the pod {name} is not there, or not any more")
        return await self._logs.read(pod, container, offset=offset, limit=max(0, limit))

    async def close(self) -> None:
        """Close all connections; open watches break."""
        await self._connection.close()

    async def _pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        return await self._pods.read(namespace, name) if is_name(namespace, name) else None
