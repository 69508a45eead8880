"""Paths of an API server, and which names can be in them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

GROUP: Final = "sparkoperator.k8s.io"
PLURAL: Final = "sparkapplications"
# Source: apimachinery pkg/util/validation, IsDNS1123Subdomain and IsDNS1123Label.
NAME: Final = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?\Z")
NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")


def is_name(namespace: str, name: str) -> bool:
    """Whether an object can have this name at all; every other name is absent by the rules."""
    return NAMESPACE.match(namespace) is not None and NAME.match(name) is not None


def applications_path(namespace: str | None) -> str:
    """Path of the applications of a namespace; None for all."""
    root = f"/apis/{GROUP}/v1beta2"
    return f"{root}/namespaces/{quote(namespace, safe='')}/{PLURAL}" if namespace else f"{root}/{PLURAL}"


def application_path(namespace: str, name: str) -> str:
    """Path of one application."""
    return f"{applications_path(namespace)}/{quote(name, safe='')}"


def pods_path(namespace: str | None) -> str:
    """Path of the pods of a namespace; None for all."""
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/pods" if namespace else "/api/v1/pods"


def pod_path(namespace: str, name: str) -> str:
    """Path of one pod."""
    return f"{pods_path(namespace)}/{quote(name, safe='')}"


def events_path(namespace: str) -> str:
    """Path of the events of a namespace."""
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/events"
