"""Tests of the store share one database, emptied before each; those of the schema take fresh copies."""

from __future__ import annotations

import pytest

from tests import emptied


@pytest.fixture(scope="session")
def shared(postgres, template) -> str:
    name = f"{template}_store"
    emptied.create(postgres.dsn("postgres"), name, template=template)
    return name


@pytest.fixture
def dsn(postgres, shared) -> str:
    emptied.empty(postgres.dsn(shared), shared)
    return postgres.dsn(shared)
