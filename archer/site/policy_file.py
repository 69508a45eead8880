"""The policy file: read strictly, and laid over the clusters file, whose queues and namespaces it decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from archer.domain.tenancy.policy import Policy, Tenant
from archer.domain.tenancy.spark_conf import REQUEST_FIELD_OF
from archer.errors import SettingsError
from archer.settings import Inventory, load_inventory, parse_settings, read_settings, sentences
from archer.translate.admission.manifests import admission_policies
from archer.translate.storage import KEPT

YAML_WIDTH: Final = 120


def load_policy(path: Path | None) -> Policy | None:
    """Read the policy file; None when there is no *path*. Raises ``SettingsError``."""
    return None if path is None else parse_policy(read_settings(path), path)


def parse_policy(content: bytes, path: Path) -> Policy:
    """Understand the content of the policy file at *path*. Raises ``SettingsError``."""
    return parse_settings(Policy, content, path)


def laid_over(inventory: Inventory, policy: Policy | None) -> Inventory:
    """The clusters file with the queues of *policy*, and with the namespace of each of its tenants.

    Raises:
        SettingsError: Both files say the same thing, or the policy names a cluster that there is not.
    """
    if policy is None:
        if not inventory.queues:
            raise SettingsError("queues is missing, and there is no policy file that has them")
        return inventory
    given = sorted(inventory.model_fields_set & {"queues", "default_queue"})
    faults = [f"{field} stands in the policy file" for field in given]
    faults += [
        f"cluster {cluster.name}: namespaces stands in the policy file"
        for cluster in inventory.clusters
        if cluster.namespaces
    ]
    faults += _strangers(inventory, policy)
    faults += [
        f"{words} and accounts: where that is meant, each says shares_namespace"
        for words in _in_one_namespace(policy, [cluster.name for cluster in inventory.clusters])
    ]
    faults += _kept_keys(policy)
    if faults:
        raise SettingsError("; ".join(faults))
    clusters = [
        {
            **{field: getattr(cluster, field) for field in cluster.model_fields_set},
            "namespaces": {tenant.name: tenant.namespace_on(cluster.name) for tenant in policy.tenants},
        }
        for cluster in inventory.clusters
    ]
    queues = [
        {"path": queue.path, "tier": queue.tier, "description": queue.description} for queue in policy.queues
    ]
    try:
        return Inventory.model_validate(
            {"clusters": clusters, "queues": queues, "default_queue": policy.tenants[0].queues[0]}
        )
    except ValidationError as error:
        raise SettingsError(sentences(error)) from error


def _strangers(inventory: Inventory, policy: Policy) -> Iterator[str]:
    names = {cluster.name for cluster in inventory.clusters}
    for tenant in policy.tenants:
        for name in sorted(set(tenant.namespaces) - names):
            yield f"tenant {tenant.name}: there is no cluster {name}"


def _named_clusters(policy: Policy) -> list[str]:
    """Clusters that a tenant names, and the nameless one, which stands for all others."""
    return ["", *sorted({name for tenant in policy.tenants for name in tenant.namespaces})]


def _in_one_namespace(policy: Policy, clusters: Iterable[str]) -> Iterator[str]:
    """Tenants that share a namespace of one of *clusters*, and do not all say that they do, each set once."""
    told: set[tuple[str, str]] = set()
    for cluster in clusters:
        by_namespace: defaultdict[str, list[Tenant]] = defaultdict(list)
        for tenant in policy.tenants:
            by_namespace[tenant.namespace_on(cluster)].append(tenant)
        for namespace, tenants in by_namespace.items():
            names = " and ".join(tenant.name for tenant in tenants)
            if len(tenants) == 1 or all(t.shares_namespace for t in tenants) or (namespace, names) in told:
                continue
            told.add((namespace, names))
            where = f" of cluster {cluster}" if cluster else ""
            yield f"tenants {names} share the namespace {namespace}{where}, and so its secrets"


def _kept_keys(policy: Policy) -> Iterator[str]:
    """Keys of a layer that are not for any layer to set."""
    layers: list[tuple[str, Mapping[str, str]]] = [("", policy.spark_conf)]
    layers += [(f"queue {queue.path}: ", queue.spark_conf) for queue in policy.queues]
    layers += [(f"tenant {tenant.name}: ", tenant.spark_conf) for tenant in policy.tenants]
    layers += [(f"Spark {version.version}: ", version.spark_conf) for version in policy.spark_versions]
    for where, conf in layers:
        for key in conf:
            if key in KEPT:
                yield f"{where}spark_conf.{key} is written by Archer"
            elif key in REQUEST_FIELD_OF:
                yield f"{where}spark_conf.{key} is set by each job, by its field {REQUEST_FIELD_OF[key]}"


def check_policy(path: Path, clusters: Path | None) -> str:
    """Say in lines what the policy file at *path* holds, and what looks like a slip in it.

    Raises:
        SettingsError: Archer would not take it, alone or with the clusters file at *clusters*.
    """
    policy = parse_policy(read_settings(path), path)
    if clusters is not None:
        laid_over(load_inventory(clusters), policy)
    counts = {"tenants": policy.tenants, "queues": policy.queues, "Spark versions": policy.spark_versions}
    held = ", ".join(f"{len(what)} {word}" for word, what in counts.items())
    return "\n".join([f"{path}: {held}", *(f"look again: {remark}" for remark in remarks(policy))]) + "\n"


def admission_text(
    path: Path, clusters: Path, *, cluster: str, submitters: Sequence[str], operators: Sequence[str] = ()
) -> str:
    """Write the admission policies of *cluster* as YAML documents.

    Raises:
        SettingsError: A file is wrong, or there is no such cluster.
    """
    policy = parse_policy(read_settings(path), path)
    profiles = {entry.name: entry.profile() for entry in laid_over(load_inventory(clusters), policy).clusters}
    if cluster not in profiles:
        raise SettingsError(f"{clusters}: there is no cluster {cluster}, only {', '.join(profiles)}")
    made = admission_policies(policy, profiles[cluster], submitters=submitters, operators=operators)
    return yaml.safe_dump_all(made, sort_keys=False, width=YAML_WIDTH)


def remarks(policy: Policy) -> Iterator[str]:
    """What is allowed in a policy and still looks like a slip, in words."""
    used = {path for tenant in policy.tenants for path in tenant.queues}
    for queue in policy.queues:
        if queue.path not in used:
            yield f"queue {queue.path}: no tenant may use it"
        if queue.guaranteed and queue.maximum and _is_above(queue.guaranteed, queue.maximum):
            yield f"queue {queue.path}: guaranteed is above maximum"
        if queue.largest_job and queue.maximum and _is_above(queue.largest_job, queue.maximum):
            yield f"queue {queue.path}: largest_job is above maximum, so that it may wait for ever"
    for tenant in policy.tenants:
        if not tenant.locations:
            yield f"tenant {tenant.name}: without locations, its programs can only come from images"
    yield from _in_one_namespace(policy, _named_clusters(policy))


def _is_above(one: Any, other: Any) -> bool:
    return one.cores > other.cores or one.memory_mib > other.memory_mib
