"""Routes that show clusters and queues, and that cordon, drain and activate a cluster."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError

from archer.api import schemas
from archer.api.deps import CallerDep, PartsDep, known_parameters
from archer.api.incoming import body
from archer.api.openapi import CHANGE_BODY, problem_answers
from archer.api.problems import field_faults
from archer.domain.cluster import WantedState
from archer.errors import FieldFault, InvalidChange, NotFound
from archer.service import require_platform_admin

router = APIRouter(prefix="/v1", tags=["inventory"], dependencies=[Depends(known_parameters)])

MAX_CHANGE_BYTES: Final = 16 * 1024
NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?\Z")  # as the clusters file has it


@router.get("/clusters", response_model=schemas.ClusterList, responses=problem_answers(400, 401, 503))
async def list_clusters(parts: PartsDep) -> dict[str, Any]:
    """List the clusters that Archer may dispatch to, and those that were removed."""
    return {"items": [schemas.plain(row) for row in await parts.jobs.clusters()], "next_cursor": None}


async def cluster_in_path(name: str) -> str:
    """Check the form of a cluster's name before anything is asked for it."""
    if NAME.match(name) is None:
        raise NotFound("That is not the form of a cluster's name.")
    return name


ClusterName = Annotated[str, Depends(cluster_in_path)]


@router.get(
    "/clusters/{name}", response_model=schemas.ClusterRead, responses=problem_answers(400, 401, 404, 503)
)
async def read_cluster(name: ClusterName, parts: PartsDep) -> dict[str, Any]:
    """Read one cluster: what is asked of it, whether it answers, and how many jobs it holds."""
    return schemas.plain(await parts.jobs.cluster(name))


@router.patch(
    "/clusters/{name}",
    response_model=schemas.ClusterRead,
    openapi_extra=CHANGE_BODY,
    responses=problem_answers(400, 401, 403, 404, 413, 415, 422, 429, 503),
)
async def change_cluster(
    request: Request, name: ClusterName, parts: PartsDep, caller: CallerDep
) -> dict[str, Any]:
    """Cordon, drain or activate a cluster.

    A cordoned cluster gets no new jobs, and what is placed there goes on. A drained one is cordoned, and jobs
    move away whose applications are proven not to be created. What runs stays.
    A repeat changes nothing.
    """
    require_platform_admin(caller.principal)
    change = _change(body.parse(await body.read(request, max_bytes=MAX_CHANGE_BYTES)))
    state = WantedState(change.state)
    row = await parts.jobs.ask_cluster(name, state, caller=caller, reason=change.reason)
    return schemas.plain(row)


def _change(value: Any) -> schemas.ClusterChange:
    if not isinstance(value, dict):
        raise InvalidChange("A change is an object.", (FieldFault("", "type", "must be an object"),))
    try:
        return schemas.ClusterChange.model_validate(value)
    except ValidationError as error:
        faults = field_faults(error.errors(include_url=False, include_input=False))
        raise InvalidChange("The change breaks a rule.", faults) from None


@router.get("/queues", response_model=schemas.QueueList, responses=problem_answers(400, 401, 503))
async def list_queues(parts: PartsDep) -> dict[str, Any]:
    """List the YuniKorn queues that jobs may name."""
    return {"items": [schemas.plain(row) for row in await parts.jobs.queues()], "next_cursor": None}
