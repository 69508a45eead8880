"""Routes that take jobs in: one, a batch, or only to show what would be made of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from archer.api import problems, schemas
from archer.api.auth import gate
from archer.api.deps import CallerDep, IdempotencyKey, Parts, PartsDep, checked_key, known_parameters
from archer.api.incoming import body
from archer.api.openapi import BATCH_BODY, JOB_BODY, KEY_HEADER, problem_answers
from archer.domain.request import DEFAULT_TENANT
from archer.domain.tenancy.principal import Caller
from archer.errors import ArcherError, BodyTooLarge, FieldFault, InvalidJob
from archer.service import require_submit

router = APIRouter(prefix="/v1", tags=["jobs"])

MAX_BATCH: Final = 100


@router.post(
    "/jobs",
    status_code=201,
    response_model=schemas.JobRead,
    openapi_extra=JOB_BODY | KEY_HEADER,
    responses={
        200: {"model": schemas.JobRead},
        **problem_answers(400, 401, 403, 409, 413, 415, 422, 429, 503),
    },
)
async def submit_job(request: Request) -> Response:
    """Accept a Spark job. It is stored when this answers, and dispatched later.

    The same `Idempotency-Key` with the same body answers 200 and the first job; with another body, 422. A
    `correlation_id` that is under way answers 200 and that job.
    """
    # the one hot route: resolving dependencies would cost as much as all the rest of it
    await known_parameters(request)
    key = checked_key(request.headers.get("idempotency-key"))
    parts: Parts = request.app.state.parts
    data = await body.read(request)
    value = request.scope[gate.ASKED] = body.parse(data)
    document, created = await _submit(parts, gate.caller_of(request), data, value, key)
    return JSONResponse(
        document, status_code=201 if created else 200, headers={"Location": document["links"]["self"]}
    )


async def _submit(
    parts: Parts, caller: Caller, data: bytes, value: Any, key: str | None
) -> tuple[dict[str, Any], bool]:
    _authorize(caller, value)
    wanted = body.job_request(data, value, parts.sites.current.policy)
    submitted = await parts.jobs.submit(wanted, data, caller=caller, key=key)
    return schemas.job(submitted.fields, ui_url=parts.ui_url), submitted.created


def _authorize(caller: Caller, value: Any) -> None:
    """Let those pass who may submit for the tenant that *value* names. Raises ``Forbidden``.

    Before the rules: what they say of a tenant is only for those who may submit for it.
    """
    tenant = value.get("tenant", DEFAULT_TENANT) if isinstance(value, dict) else None
    if isinstance(tenant, str):
        require_submit(caller.principal, tenant)


@router.post(
    "/jobs:batch",
    dependencies=[Depends(known_parameters)],
    response_model=schemas.BatchRead,
    openapi_extra=BATCH_BODY,
    responses=problem_answers(400, 401, 413, 415, 422, 429, 503),
)
async def submit_batch(request: Request, key: IdempotencyKey, parts: PartsDep, caller: CallerDep) -> Response:
    """Accept up to 100 jobs, each for itself: `{"jobs": [...]}`, one result each.

    With an `Idempotency-Key`, job *n* has the key `<key>/<n>`, so that a repeat makes no job twice.
    """
    data = await body.read(request, max_bytes=body.MAX_BATCH_BYTES)
    value = body.parse(data)
    wanted = value.get("jobs") if isinstance(value, dict) and set(value) == {"jobs"} else None
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= MAX_BATCH:
        fault = FieldFault("jobs", "length", f"must be a list of 1 to {MAX_BATCH} jobs", MAX_BATCH)
        raise InvalidJob("A batch is an object with the one field jobs.", (fault,))
    if len(wanted) > 1:
        parts.limits.call(caller.principal, number=len(wanted) - 1)  # one is counted already
    # side by side, so that they share a commit
    items = await asyncio.gather(
        *(
            _batch_result(request, parts, one, f"{key}/{number}" if key else None)
            for number, one in enumerate(wanted)
        )
    )
    return JSONResponse({"items": items})


async def _batch_result(request: Request, parts: Parts, value: Any, key: str | None) -> dict[str, Any]:
    data = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    try:
        if len(data) > body.MAX_BYTES:
            raise BodyTooLarge(f"The job has more than {body.MAX_BYTES} bytes.")
        document, created = await _submit(parts, gate.caller_of(request), data, value, key)
    except ArcherError as error:
        gate.note(request.scope, error, asked=value)
        answer = problems.of(error)
        return {"status": answer.status_code, "job": None, "problem": json.loads(bytes(answer.body))}
    return {"status": 201 if created else 200, "job": document, "problem": None}


@router.post(
    "/jobs:render",
    dependencies=[Depends(known_parameters)],
    response_model=schemas.RenderRead,
    openapi_extra=JOB_BODY,
    responses=problem_answers(400, 401, 403, 413, 415, 422, 429, 503),
)
async def render_job(request: Request, parts: PartsDep, caller: CallerDep) -> dict[str, Any]:
    """Show the manifest that a dispatch would make now, and where each field came from. Stores nothing."""
    data = await body.read(request)
    value = body.parse(data)
    _authorize(caller, value)
    wanted = body.job_request(data, value, parts.sites.current.policy)
    decision, rendered = await parts.jobs.render(wanted, principal=caller.principal)
    origins = rendered.origins if rendered else []
    return {
        "manifest": rendered.manifest if rendered else None,
        "provenance": [asdict(origin) for origin in origins],
        "placement": decision.as_json(),
    }


PATH: Final = "/v1/jobs"
ROUTE: Final = next(route for route in router.routes if getattr(route, "path", None) == PATH)
