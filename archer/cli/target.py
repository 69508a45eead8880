"""Where Archer is and who asks: the options that every command takes."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from archer.cli.http.connection import Archer

SERVED: Final = ".moka/served.json"  # written by archer/dev/login.py
TOKEN: Final = "token"  # noqa: S105  (the name of a file, beside it)
OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
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
    return Archer(target.url, target.token or token_here(target.url))


def token_here(url: str, folder: Path | None = None) -> str | None:
    """The token of the Moka that `moka dev` or `make run` serves at *url*, if it runs from here or above.

    Only for this machine, and only what this user alone may write: a file in some folder must not choose what
    is sent, nor where to.
    """
    from archer.cli.http.connection import is_loopback

    if not is_loopback(url):
        return None
    here = folder or Path.cwd()
    for place in (here, *here.parents):
        try:
            file = place / SERVED
            if not _is_ours(file.parent, stat.S_ISDIR):
                continue
            served = json.loads(_own_text(file))
            if _same(served["url"], url):
                return _own_text(file.with_name(TOKEN)).strip() or None
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def _own_text(file: Path) -> str:
    """Text of *file*. Raises ``OSError`` when anybody else may have written it."""
    if not _is_ours(file, stat.S_ISREG):
        raise PermissionError(f"{file} is not this user's alone")
    return file.read_text(encoding="utf-8")


def _is_ours(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """Whether *path* is no link, belongs to this user, and nobody else may write it."""
    seen = path.lstat()
    return is_kind(seen.st_mode) and seen.st_uid == os.geteuid() and not seen.st_mode & OTHERS_WRITE


def _same(one: str, other: str) -> bool:
    """Whether two addresses of loopback are one, by whichever name."""
    return _port_of(one) == _port_of(other)


def _port_of(url: str) -> tuple[str, int | None]:
    """Scheme and port of an address."""
    parts = urlsplit(url)
    return parts.scheme, parts.port
