"""Lines out of chunks of bytes, however they were cut; aiohttp's own reader refuses lines of half a MiB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from archer.errors import ClusterUnavailable

MAX_LINE_BYTES: Final = 32 * 1024 * 1024  # etcd holds objects of 1.5 MiB; escapes make them longer


class Lines:
    """Takes chunks, gives the lines that are complete."""

    def __init__(self, *, most: int = MAX_LINE_BYTES) -> None:
        self._most = most
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def is_between(self) -> bool:
        """Whether everything that came has been given."""
        return self._size == 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what lines *chunk* completes, without their ends."""
        *complete, rest = chunk.split(b"\n")
        for line in complete:
            self._parts.append(line)
            whole = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            if whole.strip():
                yield whole
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
        if self._size > self._most:
            raise ClusterUnavailable(f"a line of more than {self._most} bytes")
