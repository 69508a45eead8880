"""Files that are either there in full or not at all, and locks that end with their process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def write(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Replace *path* by *data* in one step; *durable* also survives the machine's fall."""
    staged = _beside(path)
    try:
        with staged.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        staged.replace(path)
    except OSError:
        staged.unlink(missing_ok=True)
        raise
    if durable:
        sync_directory(path.parent)


def claim(path: Path, content: Mapping[str, Any]) -> bool:
    """Create *path* with its whole content, durably; False when it exists already."""
    staged = _beside(path)
    try:
        with staged.open("wb") as file:
            file.write(json.dumps(content).encode())
            file.flush()
            os.fsync(file.fileno())
        # a link, since only it is both exclusive and complete
        os.link(staged, path)
    except FileExistsError:
        return False
    finally:
        staged.unlink(missing_ok=True)
    sync_directory(path.parent)
    return True


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None when it is absent, or was torn by the machine's fall."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def sync_directory(path: Path) -> None:
    """Make names in *path* survive the machine's fall."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(path: Path, *, shared: bool = False, create: bool = True) -> int | None:
    """Take the lock *path* without waiting: its descriptor, to be closed, or None when another holds it."""
    flags = os.O_RDWR | (os.O_CREAT if create else 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock *path*."""
    try:
        descriptor = try_lock(path, shared=True, create=False)
    except FileNotFoundError:
        return False
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


@contextlib.contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """Close *descriptor* at the end."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)
