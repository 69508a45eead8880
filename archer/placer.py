"""Claimed jobs to attempts: routed, rendered and committed to a cluster, before anything is created there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog
from pydantic import ValidationError

from archer.domain.cluster import ClusterFacts, ClusterProfile
from archer.domain.masking import masked
from archer.domain.placement import Decision, choose, wish_of
from archer.domain.request import JobRequest
from archer.domain.states import Reason
from archer.store import claims, inventory
from archer.store.claims import Claim, Placed
from archer.store.engine import Database
from archer.translate.spark import Attempt, Rendered, to_spark_application

log = structlog.get_logger(__name__)

NO_CLUSTER_PAUSE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Ready:
    """An attempt that is committed to a cluster and may be created there."""

    claim: Claim
    number: int
    cluster: str
    rendered: Rendered


class Placer:
    """Places jobs on the configured clusters."""

    def __init__(self, database: Database, profiles: Sequence[ClusterProfile]) -> None:
        self._database = database
        self._profiles = {profile.name: profile for profile in profiles}

    async def place(self, claimed: Sequence[Claim]) -> list[Ready]:
        """Commit each new job to a cluster; a job that was placed before keeps its cluster and name.

        Jobs that no cluster takes now are given back; jobs that can never be translated fail.
        """
        async with self._database.transaction() as tx:
            facts = await inventory.facts(tx, self._profiles)
        again = [
            ready for claim in claimed if claim.state == "dispatching" for ready in await self._again(claim)
        ]
        fresh: list[tuple[Placed, Ready]] = []
        for claim in claimed:
            if claim.state == "queued":
                chosen = await self._choose(claim, facts)
                # the next job of this batch must know of this one, or all go to the same cluster
                facts = [_with_one_more(f, [ready.cluster for _, ready in chosen]) for f in facts]
                fresh += chosen
        if not fresh:
            return again
        async with self._database.transaction() as tx:
            won = await claims.place(tx, [placed for placed, _ in fresh])
        return again + [ready for placed, ready in fresh if placed.claim.id in won]

    async def _again(self, claim: Claim) -> list[Ready]:
        profile = self._profiles.get(claim.cluster or "")
        if profile is None:
            await self._give_back(claim, f"cluster {claim.cluster} is not configured any more")
            return []
        request = await self._request(claim)
        if request is None:
            return []
        rendered = await self._render(claim, request, profile, number=claim.attempt, arch=claim.arch)
        return [Ready(claim, claim.attempt, profile.name, rendered)] if rendered else []

    async def _choose(self, claim: Claim, facts: list[ClusterFacts]) -> list[tuple[Placed, Ready]]:
        request = await self._request(claim)
        if request is None:
            return []
        # the request's wish, not the row's: the row holds the architecture of the last attempt
        decision = choose(wish_of(request, claim.queue), facts)
        if decision.cluster is None or decision.arch is None:
            await self._give_back(claim, _why_nowhere(decision))
            return []
        number, profile = claim.attempt + 1, self._profiles[decision.cluster]
        rendered = await self._render(claim, request, profile, number=number, arch=decision.arch)
        if rendered is None:
            return []
        placed = Placed(
            claim=claim,
            number=number,
            cluster=profile.name,
            namespace=profile.namespace,
            application=rendered.manifest["metadata"]["name"],
            arch=decision.arch,
            placement=json.dumps(decision.as_json()),
            manifest=json.dumps(masked(rendered.manifest)),
            spec_sha256=rendered.spec_sha256,
        )
        return [(placed, Ready(claim, number, profile.name, rendered))]

    async def _request(self, claim: Claim) -> JobRequest | None:
        try:
            return JobRequest.model_validate_json(claim.request)
        except ValidationError as error:
            count = error.error_count()
            await self._fail(claim, f"The stored request has {count} faults for this version of Archer.")
            return None

    async def _render(
        self, claim: Claim, request: JobRequest, profile: ClusterProfile, *, number: int, arch: str
    ) -> Rendered | None:
        attempt = Attempt(claim.id, number, claim.tenant, claim.owner, claim.queue, arch)
        try:
            return to_spark_application(attempt, request, profile)
        except Exception as error:
            log.exception("a job cannot be translated", job_id=claim.id)
            await self._fail(claim, f"It cannot be translated: {type(error).__name__}.")
            return None

    async def _fail(self, claim: Claim, message: str) -> None:
        async with self._database.transaction() as tx:
            await claims.reject(tx, claim, reason=Reason.POISON, message=message)

    async def _give_back(self, claim: Claim, waiting: str) -> None:
        async with self._database.transaction() as tx:
            await claims.give_back(tx, claim, pause_seconds=NO_CLUSTER_PAUSE_SECONDS, waiting=waiting)


def _with_one_more(facts: ClusterFacts, chosen: Sequence[str]) -> ClusterFacts:
    return replace(facts, live_jobs=facts.live_jobs + chosen.count(facts.profile.name))


def _why_nowhere(decision: Decision) -> str:
    if not decision.rejects:
        return "no cluster is configured"
    return "no cluster takes it: " + "; ".join(f"{r.cluster}: {r.message}" for r in decision.rejects)
