"""Archer that wants tokens, on an empty database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from joserfc.jwk import RSAKey

from archer.store.engine import Database
from tests.api.auth.people import Idp, open_guarded
from tests.api.conftest import EMPTY
from tests.api.rig import Rig


@pytest.fixture
async def guarded(one_database: Database) -> AsyncIterator[Rig]:
    """The API with a static token for everybody of ``people``."""
    async with one_database.transaction() as tx:
        await tx.execute(EMPTY)
    async with open_guarded(one_database) as opened:
        yield opened


@pytest.fixture(scope="session")
def signing_key() -> RSAKey:
    """The issuer's key, made once: that takes a while."""
    return RSAKey.generate_key(2048, {"kid": "k1"})


@pytest.fixture
def idp(signing_key: RSAKey) -> Idp:
    return Idp([signing_key])
