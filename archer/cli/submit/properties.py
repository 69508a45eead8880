"""Spark properties: which of them are fields of a request, and how a properties file reads.

Archer refuses a property that has a field of its own; people who come from spark-submit have them in
their scripts, so the command line moves each to its field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from archer.cli.exits import CommandError

FIELD_OF: Final = {
    "spark.app.name": "name",
    "spark.driver.cores": "driver.cores",
    "spark.driver.memory": "driver.memory",
    "spark.driver.memoryOverhead": "driver.memory_overhead",
    "spark.executor.cores": "executor.cores",
    "spark.executor.memory": "executor.memory",
    "spark.executor.memoryOverhead": "executor.memory_overhead",
    "spark.executor.instances": "executor.instances",
    "spark.dynamicAllocation.enabled": "dynamic_allocation.enabled",
    "spark.dynamicAllocation.minExecutors": "dynamic_allocation.min_executors",
    "spark.dynamicAllocation.maxExecutors": "dynamic_allocation.max_executors",
    "spark.dynamicAllocation.initialExecutors": "dynamic_allocation.initial_executors",
    "spark.jars": "deps.jars",
    "spark.files": "deps.files",
    "spark.submit.pyFiles": "deps.py_files",
    "spark.archives": "deps.archives",
    "spark.jars.packages": "deps.packages",
    "spark.yarn.queue": "queue",
}
SET_FOR_YOU: Final = frozenset({"spark.master", "spark.submit.deployMode"})
PAIR: Final = re.compile(r"([^\s=:]+)\s*[=:\s]\s*(.*)\Z", re.DOTALL)
MAX_FILE_BYTES: Final = 1024 * 1024


def memory(text: str) -> str:
    """Read memory as spark-submit does: any case, and MiB when there is no unit."""
    text = text.strip().lower()
    return f"{text}m" if text.isdecimal() else text


def parts(text: str) -> list[str]:
    """Split a list that is parted by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def field_value(field: str, text: str) -> Any:
    """The value of a request's field that a property's text means; odd text is left for Archer to refuse."""
    if field.startswith("deps."):
        return parts(text)
    if field.endswith((".memory", ".memory_overhead")):
        return memory(text)
    if field.endswith((".cores", ".instances", "_executors")) and re.fullmatch(r"-?[0-9]{1,9}", text):
        return int(text)
    if field.endswith(".enabled") and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text


def fields_of(properties: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Turn properties into fields by their dotted paths; answers them and what was left out.

    The rest becomes ``spark_conf``, whose keys hold dots themselves.
    """
    fields: dict[str, Any] = {}
    rest: dict[str, str] = {}
    left_out: list[str] = []
    for key, text in properties.items():
        if key in SET_FOR_YOU:
            left_out.append(key)
        elif key in FIELD_OF:
            fields[FIELD_OF[key]] = field_value(FIELD_OF[key], text)
        else:
            rest[key] = text
    if fields.get("dynamic_allocation.enabled") is False:
        fields = {name: value for name, value in fields.items() if not name.startswith("dynamic_allocation.")}
    return ({**fields, "spark_conf": rest} if rest else fields), left_out


def read_file(path: Path) -> dict[str, str]:
    """Read a properties file: ``key value``, ``key=value`` or ``key: value`` on each line."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--properties-file {path}: {_why(error)}") from error
    if len(text) > MAX_FILE_BYTES:
        raise CommandError(f"--properties-file {path}: larger than 1 MiB")
    found: dict[str, str] = {}
    for line in _logical_lines(text):
        match = PAIR.match(line)
        found[match[1] if match else line] = match[2].strip() if match else ""
    return {key: value for key, value in found.items() if key.startswith("spark.")}


def _logical_lines(text: str) -> Iterator[str]:
    pending = ""
    for line in text.splitlines():
        stripped = line.lstrip()
        if not pending and (not stripped or stripped[0] in "#!"):
            continue
        if stripped.endswith("\\"):
            pending += stripped[:-1]
            continue
        yield (pending + stripped).strip()
        pending = ""
    if pending.strip():
        yield pending.strip()


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or "cannot be read" if isinstance(error, OSError) else "is not UTF-8"
