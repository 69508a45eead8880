"""The real stack, for every test below."""

from collections.abc import Iterator

import pytest

from tests.stack import lifecycle


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave these tests out unless they are asked for (``-m e2e``): they need root and change the machine."""
    if "e2e" in config.option.markexpr:
        return
    unwanted = [item for item in items if item.get_closest_marker("e2e")]
    config.hook.pytest_deselected(items=unwanted)
    items[:] = [item for item in items if item not in unwanted]


@pytest.fixture(scope="session")
def stack() -> Iterator[None]:
    """The running stack. Brought up, and taken down again, where it was down."""
    was_up = lifecycle.is_up()
    lifecycle.up()
    yield
    if not was_up:
        lifecycle.down()
