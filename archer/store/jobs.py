"""Reading jobs: one row, or keyset pages in a set order.

Every function takes the tenants that the caller may see (None: all) and adds them to its conditions, so that
a foreign job is as if it were not there. A page is found by position, never by counting. Ids sort by time, so
``newest`` is the order of ids; ``longest`` merges the live jobs with those that ended, each by its own index.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    RowMapping,
    Select,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import INTERVAL, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from archer.domain.identifiers import job_id
from archer.domain.tenancy.principal import Tenants
from archer.store.tables import attempts, job_events, job_specs, jobs

# fmt: off
LISTED: Final = [
    "id", "name", "type", "state", "reason", "fault", "tenant", "owner", "queue", "tier", "cluster",
    "attempt", "version", "labels", "correlation_id", "created_at", "started_at", "ended_at",
]
DETAILED: Final = [
    *LISTED, "arch", "spark_version", "priority", "waiting", "run_after", "deadline_at",
    "cancel_requested_at",
]
# fmt: on
MAX_CLOCK_SKEW: Final = timedelta(hours=1)  # between the API's clock, which makes ids, and that of Postgres


@dataclass(frozen=True, slots=True)
class Filters:
    """Which jobs a list holds; empty means all."""

    states: tuple[str, ...] = ()
    queue: str | None = None
    tenant: str | None = None
    owner: str | None = None
    cluster: str | None = None
    name_prefix: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where the next page begins: after this job. *elapsed_us* and *as_of* only for the order ``longest``."""

    id: str
    elapsed_us: int = 0
    as_of: datetime | None = None


async def one(tx: AsyncConnection, job_id: str, *, tenants: Tenants) -> RowMapping | None:
    """Read a job in detail, its request text included."""
    query = (
        select(*(jobs.c[name] for name in DETAILED), job_specs.c.request)
        .join(job_specs, job_specs.c.job_id == jobs.c.id)
        .where(jobs.c.id == job_id, *_seen(tenants))
    )
    return (await tx.execute(query)).mappings().first()


async def many(tx: AsyncConnection, ids: Sequence[str], *, tenants: Tenants) -> dict[str, RowMapping]:
    """Read jobs as listed, by id."""
    listed = select(*(jobs.c[name] for name in LISTED))
    rows = await tx.execute(listed.where(jobs.c.id.in_(ids), *_seen(tenants)))
    return {row["id"]: row for row in rows.mappings()}


async def version(tx: AsyncConnection, job_id: str, *, tenants: Tenants) -> int | None:
    """Present version of a job; None when there is none."""
    query = select(jobs.c.version).where(jobs.c.id == job_id, *_seen(tenants))
    return (await tx.execute(query)).scalar()


async def page(
    tx: AsyncConnection,
    filters: Filters,
    *,
    sort: Literal["newest", "longest"],
    after: Position | None,
    limit: int,
    tenants: Tenants,
) -> list[RowMapping]:
    """Read up to *limit* jobs after a position; rows of ``longest`` carry ``elapsed_us`` and ``as_of``."""
    where = [*_where(filters), *_seen(tenants)]  # beside the filter for a tenant, never in its place
    query = _newest(where, after, limit) if sort == "newest" else _longest(where, after, limit)
    return list((await tx.execute(query)).mappings())


def _newest(where: list[ColumnElement[bool]], after: Position | None, limit: int) -> Select[Any]:
    if after is not None:
        where = [*where, jobs.c.id < after.id]
    return select(*(jobs.c[name] for name in LISTED)).where(*where).order_by(jobs.c.id.desc()).limit(limit)


def _longest(where: list[ColumnElement[bool]], after: Position | None, limit: int) -> Select[Any]:
    """Merge two ordered streams: live jobs by their start, ended ones by how long they took."""
    as_of = literal(after.as_of) if after is not None and after.as_of is not None else func.archer_now()
    start, took = jobs.c.started_at, jobs.c.ended_at - jobs.c.started_at
    live = [*where, start.is_not(None), jobs.c.ended_at.is_(None)]
    ended = [*where, start.is_not(None), jobs.c.ended_at.is_not(None)]
    if after is not None:
        least = cast(literal(f"{after.elapsed_us} microseconds"), INTERVAL)
        live.append(_past(as_of - least, start, after.id))
        ended.append(_past(took, least, after.id))
    merged = union_all(
        select(
            _stream(as_of - start, as_of)
            .where(*live)
            .order_by(start, jobs.c.id.desc())
            .limit(limit)
            .subquery()
        ),
        select(
            _stream(took, as_of).where(*ended).order_by(took.desc(), jobs.c.id.desc()).limit(limit).subquery()
        ),
    ).subquery()
    return select(merged).order_by(merged.c.elapsed_us.desc(), merged.c.id.desc()).limit(limit)


