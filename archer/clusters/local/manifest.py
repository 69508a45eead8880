"""What a local cluster asks of a manifest, and the object that it makes of one. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from archer.clusters.local.applications import NAME
from archer.errors import ManifestRejected
from archer.translate import names

TYPES: Final = frozenset({"Python", "Java", "Scala", "R"})
MAX_BYTES: Final = 1_500_000  # what etcd takes as one object


def resource(manifest: Mapping[str, Any], *, uid: str, created_at: str) -> dict[str, Any]:
    """Make the stored object of a manifest. Raises ``ManifestRejected`` and names the field."""
    try:
        text = json.dumps(manifest)
    except (TypeError, ValueError) as error:
        raise ManifestRejected(f"the manifest is not JSON: {error}") from error
    if len(text) > MAX_BYTES:
        raise ManifestRejected(f"the manifest has {len(text)} bytes, more than {MAX_BYTES}")
    made = json.loads(text)
    _require(made.get("apiVersion") == names.API_VERSION, "apiVersion", rule=f"must be {names.API_VERSION}")
    _require(made.get("kind") == names.KIND, "kind", rule=f"must be {names.KIND}")
    metadata, spec = made.get("metadata"), made.get("spec")
    _require(isinstance(metadata, dict), "metadata", rule="must be an object")
    _require(isinstance(spec, dict), "spec", rule="must be an object")
    _metadata(metadata)
    _spec(spec)
    given = {"uid": uid, "creationTimestamp": created_at, "generation": 1}
    # a status comes from the operator only, as with a real status subresource
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"namespace": "default"} | metadata | given,
        "spec": spec,
    }


def _metadata(metadata: dict[str, Any]) -> None:
    name = metadata.get("name")
    _require(
        isinstance(name, str) and NAME.match(name) is not None,
        "metadata.name",
        rule="must be a DNS-1035 name",
    )
    _require(isinstance(metadata.get("namespace", ""), str), "metadata.namespace", rule="must be a string")
    for field in ("labels", "annotations"):
        _require(
            _is_text_map(metadata.get(field) or {}), f"metadata.{field}", rule="must map strings to strings"
        )


def _spec(spec: dict[str, Any]) -> None:
    _require(str(spec.get("type")) in TYPES, "spec.type", rule=f"must be one of {', '.join(sorted(TYPES))}")
    file = spec.get("mainApplicationFile")
    _require(isinstance(file, str) and "://" in file, "spec.mainApplicationFile", rule="must be a location")
    arguments = spec.get("arguments") or []
    _require(_is_text_list(arguments), "spec.arguments", rule="must be a list of strings")
    if spec["type"] in ("Java", "Scala"):
        _require(isinstance(spec.get("mainClass"), str), "spec.mainClass", rule="is needed")
    for field in ("sparkConf", "hadoopConf"):
        _require(_is_text_map(spec.get(field) or {}), f"spec.{field}", rule="must map strings to strings")
    for role in ("driver", "executor"):
        _size(spec.get(role, {}), f"spec.{role}")
    deps = spec.get("deps", {})
    _require(
        isinstance(deps, dict) and all(_is_text_list(entry or []) for entry in deps.values()),
        "spec.deps",
        rule="must hold lists of strings",
    )


def _size(role: Any, field: str) -> None:
    _require(isinstance(role, dict), field, rule="must be an object")
    for count in ("cores", "instances"):
        value = role.get(count, 1)
        is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        _require(is_count, f"{field}.{count}", rule="must be a whole number")
    _require(isinstance(role.get("memory", ""), str), f"{field}.memory", rule="must be a string")


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, str) for entry in value.values())


def _is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) and "\0" not in entry for entry in value)


def _require(is_right: bool, field: str, *, rule: str) -> None:
    if not is_right:
        raise ManifestRejected(f"{field} {rule}")
