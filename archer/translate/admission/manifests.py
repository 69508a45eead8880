"""ValidatingAdmissionPolicies and their bindings, one pair for each namespace of tenants.

They need no webhook, so that nothing of ours has to be up for them to hold.
Source: Kubernetes docs, "Validating Admission Policy", GA since 1.30.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from archer.domain.cluster import ClusterProfile
from archer.domain.tenancy.policy import Policy
from archer.translate.admission.cel import literal, one_of
from archer.translate.admission.ground import Ground, grounds
from archer.translate.admission.rules.conf import platform_conf
from archer.translate.admission.rules.every import every_rule

API_VERSION: Final = "admissionregistration.k8s.io/v1"
PREFIX: Final = "moka-applications"
ELSEWHERE: Final = "elsewhere"
NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"  # every namespace has it
OPERATIONS: Final = {
    "apiGroups": ["sparkoperator.k8s.io"],
    "apiVersions": ["*"],
    "operations": ["CREATE", "UPDATE"],
}
# of the same group: the operator makes pods of them, too, with templates of their own
OTHER_KINDS: Final = ("scheduledsparkapplications", "sparkconnects")
WHO: Final = "request.userInfo.username"


def admission_policies(
    policy: Policy, profile: ClusterProfile, *, submitters: Sequence[str], operators: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Render what the cluster of *profile* has to be given.

    Args:
        policy: What tenants may ask for.
        profile: The cluster.
        submitters: Who may create applications, as the cluster knows them, such as
            ``system:serviceaccount:moka:archer``.
        operators: Who may write their status, in the same form: a status that somebody made up can make the
            operator run an application again. Empty: whoever has the right.
    """
    found = grounds(policy, profile)
    made = [one for ground in found for one in _pair(ground.namespace, *_within(ground, submitters))]
    elsewhere = {
        "expression": f"!({one_of(WHO, submitters)})",
        "message": "Archer creates applications in the namespaces of its tenants only",
    }
    namespaces = [ground.namespace for ground in found]
    made += _pair(ELSEWHERE, _outside(namespaces), [elsewhere])
    closed = {"expression": "false", "message": "Archer runs jobs as SparkApplications, and as nothing else"}
    made += _pair("other-kinds", _inside(namespaces), [closed], resources=OTHER_KINDS)
    if operators:
        theirs = {"expression": one_of(WHO, operators), "message": "the status is the operator's to write"}
        made += _pair("status", _inside(namespaces), [theirs], resources=["sparkapplications/status"])
    return made


def _within(
    ground: Ground, submitters: Sequence[str]
) -> tuple[dict[str, Any], list[dict[str, str]], list[dict[str, str]]]:
    """Selector, rules and variables of a namespace of tenants."""
    validations = [
        {
            "expression": "request.operation != 'CREATE' || " + one_of(WHO, submitters),
            "message": "only Archer creates applications here",
        },
        *({"expression": rule.expression, "message": rule.message} for rule in every_rule(ground)),
    ]
    platform = {"name": "platform", "expression": literal(platform_conf(ground))}
    return {"matchLabels": {NAMESPACE_LABEL: ground.namespace}}, validations, [platform]


def _inside(namespaces: Sequence[str]) -> dict[str, Any]:
    ours = {"key": NAMESPACE_LABEL, "operator": "In", "values": list(namespaces)}
    return {"matchExpressions": [ours]}


def _outside(namespaces: Sequence[str]) -> dict[str, Any]:
    others = {"key": NAMESPACE_LABEL, "operator": "NotIn", "values": list(namespaces)}
    return {"matchExpressions": [others]}


def _pair(
    what: str,
    selector: dict[str, Any],
    validations: list[dict[str, str]],
    variables: Sequence[dict[str, str]] = (),
    *,
    resources: Sequence[str] = ("sparkapplications",),
) -> list[dict[str, Any]]:
    """A policy for the namespaces of *selector*, and the binding that puts it in force."""
    name = f"{PREFIX}-{what}"
    matched = {**OPERATIONS, "resources": list(resources)}
    constraints = {"namespaceSelector": selector, "resourceRules": [matched]}
    spec = {"failurePolicy": "Fail", "matchConstraints": constraints}
    if variables:
        spec["variables"] = list(variables)
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": spec | {"validations": validations},
        },
        {
            "apiVersion": API_VERSION,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]
