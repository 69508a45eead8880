"""From options to the body of POST /v1/jobs.

Later wins, as for spark-submit: the request file, the properties file, --conf, the other options.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from archer.cli.exits import CommandError
from archer.cli.filters import seconds_of
from archer.cli.submit import document, locations, properties
from archer.cli.submit.flags import Flags

TYPE_OF_SUFFIX: Final = {".py": "python", ".jar": "java", ".r": "r", ".sql": "sql"}
FIELD_OF_FLAG: Final = {
    "main_class": "main_class",
    "name": "name",
    "queue": "queue",
    "tenant": "tenant",
    "arch": "arch",
    "spark_version": "spark_version",
    "sql": "sql",
    "type": "type",
    "priority": "priority",
    "correlation_id": "correlation_id",
    "driver_memory": "driver.memory",
    "driver_cores": "driver.cores",
    "executor_memory": "executor.memory",
    "executor_cores": "executor.cores",
    "num_executors": "executor.instances",
    "max_attempts": "retry.max_attempts",
    "jars": "deps.jars",
    "py_files": "deps.py_files",
    "files": "deps.files",
    "archives": "deps.archives",
    "packages": "deps.packages",
}
LOCATED: Final = ("jars", "py_files", "files", "archives")
NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9 ._:/@+-]+")

Body = dict[str, Any]


def request_body(flags: Flags, tell: Callable[[str], None]) -> Body:
    """Build the request; *tell* hears what was left out.

    Raises:
        CommandError: An option, or a file that it names, cannot be read.
    """
    if flags.sql is not None and flags.app is not None:
        raise CommandError("--sql and APP exclude each other: a job is either statements or a program")
    body: Body = {}
    if flags.file is not None:
        body = document.read(flags.file)
        _locate(body, Path.cwd() if flags.file == document.STDIN else flags.file.parent)
    given: Body = {}
    for layer in (_from_properties(flags, tell), _from_flags(flags)):
        for path, value in layer.items():
            _put(given, path, value)
    _locate(given, Path.cwd())
    _merge(body, given)
    return _named(body)


def _from_properties(flags: Flags, tell: Callable[[str], None]) -> Body:
    found = properties.read_file(flags.properties_file) if flags.properties_file else {}
    found |= _pairs(flags.conf, "--conf")
    fields, left_out = properties.fields_of(found)
    left_out += [f"--{name.replace('_', '-')}" for name in ("master", "deploy_mode") if getattr(flags, name)]
    if left_out:
        tell(f"{', '.join(left_out)}: left out, the platform sets where and how the driver runs.")
    return fields


def _from_flags(flags: Flags) -> Body:
    fields: Body = {}
    for flag, field in FIELD_OF_FLAG.items():
        value = getattr(flags, flag)
        if field.startswith("deps."):
            value = [part for given in value or [] for part in properties.parts(given)]
        elif field.endswith(".memory") and value is not None:
            value = properties.memory(value)
        if value not in (None, []):
            fields[field] = value
    if flags.timeout is not None:
        fields["timeout_seconds"] = seconds_of(flags.timeout, "--timeout")
    fields |= _program(flags)
    for field, pairs in (("env", _pairs(flags.env, "--env")), ("labels", _pairs(flags.label, "--label"))):
        if pairs:
            fields[field] = pairs
    return fields


def _program(flags: Flags) -> Body:
    """Say what runs: APP, its arguments and its type."""
    fields: Body = {"arguments": list(flags.args)} if flags.args else {}
    if flags.sql is not None:
        return {**fields, "type": flags.type or "sql"}
    if flags.app is None:
        if flags.file is None:
            raise CommandError("nothing to run: name an APP, --sql TEXT or -f FILE")
        return fields
    kind = flags.type or TYPE_OF_SUFFIX.get(PurePosixPath(flags.app.partition("#")[0]).suffix.lower())
    if kind is None and flags.file is None:
        suffixes = ", ".join(TYPE_OF_SUFFIX)
        raise CommandError(
            f"the type of {flags.app} does not show in its suffix ({suffixes})", hint="Say it with --type."
        )
    return {**fields, "main_application_file": flags.app, **({"type": kind} if kind else {})}


def _pairs(given: Iterable[str] | None, flag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given or []:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise CommandError(f"{flag} {text!r} is not of the form name=value")
        found[key.strip()] = value
    return found


def _locate(body: Body, folder: Path) -> None:
    """Give every path without a scheme its location; leave what is not a text for Archer to refuse."""
    if isinstance(file := body.get("main_application_file"), str):
        body["main_application_file"] = locations.located(file, folder)
    deps = body.get("deps")
    if not isinstance(deps, dict):
        return
    for name in LOCATED:
        if isinstance(deps.get(name), list):
            deps[name] = [locations.located(at, folder) if isinstance(at, str) else at for at in deps[name]]


def _put(body: Body, path: str, value: Any) -> None:
    *folders, last = path.split(".")
    for folder in folders:
        body = body.setdefault(folder, {})
    body[last] = value


def _merge(below: Body, above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _merge(below[key], value)
        else:
            below[key] = value


def _named(body: Body) -> Body:
    """Give a job without a name the one that spark-submit would: its class, or its file."""
    if "name" in body:
        return body
    known = body.get("main_class") or PurePosixPath(str(body.get("main_application_file") or "")).name
    name = NOT_IN_NAMES.sub("-", str(known or body.get("type") or "job"))[:200].strip(" ._:/@+-")
    return {"name": name or "job", **body}
