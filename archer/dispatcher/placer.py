"""Queued jobs to attempts: routed, rendered and committed to a cluster before anything is created there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol
from uuid import UUID

import msgspec
import structlog
from pydantic import ValidationError

from archer.dispatcher.breaker import Breaker
from archer.dispatcher.rechecks import Rechecks
from archer.dispatcher.window import Window
from archer.domain.cluster import ClusterFacts, ClusterProfile, ClusterState
from archer.domain.masking import masked
from archer.domain.placement import Decision, Wish, choose, wish_of
from archer.domain.request import JobRequest
from archer.domain.states import Reason
from archer.domain.tenancy.policy import Policy, Terms, terms_of
from archer.settings import DispatcherSettings
from archer.store import claims, inventory
from archer.store.claims import Backlog, Claim, Placed, Shape
from archer.store.engine import Database
from archer.translate.spark import Attempt, Rendered, to_spark_application

log = structlog.get_logger(__name__)

NO_CLUSTER_PAUSE_SECONDS: Final = 5.0
# what an operator has to take up first, or a silent cluster to answer, may change at any moment
NO_ROOM_PAUSE_SECONDS: Final = 1.0
PASSING: Final = {"breaker", "headroom", "window"}
# rules that look at more than a job's shape: another job of the same shape may be placed
BY_JOB: Final = {"files", "shuffle", "tenant"}


@dataclass(frozen=True, slots=True)
class Ready:
    """An attempt that is committed to a cluster and may be created there."""

    claim: Claim
    number: int
    cluster: str
    rendered: Rendered


class Way(Protocol):
    """The way into one cluster, as placing sees it."""

    window: Window
    breaker: Breaker
    is_draining: bool

    @property
    def room(self) -> int:
        """How many jobs may be handed over now."""
        ...

    def hand(self, ready: Ready) -> None:
        """Take a job that was just placed here, with its claim."""
        ...

    def leave(self) -> None:
        """Know of jobs that were placed here and not handed over."""
        ...


class Placer:
    """Places jobs on the clusters that have a profile and a way into them."""

    def __init__(
        self, database: Database, ways: Mapping[str, Way], *, worker: UUID, settings: DispatcherSettings
    ) -> None:
        self.profiles: dict[str, ClusterProfile] = {}
        self.policy: Policy | None = None
        self._database = database
        self._ways = ways
        self._worker = worker
        self._settings = settings
        self._blocked: dict[Shape, tuple[float, str]] = {}
        self._rechecks = Rechecks()

    async def place(self) -> int:
        """Claim one batch of queued jobs, commit each to a cluster and hand it over; how many were claimed.

        Jobs that no cluster takes now are given back with the reasons; what can never be translated fails.
        """
        limit = min(self._settings.batch, sum(way.room for way in self._ways.values()))
        if self._ways and limit == 0:  # every way is full; the first that has room again says so
            return 0
        now = asyncio.get_running_loop().time()
        self._blocked = {shape: until for shape, until in self._blocked.items() if until[0] > now}
        async with self._database.transaction() as tx:
            claimed = await claims.claim(
                tx,
                worker=self._worker,
                lease_seconds=self._settings.lease_seconds,
                limit=limit or self._settings.batch,
                blocked=self._blocked,
            )
            for shape, (_, waiting) in self._blocked.items():
                await claims.hold_back(tx, shape, waiting=waiting)
            stored = await inventory.facts(tx, self.profiles)
            backlogs = await claims.backlogs(tx)
        facts = self._facts(stored, backlogs, now=now)
        if claimed:
            await self._commit(claimed, facts)
        return len(claimed)

    async def again(self, claimed: Sequence[Claim]) -> list[Ready]:
        """Render once more what was placed before: it keeps its cluster, namespace and name."""
        found = []
        for claim in claimed:
            profile = self.profiles.get(claim.cluster or "")
            if profile is None:
                await self._give_back(claim, f"cluster {claim.cluster} is not configured any more")
                continue
            request = await self._request(claim)
            if request is None:
                continue
            terms = self._terms(claim, request)
            if refusal := self._wish(claim, request, terms).refusal:
                await self._give_back(claim, refusal[1])
                continue
            # as it was placed, whatever the files say of its tenant now
            attempt = _attempt(claim, claim.attempt, claim.arch, claim.namespace or "")
            rendered = await self._render(claim, attempt, request, profile, terms)
            if rendered is not None:
                found.append(Ready(claim, claim.attempt, profile.name, rendered))
        return found

    def _facts(
        self, stored: Sequence[ClusterFacts], backlogs: Mapping[str, Backlog], *, now: float
    ) -> list[ClusterFacts]:
        """Add what this process knows of the ways into the clusters to what is stored."""
        facts = []
        for one in stored:
            way = self._ways[one.profile.name]
            backlog = backlogs.get(one.profile.name, Backlog(0, 0.0))
            way.window.observe(now, waiting=backlog.waiting, oldest_seconds=backlog.oldest_seconds)
            way.is_draining = one.state is ClusterState.DRAINED
            room = way.window.size - backlog.waiting
            facts.append(replace(one, room=room, window=way.window.size, is_silent=way.breaker.is_open))
        for name, way in self._ways.items():
            if name not in self.profiles:  # it left the configuration
                way.is_draining = True
        return facts

    async def _commit(self, claimed: Sequence[Claim], facts: list[ClusterFacts]) -> None:
        handed: Counter[str] = Counter()
        fresh: list[tuple[Placed, Ready]] = []
        for claim in claimed:
            chosen = await self._choose(claim, facts)
            if chosen is None:
                continue
            placed, ready = chosen
            # the next job of this batch must know of this one, or all go to the same cluster
            facts = [_with_one_more(f) if f.profile.name == ready.cluster else f for f in facts]
            keeps = handed[ready.cluster] < self._ways[ready.cluster].room
            handed[ready.cluster] += keeps
            fresh.append((replace(placed, keeps=keeps), ready))
        if not fresh:
            return
        async with self._database.transaction() as tx:
            won = await claims.place(tx, [placed for placed, _ in fresh])
        for placed, ready in fresh:
            if placed.keeps and placed.claim.id in won:
                self._ways[ready.cluster].hand(ready)
        for cluster in {ready.cluster for placed, ready in fresh if not placed.keeps}:
            self._ways[cluster].leave()

    async def _choose(self, claim: Claim, facts: list[ClusterFacts]) -> tuple[Placed, Ready] | None:
        request = await self._request(claim)
        if request is None:
            return None
        # the request's wish, not the row's: the row holds the architecture of the last attempt
        terms = self._terms(claim, request)
        decision = choose(self._wish(claim, request, terms), facts)
        if decision.cluster is None or decision.arch is None:
            await self._nowhere(claim, decision)
            return None
        number, profile = claim.attempt + 1, self.profiles[decision.cluster]
        attempt = _attempt(claim, number, decision.arch)
        rendered = await self._render(claim, attempt, request, profile, terms)
        if rendered is None:
            return None
        metadata = rendered.manifest["metadata"]
        placed = Placed(
            claim=claim,
            number=number,
            cluster=profile.name,
            namespace=metadata["namespace"],
            application=metadata["name"],
            arch=decision.arch,
            placement=msgspec.json.encode(decision.as_json() | {"layers": rendered.layers()}).decode(),
            manifest=msgspec.json.encode(masked(rendered.manifest)).decode(),
            spec_sha256=rendered.spec_sha256,
        )
        return placed, Ready(claim, number, profile.name, rendered)

    async def _request(self, claim: Claim) -> JobRequest | None:
        try:
            return JobRequest.model_validate_json(claim.request)
        except ValidationError as error:
            count = error.error_count()
            await self._fail(claim, f"The stored request has {count} faults for this version of Archer.")
            return None

    def _terms(self, claim: Claim, request: JobRequest) -> Terms:
        return terms_of(
            self.policy, tenant=claim.tenant, queue=claim.queue, spark_version=request.spark_version
        )

    def _wish(self, claim: Claim, request: JobRequest, terms: Terms) -> Wish:
        """What the job needs; refused where the policy, another one by now, has something against it."""
        wish = wish_of(request, claim.queue, terms)
        if wish.refusal is None and (words := self._rechecks.against(claim, self.policy)):
            return replace(wish, refusal=("tenant", words))
        return wish

    async def _render(
        self, claim: Claim, attempt: Attempt, request: JobRequest, profile: ClusterProfile, terms: Terms
    ) -> Rendered | None:
        try:
            return to_spark_application(attempt, request, profile, terms)
        except Exception as error:
            log.exception("a job cannot be translated", job_id=claim.id)
            await self._fail(claim, f"It cannot be translated: {type(error).__name__}.")
            return None

    async def _fail(self, claim: Claim, message: str) -> None:
        async with self._database.transaction() as tx:
            await claims.reject(tx, claim, reason=Reason.POISON, message=message)

    async def _nowhere(self, claim: Claim, decision: Decision) -> None:
        """Give a job back that no cluster takes now, and pass over others of its shape for as long."""
        waiting, rules = _why_nowhere(decision), {reject.rule for reject in decision.rejects}
        pause_seconds = NO_CLUSTER_PAUSE_SECONDS
        # of retried jobs the row does not show the wish: each is claimed to be looked at, so not too often
        if claim.attempt == 0:
            pause_seconds = NO_ROOM_PAUSE_SECONDS if rules & PASSING else NO_CLUSTER_PAUSE_SECONDS
            if not rules & BY_JOB:
                until = asyncio.get_running_loop().time() + pause_seconds
                self._blocked[Shape(claim.queue, claim.arch, claim.spark_version)] = (until, waiting)
        await self._give_back(claim, waiting, pause_seconds=pause_seconds)

    async def _give_back(self, claim: Claim, waiting: str, *, pause_seconds: float | None = None) -> None:
        pause = NO_CLUSTER_PAUSE_SECONDS if pause_seconds is None else pause_seconds
        async with self._database.transaction() as tx:
            await claims.give_back(tx, claim, pause_seconds=pause, waiting=waiting)


def _attempt(claim: Claim, number: int, arch: str, namespace: str = "") -> Attempt:
    return Attempt(claim.id, number, claim.tenant, claim.owner, claim.queue, arch, namespace)


def _with_one_more(facts: ClusterFacts) -> ClusterFacts:
    return replace(facts, live_jobs=facts.live_jobs + 1, room=facts.room - 1)


def _why_nowhere(decision: Decision) -> str:
    if not decision.rejects:
        return "no cluster is configured"
    return "no cluster takes it: " + "; ".join(f"{r.cluster}: {r.message}" for r in decision.rejects)
