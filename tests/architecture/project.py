"""The project's files as the tests here see them: what git tracks, and what it would track next."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


@cache
def files() -> tuple[str, ...]:
    """Paths of all files that are tracked, or new and not ignored; a deleted one is left out."""
    # a checkout of another user, as in a container, is read all the same
    git = ["git", "-C", str(ROOT), "-c", "safe.directory=*"]
    command = [*git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()}))


def text_of(name: str) -> str | None:
    """What the file holds; None when it is not text."""
    data = (ROOT / name).read_bytes()
    if b"\0" in data:
        return None
    return data.decode("utf-8", errors="replace")


def matching(*suffixes: str) -> list[str]:
    """Files by the end of their name."""
    return [name for name in files() if name.endswith(suffixes)]
