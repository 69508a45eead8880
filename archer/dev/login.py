"""Tokens of the embedded Moka: one for its owner, one for Moka UI, and an access file that knows both.

They lie in the data folder, readable by its owner alone. `moka` finds the owner's by itself.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archer.api.auth.callers import PREFIX
from archer.domain.tenancy.principal import EVERY_TENANT
from archer.site.access import hash_of

TOKEN: Final = "token"  # noqa: S105  (the name of a file)
ACCESS: Final = "access.yaml"
OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
PRIVATE: Final = 0o600  # for its owner's eyes
SERVED: Final = "served.json"  # where this Moka answers: archer/cli/target.py reads it


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the parts of one embedded Moka know each other by."""

    owner: str
    ui: str
    access_file: Path


def prepare(folder: Path, archer_url: str) -> Tokens:
    """Make the tokens of *folder*, or take those that are there, and say where this Moka answers."""
    folder.chmod(stat.S_IMODE(folder.stat().st_mode) & ~OTHERS_WRITE)  # or `moka` would not believe it
    owner, ui = token_of(folder), PREFIX + secrets.token_urlsafe(32)
    name = re.sub(r"[^A-Za-z0-9._@-]", "-", getpass.getuser()).lstrip("._@-") or "owner"
    access = {
        "tokens": [
            {"name": name, "sha256": hash_of(owner), "roles": {EVERY_TENANT: "admin"}},
            {"name": "moka-ui", "sha256": hash_of(ui), "roles": {EVERY_TENANT: "view"}},
        ]
    }
    _write(folder / ACCESS, json.dumps(access, indent=1))  # JSON is YAML, too
    _write(folder / SERVED, json.dumps({"url": archer_url}))
    return Tokens(owner, ui, folder / ACCESS)


def token_of(folder: Path) -> str:
    """The owner's token; made when there is none that its owner alone knows. It stays from start to start."""
    file = folder / TOKEN
    if not _is_private(file):
        _write(file, PREFIX + secrets.token_urlsafe(32))
    return file.read_text(encoding="utf-8").strip()


def _is_private(file: Path) -> bool:
    """Whether *file* is there, no link, this user's, and nobody else may read or write it."""
    try:
        seen = file.lstat()
    except FileNotFoundError:
        return False
    mode = stat.S_IMODE(seen.st_mode)
    return stat.S_ISREG(seen.st_mode) and seen.st_uid == os.geteuid() and mode == PRIVATE


def _write(file: Path, text: str) -> None:
    """Write *file* whole or not at all, for its owner's eyes."""
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=PRIVATE, exist_ok=False)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
