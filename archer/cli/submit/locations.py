"""Where a program and its files lie: a path of this machine becomes a file:// location."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from archer.cli.exits import CommandError

SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
ELSEWHERE: Final = "For a file elsewhere, say where: s3a://bucket/key, or local:///path inside the image."


def located(text: str, folder: Path) -> str:
    """A location with its scheme; a path without one is looked for under *folder*.

    The part after ``#`` (the name of an unpacked archive) is kept.

    Raises:
        CommandError: There is no such file on this machine.
    """
    if SCHEME.match(text) or not text:
        return text
    path, mark, alias = text.partition("#")
    # not resolved: a link that is exchanged at each release is meant, not what it points to today
    whole = os.path.abspath(folder / Path(path).expanduser())  # noqa: PTH100
    if not Path(whole).exists():
        raise CommandError(f"no such file on this machine: {whole}", hint=ELSEWHERE)
    return f"file://{Path(whole).as_posix()}{mark}{alias}"
