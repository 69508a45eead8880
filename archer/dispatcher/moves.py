"""Moves placed jobs away from a cluster that is drained, each with the proof that it was never created there.

The cluster has to say twice, a minute apart, that it holds neither the application nor a driver of it: the
operator starts drivers before it writes down that it did. What is there, or may be, stays.
"""

from __future__ import annotations

from typing import Final

import structlog

from archer.clusters.port import Cluster
from archer.dispatcher.breaker import Breaker
from archer.dispatcher.creation import Creation, is_ours
from archer.domain.identifiers import application_name
from archer.errors import ClusterError
from archer.store import claims
from archer.store.claims import Claim
from archer.store.engine import Database
from archer.telemetry import DISPATCHES

log = structlog.get_logger(__name__)

# longer than any request, and than a lease whose holder still has one under way
PROOF_SECONDS: Final = 60.0


class Moves:
    """Proves absence in one cluster and queues the jobs again."""

    def __init__(self, database: Database, cluster: Cluster, breaker: Breaker, creation: Creation) -> None:
        self._database = database
        self._cluster = cluster
        self._breaker = breaker
        self._creation = creation

    async def move(self, claim: Claim) -> str | None:
        """Move one job, or wait for the second look; the uid when the application is there after all."""
        namespace, name = claim.namespace or "", application_name(claim.id, claim.attempt)
        try:
            found = await self._cluster.get(namespace, name)
            driver = None if found is not None else await self._cluster.driver(namespace, name)
        except ClusterError as error:
            await self._creation.unanswered(claim, error, pause_seconds=PROOF_SECONDS)
            return None
        self._breaker.succeeded()
        if found is not None and is_ours(found, claim.id, claim.attempt):
            DISPATCHES.labels(self._cluster.name, "adopted").inc()
            return found.uid
        if driver is not None:
            return ""  # the watcher judges what became of the application
        await self._note_absence(claim)
        return None

    async def _note_absence(self, claim: Claim) -> None:
        cluster = self._cluster.name
        async with self._database.transaction() as tx:
            absent_seconds = await claims.absent(tx, claim)
            if absent_seconds is None:
                return
            if absent_seconds < PROOF_SECONDS:
                waiting = (
                    f"cluster {cluster} takes no jobs any more: moves once it is sure that nothing runs there"
                )
                pause = PROOF_SECONDS - absent_seconds
                await claims.give_back(tx, claim, pause_seconds=pause, waiting=waiting)
                return
            moved = await claims.move(
                tx, claim, message=f"moved away from cluster {cluster}, which takes no jobs any more"
            )
        if moved:
            DISPATCHES.labels(cluster, "moved").inc()
            log.info("moved to the queue again", job_id=claim.id, cluster=cluster)
