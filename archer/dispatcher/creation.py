"""One attempt in its cluster: created, adopted from an earlier try, refused, or given back."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from archer.clusters.port import Cluster
from archer.dispatcher.breaker import Breaker
from archer.dispatcher.placer import Ready
from archer.domain.masking import masked_text
from archer.domain.states import Reason
from archer.errors import AlreadyExists, ClusterError, ClusterUnavailable, ManifestRejected
from archer.store import claims
from archer.store.claims import Claim
from archer.store.engine import Database
from archer.telemetry import DISPATCHES
from archer.translate.observe import Application

log = structlog.get_logger(__name__)

UNAVAILABLE_PAUSE_SECONDS: Final = 5.0
MAX_PAUSE_SECONDS: Final = 300.0  # however long a cluster asks us to stay away


class Creation:
    """Creates applications in one cluster. Safe to repeat at every step."""

    def __init__(self, database: Database, cluster: Cluster, breaker: Breaker) -> None:
        self._database = database
        self._cluster = cluster
        self._breaker = breaker

    async def create(self, ready: Ready) -> str | None:
        """Make the cluster hold the application; its uid, or None when the claim ended otherwise.

        The uid is empty when the application was there and is gone: the watcher judges what became of it.
        """
        try:
            try:
                uid, outcome = (await self._cluster.create(ready.rendered.manifest)).uid, "created"
            except AlreadyExists:
                uid, outcome = await self._adopted(ready)
            except ManifestRejected as error:
                uid, outcome = await self._refused(ready, error)
        except ClusterError as error:
            DISPATCHES.labels(self._cluster.name, "unavailable").inc()
            await self.unanswered(ready.claim, error)
            return None
        self._breaker.succeeded()
        DISPATCHES.labels(self._cluster.name, outcome).inc()
        return uid

    async def give_back(self, claim: Claim, *, pause_seconds: float, waiting: str) -> None:
        """End the claim without an outcome: the job keeps its cluster and name, since it may exist there."""
        async with self._database.transaction() as tx:
            await claims.give_back(tx, claim, pause_seconds=pause_seconds, waiting=waiting)

    async def unanswered(
        self, claim: Claim, error: ClusterError, *, pause_seconds: float | None = None
    ) -> None:
        """End the claim for which the cluster gave no answer; the cluster may ask for a longer pause."""
        asked = error.retry_after_seconds if isinstance(error, ClusterUnavailable) else None
        self._breaker.failed(asyncio.get_running_loop().time(), retry_after_seconds=asked)
        pause = UNAVAILABLE_PAUSE_SECONDS if pause_seconds is None else pause_seconds
        if asked is not None:
            pause = min(max(asked, 0.0), MAX_PAUSE_SECONDS)
        await self.give_back(claim, pause_seconds=pause, waiting=silence(self._cluster.name, str(error)))

    async def _adopted(self, ready: Ready) -> tuple[str | None, str]:
        """Take an application that is there already: ours, by its labels, or a stranger's."""
        found = await self._found(ready)
        if found is None:
            return "", "gone"
        if is_ours(found, ready.claim.id, ready.number):
            log.info("created by an earlier try", job_id=ready.claim.id, cluster=self._cluster.name)
            return found.uid, "adopted"
        log.error("a stranger's application has the job's name", job_id=ready.claim.id)
        message = f"Another object has the name {found.name} in cluster {self._cluster.name}."
        await self._reject(ready, Reason.NAME_CONFLICT, message)
        return None, "conflict"

    async def _refused(self, ready: Ready, error: ManifestRejected) -> tuple[str | None, str]:
        """Fail the job, unless an earlier try was taken: the cluster's rules may have changed in between."""
        found = await self._found(ready)
        if found is not None and is_ours(found, ready.claim.id, ready.number):
            return found.uid, "adopted"
        await self._reject(
            ready, Reason.SUBMIT_INVALID, f"The cluster refused the manifest: {masked_text(str(error))}"
        )
        return None, "rejected"

    async def _found(self, ready: Ready) -> Application | None:
        metadata = ready.rendered.manifest["metadata"]
        return await self._cluster.get(metadata["namespace"], metadata["name"])

    async def _reject(self, ready: Ready, reason: Reason, message: str) -> None:
        async with self._database.transaction() as tx:
            await claims.reject(tx, ready.claim, reason=reason, message=message)


def silence(cluster: str, message: str) -> str:
    """What a job is said to wait for whose cluster gives no answer."""
    return f"cluster {cluster} does not answer: {masked_text(message)}"


def is_ours(found: Application, job_id: str, number: int) -> bool:
    """Whether *found* is the application of this attempt, by its labels."""
    return found.job_id == job_id and found.attempt == number
