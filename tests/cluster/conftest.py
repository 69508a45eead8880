"""Every adapter, one after the other: the next one is one more parameter here."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.cluster.rigs import FakeRig, LocalRig, Rig, operated


@pytest.fixture(params=["fake", "local"])
async def rig(request, tmp_path) -> AsyncIterator[Rig]:
    if request.param == "fake":
        yield FakeRig()
        return
    local = LocalRig(tmp_path)
    async with operated(local.config):
        yield local
    await local.cluster.close()
