"""The real stack, for every test below."""

from collections.abc import Iterator

import pytest

from tests.stack import lifecycle


@pytest.fixture(scope="session")
def stack() -> Iterator[None]:
    """The running stack. Brought up, and taken down again, where it was down."""
    was_up = lifecycle.is_up()
    lifecycle.up()
    yield
    if not was_up:
        lifecycle.down()
