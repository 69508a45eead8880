"""What callers may do with jobs: submit, read, cancel, render. One promise: what is answered is stored."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import structlog

from archer.domain.cluster import WantedState
from archer.domain.identifiers import job_id
from archer.domain.job import Submitted
from archer.domain.masking import masked, masked_text
from archer.domain.placement import Decision, choose, wish_of
from archer.domain.request import JobRequest
from archer.domain.tenancy.policy import terms_of
from archer.domain.tenancy.principal import Caller, Principal
from archer.errors import (
    CorrelationConflict,
    FieldFault,
    Forbidden,
    IdempotencyConflict,
    InvalidJob,
    NoAttemptYet,
    NotFound,
)
from archer.limits.limits import Limits
from archer.site.present import Site, Sites
from archer.store import cancels, inventory, jobs
from archer.store.engine import Database
from archer.store.group_commit import GroupCommit
from archer.store.jobs import Filters, Position
from archer.store.submits import Accepted, NewJob
from archer.telemetry import SUBMITS
from archer.translate.spark import Attempt, Rendered, to_spark_application

log = structlog.get_logger(__name__)

NO_LABELS: Final = "{}"
Row = Mapping[Any, Any]  # what the store reads, for those who need no SQLAlchemy


class Jobs:
    """The use cases of the API, over one database."""

    def __init__(self, database: Database, sites: Sites, limits: Limits) -> None:
        self._database = database
        self._sites = sites
        self._limits = limits
        self._submits = GroupCommit(database)

    async def submit(self, request: JobRequest, body: bytes, *, caller: Caller, key: str | None) -> Submitted:
        """Store *request* so that it will run. Once this returns, a crash cannot lose it.

        Args:
            request: The validated request.
            body: The same as JSON, as it came; stored, and its hash decides whether a repeat is the same.
            caller: Who asks, and from where.
            key: The caller's Idempotency-Key; the same key with the same body meets the same job.

        Raises:
            Forbidden: The caller may not submit for the tenant.
            RateLimited: Submits come too fast for the queue.
            QueueFull: Too many jobs of this caller, tenant or queue wait.
            InvalidJob: The queue is not known.
            IdempotencyConflict: *key* came before, with another body.
            CorrelationConflict: A job of this correlation_id is under way, with another body.
        """
        require_submit(caller.principal, request.tenant)
        new = self._new_job(request, body, caller=caller, key=key)
        policy = self._sites.current.policy
        self._limits.submit(caller.principal, tenant=new.tenant, queue=new.queue, policy=policy)
        accepted = await self._submits.submit(new)
        if not accepted.created:
            if accepted.fingerprint != new.fingerprint:
                SUBMITS.labels("conflict").inc()
                raise _conflict(accepted)
            SUBMITS.labels("repeated").inc()
            return Submitted(await self._listed(accepted.job_id, new.tenant), created=False)
        SUBMITS.labels("created").inc()
        self._limits.accepted(caller.principal, tenant=new.tenant, queue=new.queue)
        fields = {
            "id": new.id,
            "name": new.name,
            "type": new.type,
            "state": "queued",
            "reason": None,
            "fault": None,
            "tenant": new.tenant,
            "owner": new.owner,
            "queue": new.queue,
            "tier": new.tier,
            "cluster": None,
            "attempt": 0,
            "version": 1,
            "labels": request.labels,
            "correlation_id": new.correlation_id,
            "created_at": accepted.created_at,
            "started_at": None,
            "ended_at": None,
        }
        return Submitted(fields, created=True)

    def _new_job(self, request: JobRequest, body: bytes, *, caller: Caller, key: str | None) -> NewJob:
        site = self._sites.current
        queue = _queue(site, request)
        return NewJob(
            id=job_id(time.time_ns() // 1_000_000, os.urandom(10)),
            name=request.name,
            type=request.type,
            tenant=request.tenant,
            owner=caller.principal.name,
            queue=queue,
            tier=_tier(site, queue),
            arch=request.arch,
            spark_version=request.spark_version,
            priority=request.priority,
            labels=json.dumps(request.labels) if request.labels else NO_LABELS,
            correlation_id=request.correlation_id,
            timeout_seconds=request.timeout_seconds,
            request=body.decode(),
            fingerprint=hashlib.sha256(body).digest(),
            key=key,
            origin=caller.origin,
        )

    async def _listed(self, job: str, tenant: str) -> dict[str, Any]:
        async with self._database.transaction() as tx:
            rows = await jobs.many(tx, [job], tenants=frozenset({tenant}))
        if job not in rows:  # the key outlives its job's retention
            raise NotFound(f"The job {job} of this Idempotency-Key has been removed.")
        return dict(rows[job])

    async def read(self, job: str, principal: Principal) -> tuple[Row, list[Row]]:
        """Read a job and its attempts. Raises ``NotFound``, also for one that *principal* may not see."""
        tenants = principal.visible
        async with self._database.transaction() as tx:
            row = await jobs.one(tx, job, tenants=tenants)
            if row is None:
                raise NotFound(f"There is no job {job}.")
            return row, list(await jobs.attempts_of(tx, job, tenants=tenants))

    async def version(self, job: str, principal: Principal) -> int:
        """Present version of a job. Raises ``NotFound``."""
        async with self._database.transaction() as tx:
            version = await jobs.version(tx, job, tenants=principal.visible)
        if version is None:
            raise NotFound(f"There is no job {job}.")
        return version

    async def page(
        self, filters: Filters, *, sort: Any, after: Position | None, limit: int, principal: Principal
    ) -> Sequence[Row]:
        """Read one page of the jobs that *principal* may see; one row more when another page follows."""
        async with self._database.transaction() as tx:
            return await jobs.page(
                tx, filters, sort=sort, after=after, limit=limit + 1, tenants=principal.visible
            )

    async def events(self, job: str, *, after: int, limit: int, principal: Principal) -> Sequence[Row]:
        """Read events of a job in order; one more than *limit* when more follow. Raises ``NotFound``."""
        tenants = principal.visible
        async with self._database.transaction() as tx:
            if await jobs.version(tx, job, tenants=tenants) is None:
                raise NotFound(f"There is no job {job}.")
            return await jobs.events_of(tx, job, after=after, limit=limit + 1, tenants=tenants)

    async def attempt(self, job: str, number: int | None, principal: Principal) -> Row:
        """Read one attempt, the last one without a number.

        Raises:
            NotFound: No such job, or no such attempt of it.
            NoAttemptYet: The job has not been placed yet.
        """
        tenants = principal.visible
        async with self._database.transaction() as tx:
            row = await jobs.attempt(tx, job, number, tenants=tenants)
            if row is not None:
                return row
            if await jobs.version(tx, job, tenants=tenants) is None:
                raise NotFound(f"There is no job {job}.")
        if number is None:
            raise NoAttemptYet(f"Job {job} has not been placed on a cluster yet.")
        raise NotFound(f"Job {job} has no attempt {number}.")

    async def cancel(self, job: str, *, caller: Caller) -> tuple[Row, list[Row]]:
        """Wish for a job's end; of an ended job nothing changes.

        Raises:
            NotFound: No such job, or one that the caller may not see.
            Forbidden: The caller may see it, and no more.
        """
        principal = caller.principal
        async with self._database.transaction() as tx:
            found = await jobs.many(tx, [job], tenants=principal.visible)
            if job not in found:
                raise NotFound(f"There is no job {job}.")
            require_submit(principal, found[job]["tenant"])
            await cancels.request(
                tx,
                [job],
                principal=principal.name,
                reason="cancelled",
                message=f"by {principal.name}",
                origin=caller.origin,
            )
            row = await jobs.one(tx, job, tenants=principal.visible)
            if row is None:
                raise NotFound(f"There is no job {job}.")
            return row, list(await jobs.attempts_of(tx, job, tenants=principal.visible))

    async def render(self, request: JobRequest, *, principal: Principal) -> tuple[Decision, Rendered | None]:
        """Route and translate *request* as a dispatch would now; store nothing. Raises ``Forbidden``."""
        require_submit(principal, request.tenant)
        site = self._sites.current
        queue = _queue(site, request)
        _tier(site, queue)
        profiles = {profile.name: profile for profile in site.profiles}
        async with self._database.transaction() as tx:
            facts = await inventory.facts(tx, profiles)
        terms = terms_of(site.policy, tenant=request.tenant, queue=queue, spark_version=request.spark_version)
        decision = choose(wish_of(request, queue, terms), facts)
        if decision.cluster is None or decision.arch is None:
            return decision, None
        example = job_id(time.time_ns() // 1_000_000, os.urandom(10))
        attempt = Attempt(example, 1, request.tenant, principal.name, queue, decision.arch)
        rendered = to_spark_application(attempt, request, profiles[decision.cluster], terms)
        return decision, replace(rendered, manifest=masked(rendered.manifest))

    async def clusters(self) -> Sequence[Row]:
        """Every cluster, as shown."""
        async with self._database.transaction() as tx:
            return await inventory.clusters(tx)

    async def cluster(self, name: str) -> Row:
        """One cluster, as shown. Raises ``NotFound``."""
        async with self._database.transaction() as tx:
            row = await inventory.cluster(tx, name)
        if row is None:
            raise NotFound(f"There is no cluster {name}.")
        return row

    async def ask_cluster(self, name: str, state: WantedState, *, caller: Caller, reason: str) -> Row:
        """Cordon, drain or activate a cluster; a repeat changes nothing. Raises ``NotFound``.

        Clusters are everybody's: ``require_platform_admin`` says who may.
        """
        who = caller.principal.name
        async with self._database.transaction() as tx:
            if await inventory.ask(
                tx, name, state=state, principal=who, reason=masked_text(reason), origin=caller.origin
            ):
                log.info("a cluster was asked for", cluster=name, state=state.value, principal=who)
        return await self.cluster(name)

    async def queues(self) -> Sequence[Row]:
        """Every queue, as shown."""
        async with self._database.transaction() as tx:
            return await inventory.queues(tx)


def _queue(site: Site, request: JobRequest) -> str:
    """Queue of the job: its own, or its tenant's first. Whether it may use it is for the rules to say."""
    tenant = site.policy.tenant_of.get(request.tenant) if site.policy else None
    return request.queue or (tenant.queues[0] if tenant else site.default_queue)


def require_platform_admin(principal: Principal) -> None:
    """Let those pass who may change what all tenants share. Raises ``Forbidden``."""
    if not principal.is_platform_admin:
        raise Forbidden("Clusters are changed by those with the role admin in every tenant.")


def require_submit(principal: Principal, tenant: str) -> None:
    """Let those pass who may submit for *tenant*; the same words whether or not there is such a tenant."""
    if not principal.may_submit(tenant):
        fault = FieldFault("tenant", "forbidden", f"{principal.name} may not submit for this tenant")
        raise Forbidden("The caller lacks the role submit in this tenant.", (fault,))


def _tier(site: Site, queue: str) -> int:
    try:
        return site.queues[queue][0]
    except KeyError:
        known = sorted(site.queues)
        fault = FieldFault("queue", "unknown", f"there is no queue {queue}", known)
        raise InvalidJob("The job names a queue that is not known.", (fault,)) from None


def _conflict(met: Accepted) -> IdempotencyConflict | CorrelationConflict:
    if met.met_by_key:
        return IdempotencyConflict(
            f"This Idempotency-Key came before, with another body, for job {met.job_id}."
        )
    return CorrelationConflict(f"Job {met.job_id} of this correlation_id is under way, with another body.")
