"""Pods of an application: reading them, and ending those that outlive it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
import structlog

from archer.clusters.kubernetes import statuses
from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.kubernetes.connection import Answer, Ask, Connection
from archer.clusters.kubernetes.paths import events_path, pod_path, pods_path
from archer.errors import ClusterUnavailable, UidMismatch
from archer.translate import names

log = structlog.get_logger(__name__)

METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
MAX_EVENTS: Final = "100"
TOGETHER: Final = 8  # deletions under way at once, of the connections that all calls share


class Owner(msgspec.Struct):
    """Who made a pod."""

    kind: str = ""
    uid: str = ""


class PodMetadata(msgspec.Struct, rename="camel"):
    """Who a pod is, and whether its end was asked for."""

    name: str = ""
    uid: str = ""
    deletion_timestamp: str | None = None
    owner_references: list[Owner] | None = None


class PodName(msgspec.Struct):
    """A pod of a list that carries metadata only."""

    metadata: PodMetadata


class PodNames(msgspec.Struct):
    """Such a list."""

    items: list[PodName] | None = None


class Pods:
    """The pods of one cluster's applications."""

    def __init__(self, config: KubernetesConfig, connection: Connection) -> None:
        self._cluster = config.name
        self._connection = connection

    async def read(self, namespace: str, name: str) -> dict[str, Any] | None:
        """Read a pod; None when the cluster says that there is none."""
        answer = await self._connection.call(Ask("GET", pod_path(namespace, name)))
        if answer.is_success:
            pod = _object(answer, self._cluster)
            if pod.get("kind") != "Pod":
                raise ClusterUnavailable(f"{self._cluster}: an answer that is no pod")
            return pod
        if statuses.is_absence(answer.code, answer.status, name=name):
            return None
        raise answer.failure("read", cluster=self._cluster)

    async def events(self, namespace: str, uid: str) -> list[dict[str, Any]]:
        """Read what was said about a pod. They explain, and prove nothing: none when they cannot be had."""
        query = {"fieldSelector": f"involvedObject.uid={uid}", "limit": MAX_EVENTS}
        try:
            answer = await self._connection.call(Ask("GET", events_path(namespace), query))
            if not answer.is_success:
                raise answer.failure("read", cluster=self._cluster)
            return _object(answer, self._cluster).get("items") or []
        except ClusterUnavailable as error:
            log.warning("events of a pod cannot be read", cluster=self._cluster, error=str(error))
            return []

    async def end(self, namespace: str, application: str, *, owner_uid: str) -> None:
        """Delete the driver and the executors of *application*, by label.

        The operator may start a driver after its application is gone, so ownership alone is not enough.
        Pods of another application of the same name, known by its uid, are left alone.
        """
        job_id, _, attempt = application.rpartition("-")
        if not job_id or not attempt.isdecimal():
            return  # not one of our names
        selector = f"{names.JOB_ID}={job_id},{names.ATTEMPT}={attempt}"
        answer = await self._connection.call(
            Ask("GET", pods_path(namespace), {"labelSelector": selector}, accept=METADATA_ONLY)
        )
        if not answer.is_success:
            raise answer.failure("read", cluster=self._cluster)
        try:
            found = msgspec.json.decode(answer.body, type=PodNames).items or []
        except msgspec.MsgspecError as error:
            raise ClusterUnavailable(f"{self._cluster}: a list that cannot be read: {error}") from error
        doomed = [one.metadata for one in found if _is_left_over(one.metadata, owner_uid)]
        places = asyncio.Semaphore(TOGETHER)

        async def delete(pod: PodMetadata) -> None:
            async with places:
                await self._delete(namespace, pod)

        # all of them are tried, and the first failure is told
        outcomes = await asyncio.gather(*map(delete, doomed), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, UidMismatch):
                raise outcome

    async def _delete(self, namespace: str, pod: PodMetadata) -> None:
        answer = await self._connection.call(
            Ask("DELETE", pod_path(namespace, pod.name), body=deletion(pod.uid))
        )
        if not answer.is_success and answer.code != 404:
            raise answer.failure("delete", cluster=self._cluster)


def deletion(uid: str) -> bytes:
    """Body of a delete that removes only the object of this uid."""
    return msgspec.json.encode(
        {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        }
    )


def _is_left_over(pod: PodMetadata, owner_uid: str) -> bool:
    if pod.deletion_timestamp is not None:
        return False
    owners = {owner.uid for owner in pod.owner_references or () if owner.kind == names.KIND}
    return not owners or not owner_uid or owner_uid in owners


def _object(answer: Answer, cluster: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ClusterUnavailable(f"{cluster}: an answer that cannot be read: {error}") from error
