"""The double, and a way to run `moka` against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from archer.cli.http import patience
from archer.cli.main import app
from tests.cli.double import Double

Moka = Callable[..., Result]


@pytest.fixture(scope="session")
def served() -> Iterator[Double]:
    with Double().serving() as double:
        yield double


@pytest.fixture
def archer(served: Double) -> Double:
    served.forget()
    return served


@pytest.fixture
def moka(archer: Double, tmp_path, monkeypatch) -> Moka:
    """Run `moka` in an empty folder, against the double."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str, stdin: bytes | None = None, env: dict[str, str] | None = None, **more: Any) -> Result:
        return CliRunner(env={"MOKA_URL": archer.url, "MOKA_TOKEN": None, **(env or {})}).invoke(
            app, list(args), input=stdin, catch_exceptions=False, prog_name="moka", **more
        )

    return run


@pytest.fixture(autouse=True)
def pauses(monkeypatch) -> list[float]:
    """Pauses that the command line would have made; none is made."""
    made: list[float] = []
    monkeypatch.setattr(patience, "pause", made.append)
    return made
