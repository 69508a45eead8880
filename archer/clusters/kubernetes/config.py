"""What an operator of Archer says about one Kubernetes cluster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KubernetesConfig:
    """One cluster: where its credentials are, where its jobs may run, and how patient Archer is with it."""

    name: str
    kubeconfig: Path | None = None  # none: the service account of the pod that Archer runs in
    context: str | None = None
    namespaces: tuple[str, ...] = ()  # none: all, which needs rights on the whole cluster
    connections: int = 32
    timeout_seconds: float = 15.0
    list_timeout_seconds: float = 60.0
    page_size: int = 500
    # how long an API server keeps one watch open; spread, so that watches do not all return at once
    watch_seconds: tuple[float, float] = (240.0, 300.0)
    # an API server says something, if only a bookmark, every minute. Source: kopf 1.44 took the same figure
    silence_seconds: float = 70.0
    credentials_seconds: float = 60.0
