"""Every rule that a raw request is held against, beside the form that the model checks.

The raw mapping is asked, not the model's object, so that faults of form, contradictions and what a tenant may
not ask for come back in one answer. A value of the wrong kind is passed over here: the model refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archer.domain.request import DEFAULT_TENANT
from archer.domain.tenancy.policy import Policy, Queue, Tenant
from archer.domain.tenancy.rules import (
    conf,
    environment,
    fields,
    files,
    images,
    jvm,
    labels,
    queues,
    sizes,
    texts,
)
from archer.errors import FieldFault


def faults_of(raw: Mapping[str, Any], policy: Policy | None = None) -> list[FieldFault]:
    """Find what *raw* breaks that no single field shows.

    Args:
        raw: A request as it was parsed.
        policy: What the policy file says; None where there is none, and nothing is asked of a tenant then.
    """
    found = [
        *fields.faults(raw),
        *sizes.order_faults(raw),
        *labels.faults(raw),
        *files.form_faults(raw),
        *jvm.faults(raw),
        *texts.faults(raw),
    ]
    if policy is None:
        return [*found, *conf.faults(raw), *environment.faults(raw)]
    return [*found, *_tenant_faults(raw, policy)]


def _tenant_faults(raw: Mapping[str, Any], policy: Policy) -> Iterator[FieldFault]:
    name = raw.get("tenant", DEFAULT_TENANT)
    tenant = policy.tenant_of.get(name) if isinstance(name, str) else None
    yield from queues.faults(raw, policy, tenant)
    yield from environment.faults(raw, tenant)
    if tenant is None:
        yield from conf.faults(raw, policy.open_spark_conf)
        return
    yield from conf.faults(raw, policy.open_spark_conf + tenant.open_spark_conf)
    yield from files.place_faults(raw, policy, tenant)
    yield from images.faults(raw, tenant)
    yield from sizes.limit_faults(raw, policy, tenant, _queue(raw, policy, tenant))


def _queue(raw: Mapping[str, Any], policy: Policy, tenant: Tenant) -> Queue | None:
    path = raw.get("queue")
    if path is None:
        path = tenant.queues[0]
    return policy.queue_of.get(path) if isinstance(path, str) else None
