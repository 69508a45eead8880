"""Jobs: the list, one, what was tried for it, and what happened to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final

import yaml
from fastapi import APIRouter, Query, Request, Response

from archer.errors import NotFound
from archer.translate.draft import origins_of
from moka_ui.api.deps import Clock, Configured, JobId, Number, Views
from moka_ui.api.problems import Problem
from moka_ui.api.schemas import (
    AttemptList,
    Counts,
    EventList,
    Found,
    Gone,
    Job,
    JobDetail,
    JobPage,
    Line,
    Manifest,
)
from moka_ui.cursor import decode
from moka_ui.filters import JobQuery
from moka_ui.links import job_links, job_of
from moka_ui.read import COUNT_TO

RECENTLY: Final = timedelta(hours=24)

router = APIRouter(prefix="/api", tags=["jobs"], responses={503: {"model": Problem}})


@router.get("/jobs", operation_id="listJobs", responses={400: {"model": Problem}, 422: {"model": Problem}})
async def list_jobs(
    query: Annotated[JobQuery, Query()], views: Views, settings: Configured, clock: Clock
) -> JobPage:
    """List jobs of every cluster, a page at a time."""
    cursor = decode(query.cursor, query.sort) if query.cursor is not None else None
    page = await views.jobs(query, cursor, clock())
    items = [Job.model_validate(_linked(row, settings)) for row in page.rows]
    return JobPage(items=items, next_cursor=page.next.encode() if page.next else None)


@router.get("/jobs/{job_id}", operation_id="readJob", responses={404: {"model": Problem}})
async def read_job(
    job: JobId, views: Views, settings: Configured, request: Request, response: Response
) -> JobDetail:
    """Read one job. Its ETag is its version."""
    row = await views.job(job)
    if row is None:
        raise NotFound("There is no job of this id.")
    etag = f'W/"{row["version"]}"'
    headers = {"etag": etag, "cache-control": "no-cache"}
    if etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)  # pyright: ignore[reportReturnType]  # has no body
    response.headers.update(headers)
    return JobDetail.model_validate(_linked(row, settings))


@router.get("/jobs/{job_id}/attempts", operation_id="listAttempts", responses={404: {"model": Problem}})
async def list_attempts(job: JobId, views: Views) -> AttemptList:
    """List the attempts of a job, each with the decision where it was placed."""
    rows = await views.attempts(job)
    await _must_exist(job, rows, views)
    return AttemptList.model_validate({"items": rows})


@router.get("/jobs/{job_id}/events", operation_id="listEvents", responses={404: {"model": Problem}})
async def list_events(job: JobId, views: Views) -> EventList:
    """List what happened to a job."""
    rows = await views.events(job)
    await _must_exist(job, rows, views)
    return EventList.model_validate({"items": rows})


@router.get(
    "/jobs/{job_id}/attempts/{number}/manifest",
    operation_id="readManifest",
    responses={404: {"model": Problem}},
)
async def read_manifest(job: JobId, number: Number, views: Views) -> Manifest:
    """Read what was created in the cluster for one attempt."""
    row = await views.manifest(job, number)
    if row is None or row["manifest"] is None:
        raise NotFound("There is no manifest of this attempt.")
    as_json, as_yaml = notations(row["manifest"])
    return Manifest(
        attempt=number,
        application=row["application"],
        json_text=as_json,
        yaml_text=as_yaml,
        lines=lines(row["manifest"], row["layers"] or {}),
    )


@router.get("/counts", operation_id="readCounts")
async def read_counts(views: Views, clock: Clock) -> Counts:
    """Count jobs by state: all live ones, and those accepted in the last 24 hours."""
    as_of = clock()
    live, accepted = await views.counts(as_of - RECENTLY)
    return Counts(
        live=live, accepted=accepted, accepted_after=as_of - RECENTLY, as_of=as_of, counted_to=COUNT_TO
    )


@router.get("/search", operation_id="findJob", responses={404: {"model": Problem}})
async def find_job(q: Annotated[str, Query(min_length=1, max_length=256)], views: Views) -> Found:
    """Find the job that a pasted id, application, pod or Spark application belongs to."""
    job = job_of(q)
    if job is not None and await views.job(job) is not None:
        return Found(job_id=job)
    word = q.strip()
    if word.isprintable():
        job = await views.job_of_spark_app(word)
        if job is not None:
            return Found(job_id=job)
    raise NotFound("No job, application or pod has this name.")


def notations(manifest: str) -> tuple[str, str]:
    """A stored manifest as JSON and as YAML; one that cannot be read is shown as it is."""
    try:
        document = json.loads(manifest)
    except ValueError:
        return manifest, manifest
    return (
        json.dumps(document, indent=2, ensure_ascii=False),
        yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110),
    )


def lines(manifest: str, layers: Mapping[str, Any]) -> list[Line]:
    """Each line of a stored manifest with the layer that set it; none where that was not kept."""
    try:
        document = json.loads(manifest)
    except ValueError:
        return []
    return [
        Line(
            path=origin.path,
            value=_text(value),
            source=origin.source,
            replaced=[Gone(source=gone.source, value=_text(gone.value)) for gone in origin.replaced],
        )
        for origin, value in origins_of(document, layers)
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _linked(row: Mapping[str, Any], settings: Configured) -> dict[str, Any]:
    return {**row, "links": job_links(row["id"], settings.archer_url)}


async def _must_exist(job: str, rows: object, views: Views) -> None:
    if not rows and await views.job(job) is None:
        raise NotFound("There is no job of this id.")
