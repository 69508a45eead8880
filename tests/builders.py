"""Builders with defaults: requests, rows to insert, jobs in any state, applications as clusters show them."""

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any

from archer.domain.cluster import ClusterProfile
from archer.domain.identifiers import application_name, driver_pod_name, job_id
from archer.domain.request import JobRequest
from archer.store import claims, inventory, observations, submits
from archer.store.claims import Claim, Placed
from archer.store.engine import Database
from archer.store.observations import Ending, Observation
from archer.store.submits import NewJob
from archer.translate.observe import Application

WORKER = uuid.UUID(int=1)
SECOND_WORKER = uuid.UUID(int=2)
EPOCH_MS = 1_790_000_000_000
CLUSTER = "fake"
_numbers = itertools.count(1)


def new_id(number: int | None = None, *, unix_ms: int | None = None) -> str:
    """A job id; later ones sort after earlier ones."""
    number = next(_numbers) if number is None else number
    return job_id(EPOCH_MS + number if unix_ms is None else unix_ms, number.to_bytes(10, "big"))


def body(**fields: Any) -> dict[str, Any]:
    """A job request as a caller sends it."""
    return {"name": "words", "type": "python", "main_application_file": "local:///opt/jobs/words.py"} | fields


def request(**fields: Any) -> JobRequest:
    """A validated job request."""
    return JobRequest.model_validate(body(**fields))


def new_job(**fields: Any) -> NewJob:
    """A job to insert; *request* takes fields of the request body."""
    wanted = body(**fields.pop("request", {}))
    text = json.dumps(wanted)
    job = NewJob(
        id=new_id(),
        name=wanted["name"],
        type=wanted["type"],
        tenant="default",
        owner="amara",
        queue="root.default",
        tier=3,
        arch="auto",
        spark_version="3.5.9",
        priority=50,
        labels="{}",
        correlation_id=None,
        timeout_seconds=None,
        request=text,
        fingerprint=hashlib.sha256(text.encode()).digest(),
        key=None,
    )
    return replace(job, **fields)


def profile(name: str = CLUSTER, **fields: Any) -> ClusterProfile:
    """A cluster that takes everything."""
    return replace(ClusterProfile(name, "fake", architectures=("amd64", "arm64")), **fields)


def placed(claim: Claim, **fields: Any) -> Placed:
    """The attempt that a dispatcher makes of a claim."""
    number = claim.attempt + 1
    made = Placed(
        claim=claim,
        number=number,
        cluster=CLUSTER,
        namespace="default",
        application=application_name(claim.id, number),
        arch="amd64",
        placement="{}",
        manifest="{}",
        spec_sha256="0",
    )
    return replace(made, **fields)


def seen(job: str, state: str = "running", **fields: Any) -> Observation:
    """An attempt under way, as a cluster shows it."""
    observation = Observation(
        job_id=job,
        number=1,
        rank={"submitted": 2, "running": 3}[state],
        seen_state=state,
        application_state=state.upper(),
        uid=f"uid-{job}",
        spark_app_id=None,
        driver_pod=None,
        executors_running=0,
        executors_failed=0,
        executors_completed=0,
        started_at=None,
    )
    return replace(observation, **fields)


def ending(job: str, state: str = "succeeded", **fields: Any) -> Ending:
    """An attempt that ended."""
    word = {"succeeded": "COMPLETED", "failed": "FAILED"}[state]
    if state == "failed":
        fields = {"reason": "user_code", "fault": "user", "message": "it broke"} | fields
    return replace(Ending(job_id=job, number=1, final_state=state, application_state=word), **fields)


def application(job: str, state: str = "RUNNING", **fields: Any) -> Application:
    """A SparkApplication of a job's first attempt, as read from a cluster."""
    name = application_name(job, 1)
    made = Application(
        namespace="default",
        name=name,
        uid=f"uid-{name}",
        resource_version="1",
        job_id=job,
        attempt=1,
        spec_sha256=None,
        application_state=state,
        error_message="",
        spark_app_id=None,
        driver_pod=driver_pod_name(name),
        executors_running=0,
        executors_failed=0,
        executors_completed=0,
        created_at="2026-01-01T00:00:00Z",
        driver_started_at=None,
        ended_at=None,
    )
    return replace(made, **fields)


async def insert(database: Database, *new: NewJob) -> list[str]:
    """Store jobs; their ids."""
    async with database.transaction() as tx:
        stored = await submits.insert(tx, new)
    return [accepted.job_id for accepted in stored if accepted is not None]


async def claim(database: Database, *, worker: uuid.UUID = WORKER, limit: int = 100) -> list[Claim]:
    """Lease what is queued, and what is placed on the cluster, for half a minute."""
    async with database.transaction() as tx:
        lease = {"worker": worker, "lease_seconds": 30, "limit": limit}
        return await claims.claim(tx, **lease) + await claims.claim_placed(tx, CLUSTER, **lease)


async def dispatch(database: Database, job: str) -> Placed:
    """Bring a queued job to ``dispatching``, as a dispatcher does."""
    mine = next(found for found in await claim(database) if found.id == job)
    made = placed(mine)
    async with database.transaction() as tx:
        assert await claims.place(tx, [made]) == {job}
    return made


async def job_in(database: Database, state: str, **fields: Any) -> str:
    """Store one job and bring it to *state* the way it would get there."""
    (job,) = await insert(database, new_job(**fields))
    if state == "queued":
        return job
    made = await dispatch(database, job)
    if state == "dispatching":
        return job
    async with database.transaction() as tx:
        await claims.finish(tx, [(made.claim, f"uid-{job}")])
        if state == "running":
            await observations.record(tx, [seen(job)])
        elif state in ("succeeded", "failed"):
            await observations.end(tx, [ending(job, state)])
    return job


async def register(database: Database, *profiles: ClusterProfile) -> None:
    """Make clusters known, as every process does at its start."""
    async with database.transaction() as tx:
        await inventory.register(tx, profiles or [profile()], {"root.default": (3, "")})


async def row(database: Database, job: str) -> dict[str, Any]:
    """The job's row, all columns."""
    return (await rows(database, "SELECT * FROM jobs WHERE id = :id", id=job))[0]


async def attempt_row(database: Database, job: str, number: int = 1) -> dict[str, Any]:
    """The attempt's row, all columns."""
    found = await rows(
        database, "SELECT * FROM attempts WHERE job_id = :id AND number = :number", id=job, number=number
    )
    return found[0]


async def states(database: Database, job: str) -> list[str]:
    """The states that the job's events tell, in order."""
    events = await rows(database, "SELECT state FROM job_events WHERE job_id = :id ORDER BY seq", id=job)
    return [event["state"] for event in events]


async def rows(database: Database, statement: str, **values: Any) -> list[dict[str, Any]]:
    """Run SQL; its rows, if it returns any."""
    from sqlalchemy import text

    async with database.transaction() as tx:
        result = await tx.execute(text(statement), values)
        return [dict(found) for found in result.mappings()] if result.returns_rows else []


async def let_pass(database: Database, interval: str) -> datetime:
    """Let time pass for every new connection to this database, and for those of this pool."""
    (now,) = await rows(
        database, "SELECT archer_now() + CAST(:interval AS interval) AS at", interval=interval
    )
    (name,) = await rows(database, "SELECT current_database() AS name")
    stamp = now["at"].isoformat()
    await rows(database, f"ALTER DATABASE \"{name['name']}\" SET archer.fake_now = '{stamp}'")
    await database.engine.dispose()  # a setting of the database reaches new sessions only
    return now["at"]
