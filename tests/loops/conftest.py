"""A registered cluster, and loops that do not rest for long after a fault."""

from __future__ import annotations

import pytest

from archer import janitor
from archer.dispatcher import creation, placer
from archer.watcher import stream
from tests import builders, emptied
from tests.fakes.cluster import FakeCluster
from tests.loops.rig import Rig


@pytest.fixture(scope="session")
def shared(postgres, template) -> str:
    name = f"{template}_loops"
    emptied.create(postgres.dsn("postgres"), name, template=template)
    return name


@pytest.fixture
def dsn(postgres, shared) -> str:
    emptied.empty(postgres.dsn(shared), shared)
    return postgres.dsn(shared)


@pytest.fixture(autouse=True)
def quick_pauses(monkeypatch):
    monkeypatch.setattr(stream, "BACKOFF_FIRST_SECONDS", 0.01)
    monkeypatch.setattr(stream, "BACKOFF_LAST_SECONDS", 0.05)
    monkeypatch.setattr(stream, "OWED_RELIST_SECONDS", 0.02)
    monkeypatch.setattr(janitor, "LOOK_AGAIN_SECONDS", 0.01)


@pytest.fixture
def no_rest(monkeypatch):
    """Jobs that were given back may be claimed again at once."""
    monkeypatch.setattr(creation, "UNAVAILABLE_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(placer, "NO_CLUSTER_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(placer, "NO_ROOM_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(janitor, "UNAVAILABLE_SECONDS", 0.0)


@pytest.fixture
async def rig(database) -> Rig:
    fake, profile = FakeCluster(bookmark_seconds=0.05), builders.profile()
    await builders.register(database, profile)
    return Rig(database, fake, [profile], {"fake": fake})
