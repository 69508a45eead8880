"""The list of jobs as SQL: filters, two orders, and pages that start after the last job seen.

Ids sort by time, so the newest first are a walk down the primary key. The longest first come from two
indexes, one of the jobs under way and one of the ended, of which each gives at most one page.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    column,
    literal,
    literal_column,
    or_,
    select,
    table,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.expression import CompoundSelect
from sqlalchemy.types import DateTime, Interval, Text

from archer.domain.identifiers import job_id
from moka_ui.cursor import Cursor
from moka_ui.filters import JobQuery

# How far the time inside an id may lie from created_at: the clocks of two machines.
CLOCK_SKEW: Final = timedelta(minutes=10)
SURROGATES: Final = (0xD800, 0xE000)  # no characters, so they follow nothing
LAST_CHARACTER: Final = 0x10FFFF

WORDS: Final = (
    "id", "name", "type", "state", "reason", "fault", "tenant", "owner", "queue", "tier", "cluster",
    "attempt", "version", "correlation_id",
)  # fmt: skip
TIMES: Final = ("created_at", "started_at", "ended_at")
JOBS: Final = table(
    "ui_jobs",
    *(column(name, Text()) for name in WORDS),
    *(column(name, DateTime(timezone=True)) for name in TIMES),
    column("labels", JSONB()),
)
C: Final = JOBS.c


def first_id(at: datetime) -> str:
    """The smallest id that a job accepted at this time can have."""
    return job_id(int(at.timestamp() * 1000), bytes(10))


def after_prefix(prefix: str) -> str | None:
    """The smallest text above everything that starts with *prefix*, by code points, if any."""
    for end in range(len(prefix), 0, -1):
        point = ord(prefix[end - 1]) + 1
        if point == SURROGATES[0]:
            point = SURROGATES[1]
        if point <= LAST_CHARACTER:
            return prefix[: end - 1] + chr(point)
    return None


def filters(query: JobQuery) -> list[ColumnElement[bool]]:
    """What a job must be to be listed."""
    found: list[ColumnElement[bool]] = [
        C[name] == getattr(query, name)
        for name in ("queue", "tenant", "owner", "cluster")
        if getattr(query, name) is not None
    ]
    if query.states:
        found.append(C.state.in_(query.states))
    if query.name is not None:
        found.append(C.name >= query.name)
        above = after_prefix(query.name)
        if above is not None:
            found.append(C.name < above)
    if query.labels:
        # the index on labels leaves the empty ones out, and is used only where the query says so too
        found.append(C.labels != literal_column("'{}'::jsonb"))
        found.append(C.labels.contains(query.labels))
    if query.created_after is not None:
        found += [C.id >= first_id(query.created_after - CLOCK_SKEW), C.created_at >= query.created_after]
    if query.created_before is not None:
        found += [C.id < first_id(query.created_before + CLOCK_SKEW), C.created_at < query.created_before]
    return found


def newest(query: JobQuery, cursor: Cursor | None) -> Select[Any] | CompoundSelect[Any]:
    """One row more than a page of jobs, the newest first."""
    where = filters(query)
    if cursor is not None:
        where.append(C.id < cursor.job_id)
    return select(JOBS).where(*where).order_by(C.id.desc()).limit(query.limit + 1)


def longest(query: JobQuery, cursor: Cursor | None, as_of: datetime) -> Select[Any]:
    """One row more than a page of jobs that have started, the longest first; those under way as of a time."""
    now = literal(as_of, DateTime(timezone=True))
    live_for = (now - C.started_at).label("duration")
    ran_for = (C.ended_at - C.started_at).label("duration")
    live = [C.ended_at.is_(None), C.started_at.is_not(None), C.started_at <= now]
    ended = [C.ended_at.is_not(None), C.started_at.is_not(None)]
    if cursor is not None and cursor.duration is not None:
        length = literal(cursor.duration, Interval())
        since = literal(as_of - cursor.duration, DateTime(timezone=True))
        # each bound twice: the plain one starts the index walk, the other leaves out what was seen
        live += [C.started_at >= since, or_(C.started_at > since, C.id < cursor.job_id)]
        ended += [
            C.ended_at - C.started_at <= length,
            or_(C.ended_at - C.started_at < length, C.id < cursor.job_id),
        ]
    most = query.limit + 1
    where = filters(query)
    under_way = (
        select(JOBS, live_for).where(and_(*live, *where)).order_by(C.started_at, C.id.desc()).limit(most)
    )
    over = (
        select(JOBS, ran_for)
        .where(and_(*ended, *where))
        .order_by((C.ended_at - C.started_at).desc(), C.id.desc())
        .limit(most)
    )
    both = union_all(under_way.subquery().select(), over.subquery().select()).subquery()
    return select(both).order_by(both.c.duration.desc(), both.c.id.desc()).limit(most)
