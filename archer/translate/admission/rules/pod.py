"""What the pods of an application may hold: account, template, container and environment of each role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from archer.domain.tenancy.rules import environment
from archer.translate import yunikorn
from archer.translate.admission.cel import absent_or, all_of, keys_of, matches, one_of, starts_with
from archer.translate.admission.ground import Ground
from archer.translate.admission.rules.identity import free_key, labels_of
from archer.translate.admission.rules.rule import Rule
from archer.translate.nodes import ZONE_LABEL

ROLES: Final = ("driver", "executor")
# Fields of a pod that are the platform's alone: only the values that it writes are let in.
FIXED: Final = (
    "automountServiceAccountToken",
    "enableServiceLinks",
    "priorityClassName",
    "schedulerName",
    "securityContext",
    "terminationGracePeriodSeconds",
    "tolerations",
)


def pod(ground: Ground, role: str) -> Iterator[Rule]:
    """Everything under the spec's *role*, but for its size."""
    path = f"object.spec.{role}"
    keys = ground.written.keys("spec", role)
    yield Rule(f"has({path}) && {keys_of(path, keys)}", f"{role} has a field that Archer never writes")
    accounts = ground.written.values("spec", role, "serviceAccount")
    yield Rule(
        f"has({path}.serviceAccount) && {one_of(f'{path}.serviceAccount', accounts)}",
        f"{role} has another service account than the tenant's",
    )
    yield from _metadata(ground, role, f"{path}.template")
    yield from _spec(ground, role, f"{path}.template.spec")
    yield from _environment(ground, role, f"{path}.template.spec.containers")


def _metadata(ground: Ground, role: str, template: str) -> Iterator[Rule]:
    labels, annotations = f"{template}.metadata.labels", f"{template}.metadata.annotations"
    known = ground.written.keys("spec", role, "template", "metadata", "annotations")
    queue = f"{annotations}['{yunikorn.QUEUE}']"
    yield Rule(
        all_of(
            f"has({template}) && {template}.all(k, k in ['metadata', 'spec'])",
            f"has({template}.metadata) && {template}.metadata.all(k, k in ['annotations', 'labels'])",
            f"has({labels}) && ({labels_of(ground, labels)})",
            f"has({annotations}) && {annotations}.all(k, {one_of('k', known)} || {free_key()})",
            f"'{yunikorn.QUEUE}' in {annotations} && {one_of(queue, ground.queues)}",
        ),
        f"metadata of the {role}'s pod is not what Archer would write",
    )


def _spec(ground: Ground, role: str, spec: str) -> Iterator[Rule]:
    place = ("spec", role, "template", "spec")
    known = ground.written.keys(*place)
    fixed = [_fixed(ground, place, spec, field) for field in FIXED if field in known]
    selectors = [
        f"k != '{key}' || {one_of('v', _node_values(ground, (*place, 'nodeSelector', key), key))}"
        for key in ground.written.keys(*place, "nodeSelector")
    ]
    selector = f"{spec}.nodeSelector"
    yield Rule(
        all_of(
            f"has({spec}) && {keys_of(spec, known)}",
            *fixed,
            keys_of(selector, ground.written.keys(*place, "nodeSelector")),
            absent_or(selector, f"{selector}.all(k, [{selector}[k]].all(v, {all_of(*selectors)}))"),
        ),
        f"the {role}'s pod has a field or a value that Archer would not write",
    )
    containers = (*place, "containers")
    names, rights = (ground.written.values(*containers, field) for field in ("name", "securityContext"))
    policies = ground.written.values(*containers, "terminationMessagePolicy")
    one = all_of(
        f"c.all(k, {one_of('k', [*ground.written.keys(*containers), 'env'])})",
        f"has(c.name) && {one_of('c.name', names)}",
        f"has(c.securityContext) && {one_of('c.securityContext', rights)}",
        f"has(c.terminationMessagePolicy) && {one_of('c.terminationMessagePolicy', policies)}",
        absent_or("c.envFrom", one_of("c.envFrom", ground.written.values(*containers, "envFrom"))),
    )
    yield Rule(
        f"has({spec}.containers) && size({spec}.containers) == 1 && {spec}.containers.all(c, {one})",
        f"the {role}'s container is not what Archer would write",
    )


def _fixed(ground: Ground, place: tuple[str, ...], spec: str, field: str) -> str:
    """Whether the pod's *field* is as Archer writes it; one that not every job has may be absent."""
    rule = one_of(f"{spec}.{field}", ground.written.values(*place, field))
    if ground.written.is_always_there(*place, field):
        return f"has({spec}.{field}) && {rule}"
    return absent_or(f"{spec}.{field}", rule)


def _node_values(ground: Ground, path: tuple[str, ...], key: str) -> list[str]:
    """Values of one label of nodes; a job's zone follows from its id, so that all zones are legal."""
    return [*ground.written.values(*path), *(ground.profile.zones if key == ZONE_LABEL else ())]


def _environment(ground: Ground, role: str, containers: str) -> Iterator[Rule]:
    source = "e.valueFrom.secretKeyRef"
    drawn = all_of(
        "e.valueFrom.all(k, k == 'secretKeyRef')",
        f"{source}.all(k, k in ['name', 'key'])",
        one_of(f"{source}.name + '/' + {source}.key", ground.secrets),
    )
    entry = all_of(
        "e.all(k, k in ['name', 'value', 'valueFrom'])",
        matches("e.name", environment.NAME),
        f"!({one_of('e.name', environment.RESERVED)})",
        f"!({starts_with('e.name', environment.RESERVED_PREFIXES)})",
        absent_or("e.valueFrom", drawn),
    )
    yield Rule(
        f"!has({containers}) || {containers}.all(c, !has(c.env) || c.env.all(e, {entry}))",
        f"the {role}'s environment has a name or a secret that the tenant may not use",
    )
