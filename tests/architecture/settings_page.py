"""Writes docs/settings.md from the settings classes: ``python -m tests.architecture.settings_page``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, Final

from pydantic import BaseModel

from archer.domain.tenancy.policy import (
    JobSize,
    Limits,
    Policy,
    Queue,
    Resources,
    SecretRef,
    SparkVersion,
    Tenant,
)
from archer.settings import CelebornEntry, ClusterEntry, Inventory, QueueEntry, S3Entry
from archer.settings import Settings as ArcherSettings
from archer.site.access import Access, Issuer, Kubernetes, StaticToken
from moka_ui.settings import Settings as UiSettings
from tests.architecture.project import ROOT

PAGE: Final = ROOT / "docs" / "settings.md"
HEAD: Final = """\
# Settings

Generated from `archer/settings.py`, `archer/domain/tenancy/policy.py`, `archer/site/access.py` and
`moka_ui/settings.py` by `python -m tests.architecture.settings_page`. A test fails when this page is stale:
do not edit it.

Every process reads its settings from the environment, once, at its start. Numbers carry their unit in the
name. A list is written as JSON. `make run` needs none of this: it sets everything itself.
"""
ARCHER: Final = """\
## Archer

For `archer api`, `archer dispatcher`, `archer watcher`, `archer janitor` and `archer migrate`. A name under
`ARCHER_` that is not in these tables refuses the start, with the name in the message; so does a value that
breaks its rule. The start logs all settings, secrets masked.
"""
CLUSTERS: Final = """\
## The clusters file

One YAML file, at `ARCHER_CLUSTERS_FILE`. An unknown field refuses the start.
"""
UI: Final = """\
## Moka UI

For `moka-ui`.
"""
POLICY: Final = """\
## The policy file

One YAML file, at `ARCHER_POLICY_FILE`: what each tenant may ask for. [policy.md](policy.md) explains it.
"""
ACCESS: Final = """\
## The access file

One YAML file, at `ARCHER_ACCESS_FILE`: who may call the API. [access.md](access.md) explains it.
"""
CLI: Final = """\
## The command line

`moka` takes two variables; the options `--url` and `--token` win over them.

| variable | default | meaning |
|---|---|---|
| `MOKA_URL` | `http://127.0.0.1:8080` | Archer's address. |
| `MOKA_TOKEN` | none | Your token. Without it: the one in `.moka/`, for a Moka on this machine. |
"""

Row = tuple[str, str, str, str]


FILES: Final[tuple[tuple[str, tuple[tuple[type[BaseModel], str], ...]], ...]] = (
    (
        CLUSTERS,
        (
            (Inventory, "The whole"),
            (ClusterEntry, "Each of `clusters`"),
            (S3Entry, "`s3` of a cluster"),
            (CelebornEntry, "`celeborn` of a cluster"),
            (QueueEntry, "Each of `queues`, where there is no policy file"),
        ),
    ),
    (
        POLICY,
        (
            (Policy, "All of the policy"),
            (Queue, "Each of its `queues`"),
            (Resources, "`guaranteed` and `maximum` of a queue, `job` of limits"),
            (JobSize, "`largest_job` of a queue"),
            (Tenant, "Each of its `tenants`"),
            (SecretRef, "Each of `secrets` of a tenant"),
            (Limits, "`limits` of a tenant"),
            (SparkVersion, "Each of its `spark_versions`"),
        ),
    ),
    (
        ACCESS,
        (
            (Access, "All of it"),
            (StaticToken, "Each of `tokens`"),
            (Issuer, "Each of `issuers`"),
            (Kubernetes, "Each of `kubernetes`"),
        ),
    ),
)


def page() -> str:
    """The whole page."""
    parts = [HEAD, ARCHER, *_environment(ArcherSettings, "ARCHER_")]
    for head, models in FILES:
        parts.append(head)
        parts += [f"### {title}\n\n{_table('field', _fields(model))}" for model, title in models]
    parts += [UI, *_environment(UiSettings, "MOKA_UI_"), CLI]
    return "\n".join(parts)


def undocumented() -> list[str]:
    """Settings without a description."""
    models = [ArcherSettings, UiSettings, *(model for _, several in FILES for model, _ in several)]
    models += [part for _, part in _sections(ArcherSettings)]
    sections = {(ArcherSettings, name) for name, _ in _sections(ArcherSettings)}
    return [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not field.description and (model, name) not in sections
    ]


def _environment(model: type[BaseModel], prefix: str) -> Iterator[str]:
    sections = dict(_sections(model))
    yield _table("variable", _fields(model, prefix=prefix, leave_out=sections))
    for name, part in sections.items():
        heading = f"### {(part.__doc__ or name).rstrip('.')}"
        yield f"{heading}\n\n{_table('variable', _fields(part, prefix=f'{prefix}{name.upper()}__'))}"


def _sections(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield name, field.annotation


def _fields(
    model: type[BaseModel], *, prefix: str = "", leave_out: Mapping[str, Any] | None = None
) -> Iterator[Row]:
    schema = model.model_json_schema()
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        if name not in (leave_out or {}):
            shown = f"{prefix}{name.upper()}" if prefix else name
            default = "**required**" if name in required else _default(field)
            yield f"`{shown}`", default, _rule(field), field.get("description", "")


def _default(field: Mapping[str, Any]) -> str:
    value = field.get("default")
    if field.get("writeOnly") or value in ("", [], {}, None):
        return "empty"
    if isinstance(value, str) and PurePath(value).is_relative_to(ROOT):
        return "in the package"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "`" + (", ".join(value) if isinstance(value, list) else str(value)) + "`"


def _rule(field: Mapping[str, Any]) -> str:
    if "anyOf" in field:  # a value or nothing
        return _rule(next(one for one in field["anyOf"] if one.get("type") != "null"))
    if "$ref" in field:
        return "map"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("writeOnly"):
        return "secret"
    if "pattern" in field:
        return "`" + field["pattern"].replace("|", "\\|") + "`"
    kind = {"array": "list", "object": "map", "string": "text", "boolean": "`true`, `false`"}.get(
        field["type"], "number"
    )
    least = field.get("minimum", field.get("exclusiveMinimum"))
    if least is None:
        return {"path": "path"}.get(field.get("format", ""), kind)
    bound = "above" if "exclusiveMinimum" in field else "from"
    return f"{bound} {least}" + (f" to {field['maximum']}" if "maximum" in field else "")


def _table(first: str, rows: Iterator[Row]) -> str:
    lines = [f"| {first} | default | rule | meaning |", "|---|---|---|---|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
