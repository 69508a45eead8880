"""Every adapter, one after the other: the next one is one more parameter here."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cluster.kubernetes_rig import KubernetesRig, Served, served
from tests.cluster.rigs import FakeRig, LocalRig, Rig, operated

KUBERNETES = pytest.param("kubernetes", marks=pytest.mark.e2e)


@pytest.fixture(params=["fake", "local", KUBERNETES])
def adapter(request: pytest.FixtureRequest) -> tuple[str, Served | None]:
    """Which adapter, and what it needs; an API server is only started for the one that talks to it."""
    is_real = request.param == "kubernetes"
    return request.param, request.getfixturevalue("api_server") if is_real else None


@pytest.fixture
async def rig(adapter: tuple[str, Served | None], tmp_path: Path) -> AsyncIterator[Rig]:
    kind, place = adapter
    if place is not None:
        kubernetes = KubernetesRig(place)
        yield kubernetes
        await kubernetes.clear()
    elif kind == "fake":
        yield FakeRig()
    else:
        local = LocalRig(tmp_path)
        async with operated(local.config):
            yield local
        await local.cluster.close()


@pytest.fixture(scope="session")
async def api_server() -> AsyncIterator[Served]:
    """One API server for all tests that ask for one."""
    directory = Path(tempfile.mkdtemp(prefix=f"moka-api-{os.getpid()}-"))
    try:
        async with served(directory) as place:
            yield place
    finally:
        shutil.rmtree(directory, ignore_errors=True)
