"""Where Archer is and who asks: the options that every command takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from archer.cli.http.connection import Archer

DEFAULT_URL: Final = "http://127.0.0.1:8080"


@dataclass
class Target:
    """The Archer that this command talks to."""

    url: str = DEFAULT_URL
    token: str | None = None
    chosen: bool = False  # named by the caller, not the default


class Format(StrEnum):
    """How data is written to standard output."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


Output = Annotated[
    Format,
    typer.Option("--output", "-o", help="How to write what was asked for; `name` is the job's id alone."),
]


def connect(context: typer.Context) -> Archer:
    """Open the connection that the command's options describe."""
    from archer.cli.http.connection import Archer

    target: Target = context.obj
    return Archer(target.url, target.token)