def _past(less: ColumnElement[Any], more: ColumnElement[Any], last_id: str) -> ColumnElement[bool]:
    # the first condition is what an index can begin at
    return and_(less <= more, or_(less < more, jobs.c.id < last_id))


def _stream(elapsed: ColumnElement[Any], as_of: ColumnElement[Any]) -> Select[Any]:
    elapsed_us = cast(func.extract("epoch", elapsed) * 1_000_000, BigInteger).label("elapsed_us")
    return select(*(jobs.c[name] for name in LISTED), elapsed_us, as_of.label("as_of"))


def _where(filters: Filters) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if filters.states:
        where.append(jobs.c.state.in_(filters.states))
    for name in ("queue", "tenant", "owner", "cluster"):
        value = getattr(filters, name)
        if value is not None:
            where.append(jobs.c[name] == value)
    if filters.name_prefix is not None:
        # a range of the "C" collation, so that nothing in the prefix can act as a wildcard
        where += [jobs.c.name >= filters.name_prefix, jobs.c.name < filters.name_prefix + "\U0010ffff"]
    if filters.labels:
        wanted = cast(literal(json.dumps(dict(filters.labels))), JSONB)
        where += [jobs.c.labels != text("'{}'"), jobs.c.labels.contains(wanted)]
    # ids sort by time too, so that a page need not look for its range through all jobs
    if filters.created_after is not None:
        where.append(jobs.c.created_at >= filters.created_after)
        where.append(jobs.c.id >= _first_id(filters.created_after - MAX_CLOCK_SKEW))
    if filters.created_before is not None:
        where.append(jobs.c.created_at < filters.created_before)
        where.append(jobs.c.id < _first_id(filters.created_before + MAX_CLOCK_SKEW))
    return where


def _seen(tenants: Tenants) -> list[ColumnElement[bool]]:
    """The condition that a job is of one of *tenants*; none where all may be seen."""
    if tenants is None:
        return []
    if len(tenants) == 1:
        return [jobs.c.tenant == next(iter(tenants))]
    return [jobs.c.tenant.in_(sorted(tenants))]


def _seen_job(job_id: str, tenants: Tenants) -> list[ColumnElement[bool]]:
    """The condition for rows of other tables that their job is of one of *tenants*."""
    if tenants is None:
        return []
    return [exists().where(jobs.c.id == job_id, *_seen(tenants))]


def _first_id(time: datetime) -> str:
    return job_id(max(0, int(time.timestamp() * 1000)), bytes(10))


async def attempts_of(tx: AsyncConnection, job_id: str, *, tenants: Tenants) -> list[RowMapping]:
    """Read the attempts of a job, the first first, without their manifests."""
    hidden = ("manifest", "rank", "image_failure", "image_deadline_at", "absent_since")
    columns = [c for c in attempts.c if c.name not in hidden]
    query = select(*columns).where(attempts.c.job_id == job_id, *_seen_job(job_id, tenants))
    return list((await tx.execute(query.order_by(attempts.c.number))).mappings())


async def attempt(
    tx: AsyncConnection, job_id: str, number: int | None, *, tenants: Tenants
) -> RowMapping | None:
    """Read one attempt with its manifest; the last one when *number* is None."""
    query = select(attempts).where(attempts.c.job_id == job_id, *_seen_job(job_id, tenants))
    if number is not None:
        query = query.where(attempts.c.number == number)
    return (await tx.execute(query.order_by(attempts.c.number.desc()).limit(1))).mappings().first()


async def events_of(
    tx: AsyncConnection, job_id: str, *, after: int, limit: int, tenants: Tenants
) -> list[RowMapping]:
    """Read events of a job in their order, after a sequence number."""
    query = (
        select(*(job_events.c[name] for name in ("seq", "at", "attempt", "kind", "state", "message")))
        .where(job_events.c.job_id == job_id, job_events.c.seq > after, *_seen_job(job_id, tenants))
        .order_by(job_events.c.seq)
        .limit(limit)
    )
    return list((await tx.execute(query)).mappings())
