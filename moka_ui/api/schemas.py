"""What Moka UI says about jobs, on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema


def rfc3339(at: datetime) -> str:
    """A time in UTC with milliseconds, such as ``2026-11-22T06:03:00.123Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Shape(BaseModel):
    """Read from a row of a view."""

    model_config = ConfigDict(from_attributes=True)


class Job(Shape):
    """A job as lists show it."""

    id: str
    name: str
    type: str
    state: str
    reason: str | None
    fault: str | None
    tenant: str
    owner: str
    queue: str
    tier: int
    cluster: str | None
    attempt: int
    version: int
    labels: dict[str, str]
    correlation_id: str | None
    created_at: Instant
    started_at: Instant | None
    ended_at: Instant | None
    links: dict[str, str]


class JobDetail(Job):
    """A job as its page shows it."""

    arch: str
    spark_version: str
    priority: int
    waiting: str | None
    deadline_at: Instant | None
    cancel_requested_at: Instant | None


class JobPage(BaseModel):
    """Some jobs, and where the list goes on."""

    items: list[Job]
    next_cursor: str | None


class Attempt(Shape):
    """One SparkApplication of a job."""

    number: int
    cluster: str
    namespace: str
    application: str
    application_state: str
    spark_app_id: str | None
    driver_pod: str | None
    placement: dict[str, Any]
    has_manifest: bool
    exit_code: int | None
    reason: str | None
    fault: str | None
    message: str | None
    evidence: Any
    executors_running: int
    executors_failed: int
    executors_completed: int
    placed_at: Instant
    submitted_at: Instant | None
    scheduled_at: Instant | None
    started_at: Instant | None
    ended_at: Instant | None


class AttemptList(BaseModel):
    """Every attempt of a job, the first first."""

    items: list[Attempt]
    next_cursor: None = None


class Event(Shape):
    """One change of a job."""

    seq: int
    at: Instant
    attempt: int
    kind: str
    state: str
    message: str


class EventList(BaseModel):
    """What happened to a job, the first first."""

    items: list[Event]
    next_cursor: None = None


class Gone(BaseModel):
    """A value that gave way to a later layer's."""

    source: str
    value: str


class Line(BaseModel):
    """One line of a manifest, and the layer of configuration that set it."""

    path: str
    value: str
    source: str
    replaced: list[Gone]


class Manifest(BaseModel):
    """What was created in the cluster, masked before it was stored; in both notations.

    Lines are none where nothing was kept of who set them.
    """

    attempt: int
    application: str
    json_text: str
    yaml_text: str
    lines: list[Line]


class Cluster(Shape):
    """One cluster, and when it was last heard of."""

    name: str
    adapter: str
    state: str
    weight: int
    capabilities: dict[str, Any]
    version: str | None
    message: str
    last_seen_at: Instant | None
    wanted_state: str
    wanted_by: str | None
    wanted_at: Instant | None
    wanted_reason: str
    is_reachable: bool
    removed_at: Instant | None
    live_jobs: int


class ClusterList(BaseModel):
    """Every cluster."""

    items: list[Cluster]
    next_cursor: None = None


class Queue(Shape):
    """One YuniKorn queue, by its full path."""

    path: str
    tier: int
    description: str
    live_jobs: int


class QueueList(BaseModel):
    """Every queue."""

    items: list[Queue]
    next_cursor: None = None


class Counts(BaseModel):
    """How many jobs are in each state; a count stops at ``counted_to``."""

    live: dict[str, int]
    accepted: dict[str, int]
    accepted_after: Instant
    as_of: Instant
    counted_to: int


class Found(BaseModel):
    """The job that a pasted name belongs to."""

    job_id: str


class LogChunk(BaseModel):
    """A piece of a log, as Archer gives it. Offsets count bytes."""

    text: str
    offset: int
    next_offset: int
    size: int
    complete: bool
    attempt: int
    role: str
