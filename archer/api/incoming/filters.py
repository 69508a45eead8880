"""The filters of the list of jobs. What can match nothing is refused, so that a typing error shows."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query
from pydantic import AwareDatetime

from archer.domain.request import LABEL_KEY, LABEL_VALUE, QUEUE_FORM, TENANT_FORM
from archer.domain.states import JobState
from archer.errors import FieldFault, InvalidParameter
from archer.store.jobs import Filters

CLUSTER_FORM: Final = r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"
NAME_BEGINNING: Final = r"^([A-Za-z0-9][A-Za-z0-9 ._:/@+-]{0,199})?$"
OWNER_FORM: Final = r"^[!-~]{1,253}$"
STATES: Final = tuple(state.value for state in JobState)


def filters(
    state: Annotated[list[str] | None, Query(description="One or several, also comma separated.")] = None,
    queue: Annotated[str | None, Query(max_length=200, pattern=QUEUE_FORM)] = None,
    tenant: Annotated[str | None, Query(pattern=TENANT_FORM)] = None,
    owner: Annotated[str | None, Query(pattern=OWNER_FORM)] = None,
    cluster: Annotated[str | None, Query(pattern=CLUSTER_FORM)] = None,
    name: Annotated[str | None, Query(pattern=NAME_BEGINNING, description="Beginning of the name.")] = None,
    label: Annotated[list[str] | None, Query(description="`key:value`; several must all match.")] = None,
    created_after: AwareDatetime | None = None,
    created_before: AwareDatetime | None = None,
) -> Filters:
    """Read the filters of a list."""
    states = tuple(part for given in state or () for part in given.split(","))
    labels, faults = _labels(label or [])
    faults += [
        FieldFault("state", "unknown", f"{one[:50]!r} is not a state", STATES)
        for one in states
        if one not in STATES
    ]
    if faults:
        raise InvalidParameter("A filter is wrong.", tuple(faults))
    return Filters(states, queue, tenant, owner, cluster, name or None, labels, created_after, created_before)


def _labels(given: list[str]) -> tuple[tuple[tuple[str, str], ...], list[FieldFault]]:
    wanted: dict[str, str] = {}
    faults: list[FieldFault] = []
    for one in given:
        key, colon, value = one.partition(":")
        if not colon or LABEL_KEY.match(key) is None or LABEL_VALUE.match(value) is None:
            faults.append(FieldFault("label", "form", "must be key:value, as labels of Kubernetes are"))
        elif wanted.setdefault(key, value) != value:
            faults.append(FieldFault("label", "contradiction", f"the label {key} cannot have two values"))
    return tuple(wanted.items()), faults
