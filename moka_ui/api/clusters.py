"""Clusters and queues: what there is, and how much of it is busy."""

from __future__ import annotations

from fastapi import APIRouter

from moka_ui.api.deps import Views
from moka_ui.api.problems import Problem
from moka_ui.api.schemas import ClusterList, QueueList

router = APIRouter(prefix="/api", tags=["clusters"], responses={503: {"model": Problem}})


@router.get("/clusters", operation_id="listClusters")
async def list_clusters(views: Views) -> ClusterList:
    """List the clusters."""
    return ClusterList.model_validate({"items": await views.clusters()})


@router.get("/queues", operation_id="listQueues")
async def list_queues(views: Views) -> QueueList:
    """List the YuniKorn queues."""
    return QueueList.model_validate({"items": await views.queues()})
