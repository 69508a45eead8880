"""What the routes share, made once by the composition root and carried by the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Header, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from archer.api.auth import gate
from archer.api.auth.callers import Callers
from archer.api.auth.denials import Denials
from archer.api.changes import Changes
from archer.api.incoming.cursors import Cursors
from archer.domain.tenancy.principal import Caller
from archer.errors import FieldFault, InvalidParameter
from archer.limits.limits import Limits
from archer.service import Jobs
from archer.site.present import Sites
from archer.store.engine import Database

REPEATABLE = frozenset({"state", "label"})


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that answer requests."""

    jobs: Jobs
    database: Database
    sites: Sites
    changes: Changes
    cursors: Cursors
    callers: Callers
    limits: Limits
    denials: Denials
    ui_url: str


# Dependencies are coroutines: FastAPI would send a plain function to a thread, at five times their cost.
async def parts(request: Request) -> Parts:
    """The parts of this application."""
    return cast("Parts", request.app.state.parts)


PartsDep = Annotated[Parts, Depends(parts)]


async def caller(request: Request) -> Caller:
    """Who makes this request."""
    return gate.caller_of(request)


CallerDep = Annotated[Caller, Depends(caller)]


async def idempotency_key(
    key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", description="The same key with the same body answers the first job."),
    ] = None,
) -> str | None:
    """Read the header ``Idempotency-Key``."""
    return checked_key(key)


def checked_key(key: str | None) -> str | None:
    """Check an Idempotency-Key: 1 to 255 printable ASCII characters. Raises ``InvalidParameter``."""
    if key is not None and not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        fault = FieldFault("Idempotency-Key", "form", "must be 1 to 255 printable ASCII characters")
        raise InvalidParameter("The Idempotency-Key is not of its form.", (fault,))
    return key


IdempotencyKey = Annotated[str | None, Depends(idempotency_key)]


async def known_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not know, or a single one given twice."""
    if not request.scope["query_string"]:
        return
    route = cast("APIRoute", request.scope["route"])
    known = _query_names(route.dependant)
    given = [name for name, _ in request.query_params.multi_items()]
    faults = [
        FieldFault(name, "unknown", "is not a parameter here", sorted(known))
        for name in sorted(set(given))
        if name not in known
    ]
    faults += [
        FieldFault(name, "repeated", "must be given once")
        for name in sorted(set(given))
        if name in known and name not in REPEATABLE and given.count(name) > 1
    ]
    if faults:
        raise InvalidParameter("A query parameter is wrong.", tuple(faults))


def _query_names(dependant: Dependant) -> set[str]:
    """Names of the query parameters of a route, those of its dependencies too."""
    names = {param.alias for param in dependant.query_params}
    return names.union(*(_query_names(one) for one in dependant.dependencies))
