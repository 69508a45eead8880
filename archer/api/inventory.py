"""Routes that show clusters and queues."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends

from archer.api import schemas
from archer.api.deps import PartsDep, known_parameters
from archer.api.openapi import problem_answers

router = APIRouter(prefix="/v1", tags=["inventory"], dependencies=[Depends(known_parameters)])


@router.get("/clusters", response_model=schemas.ClusterList, responses=problem_answers(400, 503))
async def list_clusters(parts: PartsDep) -> dict[str, Any]:
    """List the clusters that Archer may dispatch to."""
    return {"items": [schemas.plain(row) for row in await parts.jobs.clusters()], "next_cursor": None}


@router.get("/queues", response_model=schemas.QueueList, responses=problem_answers(400, 503))
async def list_queues(parts: PartsDep) -> dict[str, Any]:
    """List the YuniKorn queues that jobs may name."""
    return {"items": [schemas.plain(row) for row in await parts.jobs.queues()], "next_cursor": None}
