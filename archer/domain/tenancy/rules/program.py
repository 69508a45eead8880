"""Which fields a program of each type has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archer.errors import FieldFault


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
