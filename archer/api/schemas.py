"""What Archer answers, as OpenAPI tells it. Rows become these documents here and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from archer.domain.job import rfc3339
from archer.domain.masking import masked

State = Literal[
    "queued", "dispatching", "submitted", "running", "cancelling", "succeeded", "failed", "cancelled"
]
Time = str
Row = Mapping[Any, Any]
TIMES = frozenset(
    [
        "created_at",
        "started_at",
        "ended_at",
        "run_after",
        "deadline_at",
        "cancel_requested_at",
        "placed_at",
        "submitted_at",
        "scheduled_at",
        "at",
        "last_seen_at",
        "wanted_at",
        "removed_at",
    ]
)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold control or invisible characters")
    return text


class Links(BaseModel):
    """Where more about the job is."""

    self: str
    attempts: str
    events: str
    logs: str
    manifest: str
    ui: str | None


class JobRead(BaseModel):
    """A job as lists hold it."""

    id: str
    name: str
    type: str
    state: State
    reason: str | None
    fault: Literal["user", "platform", "policy"] | None
    tenant: str
    owner: str
    queue: str
    tier: int
    cluster: str | None
    attempt: int = Field(description="Number of the present attempt; 0 before the first.")
    version: int = Field(description="Grows with every change.")
    labels: dict[str, str]
    correlation_id: str | None
    created_at: Time
    started_at: Time | None
    ended_at: Time | None
    links: Links


class AttemptRead(BaseModel):
    """One SparkApplication of a job."""

    number: int
    cluster: str
    namespace: str
    application: str
    uid: str | None
    application_state: str = Field(description="The operator's own word.")
    spark_app_id: str | None
    driver_pod: str | None
    exit_code: int | None
    reason: str | None
    fault: str | None
    message: str | None
    evidence: list[str]
    executors_running: int
    executors_failed: int
    executors_completed: int
    placed_at: Time
    submitted_at: Time | None
    scheduled_at: Time | None
    started_at: Time | None
    ended_at: Time | None
    placement: dict[str, Any]


class JobDetail(JobRead):
    """A job with its request (secrets hidden) and its attempts."""

    arch: str
    spark_version: str
    priority: int
    waiting: str | None = Field(description="Why it does not run yet, in words.")
    run_after: Time
    deadline_at: Time | None
    cancel_requested_at: Time | None
    request: dict[str, Any]
    attempts: list[AttemptRead]
    placement: dict[str, Any] | None


class JobPage(BaseModel):
    """One page of jobs."""

    items: list[JobRead]
    next_cursor: str | None


class AttemptList(BaseModel):
    """All attempts of a job, the first first."""

    items: list[AttemptRead]
    next_cursor: str | None = None


class EventRead(BaseModel):
    """One change of a job."""

    seq: int
    at: Time
    attempt: int
    kind: str
    state: State
    message: str


class EventPage(BaseModel):
    """One page of events, in their order."""

    items: list[EventRead]
    next_cursor: str | None


class LogRead(BaseModel):
    """A part of a log. Bytes that are not UTF-8 are replaced."""

    role: str
    attempt: int
    text: str
    offset: int
    next_offset: int
    size: int
    complete: bool = Field(description="The log has ended, and this is its end.")


class ManifestRead(BaseModel):
    """The manifest of an attempt as it was created, secrets hidden."""

    attempt: int
    application: str
    spec_sha256: str | None
    manifest: dict[str, Any]


Layer = Literal["default", "cluster", "derived", "version", "queue", "tenant", "request", "platform"]


class ReplacedRead(BaseModel):
    """A value that gave way to a later layer's; secrets are masked."""

    source: Layer
    value: Any


class Provenance(BaseModel):
    """Where a line of a manifest came from, and what it replaced."""

    path: str = Field(description="JSON pointer into the manifest.")
    source: Layer = Field(
        description="The layer that set it: platform default, cluster, Spark version, queue, tenant, request "
        "or the platform, which has the last word; `derived` is worked out of several."
    )
    field: str | None = Field(description="Field of the request, when it is from there.")
    replaced: list[ReplacedRead] = Field(description="Values of earlier layers, the last one first.")


class RenderRead(BaseModel):
    """The manifest that a dispatch would make now; nothing was stored."""

    manifest: dict[str, Any] | None
    provenance: list[Provenance]
    placement: dict[str, Any]


class BatchResult(BaseModel):
    """What became of one job of a batch: its job, or its problem."""

    status: int
    job: JobRead | None = None
    problem: dict[str, Any] | None = None


class BatchRead(BaseModel):
    """One result for each job of a batch, in order."""

    items: list[BatchResult]


class ClusterRead(BaseModel):
    """A cluster as Archer knows it."""

    name: str
    adapter: str
    state: Literal["active", "cordoned", "drained", "unreachable"] = Field(
        description="`wanted_state`, or `unreachable` when an active cluster does not answer."
    )
    wanted_state: Literal["active", "cordoned", "drained"] = Field(description="What people asked for.")
    wanted_by: str | None
    wanted_at: Time | None
    wanted_reason: str
    is_reachable: bool = Field(description="Whether it answered when it was last asked.")
    live_jobs: int = Field(description="Jobs that are placed there and have not ended.")
    weight: int
    capabilities: dict[str, Any]
    version: str | None
    message: str
    last_seen_at: Time | None
    removed_at: Time | None = Field(description="When it left the clusters file, if it has.")


class ClusterChange(BaseModel):
    """What is asked of a cluster."""

    model_config = ConfigDict(extra="forbid", strict=True)

    state: Literal["active", "cordoned", "drained"]
    reason: Annotated[str, StringConstraints(max_length=500), AfterValidator(_printable)] = ""


class ClusterList(BaseModel):
    """Every cluster."""

    items: list[ClusterRead]
    next_cursor: str | None = None


class QueueRead(BaseModel):
    """A YuniKorn queue that jobs may name."""

    path: str
    tier: int
    description: str


class QueueList(BaseModel):
    """Every queue."""

    items: list[QueueRead]
    next_cursor: str | None = None


def plain(row: Row) -> dict[str, Any]:
    """Row to document: times written out."""
    return {key: rfc3339(value) if key in TIMES else value for key, value in row.items()}


def job(row: Row, *, ui_url: str) -> dict[str, Any]:
    """A listed job as a document."""
    document = plain(row)
    here = f"/v1/jobs/{row['id']}"
    document["links"] = {
        "self": here,
        "attempts": f"{here}/attempts",
        "events": f"{here}/events",
        "logs": f"{here}/logs",
        "manifest": f"{here}/manifest",
        "ui": f"{ui_url}/jobs/{row['id']}" if ui_url else None,
    }
    return document


def attempt(row: Row) -> dict[str, Any]:
    """An attempt as a document."""
    document = plain(
        {key: value for key, value in row.items() if key not in ("job_id", "manifest", "spec_sha256")}
    )
    document["evidence"] = row["evidence"] or []
    # how its manifest came about is read with the manifest, where its letters mean something
    document["placement"] = {key: value for key, value in row["placement"].items() if key != "layers"}
    return document


def job_detail(row: Row, attempts: list[Any], *, ui_url: str) -> dict[str, Any]:
    """A job in detail as a document."""
    document = job({key: value for key, value in row.items() if key != "request"}, ui_url=ui_url)
    request = json.loads(row["request"])
    if "env" in request:
        request["env"] = dict.fromkeys(request["env"], "*****")
    document["request"] = masked(request)
    document["attempts"] = [attempt(one) for one in attempts]
    document["placement"] = document["attempts"][-1]["placement"] if attempts else None
    return document
