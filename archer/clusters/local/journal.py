"""The order of all changes in a local cluster, and the lock under which they are made.

One line for each change, named before it is made: after a crash in between a reader looks once too often,
never once too seldom. A resource version is the life of the root and a position in this file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from archer.clusters.local import files
from archer.clusters.local.config import Layout
from archer.errors import ClusterUnavailable, WatchExpired

LOCK_SECONDS: Final = 10.0  # holders write a few small files; longer means that one is stopped
LOCK_PAUSE_SECONDS: Final = 0.002
LONGEST_LINE_BYTES: Final = 512

Kind = Literal["upserted", "deleted"]
SIGN_OF: Final[dict[Kind, str]] = {"upserted": "+", "deleted": "-"}
KIND_OF: Final[dict[str, Kind]] = {sign: kind for kind, sign in SIGN_OF.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: which application changed, and the version from then on."""

    kind: Kind
    name: str
    version: str


class Journal:
    """Reads and appends the changes of one root; any number of processes may."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def prepare(self) -> None:
        """Create what is missing of the root."""
        layout = self._layout
        with disk_errors("prepare its directory"):
            for directory in (
                layout.root,
                layout.apps,
                layout.deleted,
                layout.assembly,
                layout.events,
                layout.spark_conf,
                layout.home,
            ):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not layout.life.exists():
                files.claim(layout.life, {"life": secrets.token_hex(6)})
            layout.journal.touch(mode=0o600)

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the right to change applications."""
        with self._locked(shared=False):
            yield

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Keep others from changing applications meanwhile."""
        with self._locked(shared=True):
            yield

    def append(self, kind: Kind, name: str) -> str:
        """Announce a change; the caller holds ``changing`` and makes it next. Returns its version."""
        line = f"{SIGN_OF[kind]} {name}\n".encode()
        with disk_errors("record a change"), files.closing(os.open(self._layout.journal, os.O_RDWR)) as file:
            end = _drop_torn_line(file)
            try:
                if os.pwrite(file, line, end) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file)
            except OSError:
                os.ftruncate(file, end)
                raise
        return f"{self._life()}.{end + len(line)}"

    def size(self) -> int:
        """Bytes so far; grows with every change."""
        with disk_errors("look at its journal"):
            return self._layout.journal.stat().st_size

    def version(self) -> str:
        """Version of now; exact while ``reading`` is held."""
        return f"{self._life()}.{self.size()}"

    def position(self, version: str) -> int:
        """Position that *version* names. Raises ``WatchExpired`` when it is not of this root's life."""
        life, _, digits = version.partition(".")
        if life != self._life() or not digits.isascii() or not digits.isdecimal():
            raise WatchExpired("the version is not of this cluster's present life")
        position = int(digits)
        if position > self.size():
            raise WatchExpired("the version is ahead of this cluster's journal")
        if position:
            with disk_errors("read its journal"), self._layout.journal.open("rb") as file:
                file.seek(position - 1)
                if file.read(1) != b"\n":
                    raise WatchExpired("the version lies between two changes")
        return position

    def entries(self, position: int) -> list[Entry]:
        """Read the changes after *position*."""
        with disk_errors("read its journal"), self._layout.journal.open("rb") as file:
            file.seek(position)
            data = file.read()
        life, found = self._life(), []
        for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True):
            position += len(line)
            sign, _, name = line.decode(errors="replace").rstrip("\n").partition(" ")
            if sign in KIND_OF:
                found.append(Entry(KIND_OF[sign], name, f"{life}.{position}"))
        return found

    def _life(self) -> str:
        with disk_errors("read its life"):
            content = files.read_json(self._layout.life)
        if content is None:
            raise ClusterUnavailable("local cluster: its directory is gone")
        return str(content["life"])

    @contextlib.contextmanager
    def _locked(self, *, shared: bool) -> Iterator[None]:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            with disk_errors("lock its journal"):
                descriptor = files.try_lock(self._layout.journal_lock, shared=shared)
            if descriptor is not None:
                break
            if time.monotonic() > deadline:
                raise ClusterUnavailable("local cluster: another process holds its journal for too long")
            time.sleep(LOCK_PAUSE_SECONDS)
        with files.closing(descriptor):
            yield


@contextlib.contextmanager
def disk_errors(deed: str) -> Iterator[None]:
    """Say in our words that the disk refused."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ClusterUnavailable(f"local cluster cannot {deed}: {reason}") from error


def _drop_torn_line(file: int) -> int:
    """End of the last whole line; what a crash left behind it is cut off."""
    size = os.fstat(file).st_size
    start = max(0, size - LONGEST_LINE_BYTES)
    tail = os.pread(file, size - start, start)
    end = start + tail.rfind(b"\n") + 1
    if end < size:
        os.ftruncate(file, end)
    return end
