"""Folders of built things, named after a hash of what they were built from. A folder is whole or absent."""

import fcntl
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.stack.layout import CACHE


def fingerprint(*inputs: str | bytes | Path) -> str:
    """A short name for these inputs; a path stands for the content of its file or of all files below it."""
    digest = hashlib.sha256()
    for item in inputs:
        for chunk in _chunks(item):
            digest.update(len(chunk).to_bytes(8, "big") + chunk)
    return digest.hexdigest()[:16]


def _chunks(item: str | bytes | Path) -> list[bytes]:
    if isinstance(item, Path):
        files = sorted(p for p in item.rglob("*") if p.is_file()) if item.is_dir() else [item]
        return [chunk for file in files for chunk in (file.name.encode(), file.read_bytes())]
    return [item if isinstance(item, bytes) else item.encode()]


def folder(name: str, key: str, build: Callable[[Path], None]) -> Path:
    """The folder for *name* made from *key*; *build* fills it when it is not there yet.

    Two checkouts may share the cache: one builds, the other waits.
    """
    done = CACHE / f"{name}-{key}"
    if done.exists():
        return done
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return done
        partial = CACHE / f"{name}-{key}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        build(partial)
        partial.rename(done)
    return done
