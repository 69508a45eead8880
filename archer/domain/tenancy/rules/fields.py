"""Which fields a job of each type has, and what a misspelt one was meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from archer.domain.request import (
    Dependencies,
    DriverSize,
    DynamicAllocation,
    ExecutorSize,
    JobRequest,
    Retry,
)
from archer.domain.tenancy.rules.nearest import MOST, nearest
from archer.errors import FieldFault

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "": tuple(JobRequest.model_fields),
    "driver": tuple(DriverSize.model_fields),
    "executor": tuple(ExecutorSize.model_fields),
    "dynamic_allocation": tuple(DynamicAllocation.model_fields),
    "deps": tuple(Dependencies.model_fields),
    "retry": tuple(Retry.model_fields),
}
UNKNOWN: Final = "extra_forbidden"  # pydantic's word
CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def faults(raw: Mapping[str, Any]) -> Iterator[FieldFault]:
    """Find fields that the type needs or does not have."""
    kind, file, sql, main_class = (raw.get(k) for k in ("type", "main_application_file", "sql", "main_class"))
    if kind == "sql":
        if (sql is None) == (file is None):
            yield FieldFault("sql", "one_of", "a sql job has either sql or main_application_file")
    elif kind in ("python", "java", "scala", "r"):
        if file is None:
            yield FieldFault("main_application_file", "required", f"a {kind} job needs it")
        if sql is not None:
            yield FieldFault("sql", "not_for_type", f"a {kind} job has no sql")
    if kind in ("java", "scala"):
        if main_class is None:
            yield FieldFault("main_class", "required", f"a {kind} job needs it")
    elif main_class is not None and kind in ("python", "r", "sql"):
        yield FieldFault("main_class", "not_for_type", f"a {kind} job has no main class")


def with_hints(faults: Iterable[FieldFault]) -> list[FieldFault]:
    """The same *faults*; the first few that name an unknown field say which known one is near."""
    told = list(faults)
    for number, fault in enumerate(told[:MOST]):
        if fault.rule == UNKNOWN:
            told[number] = _hinted(fault)
    return told


def _hinted(fault: FieldFault) -> FieldFault:
    parent, _, name = fault.field.rpartition(".")
    near = nearest(CAPITAL.sub("_", name).lower(), FIELDS.get(parent, ()))  # camelCase is the usual slip
    if near is None:
        return fault
    meant = f"{parent}.{near}" if parent else near
    return replace(fault, message=f"{fault.message}; did you mean {meant}?", allowed=meant)
