"""Token buckets: so many calls a second, with so many at once; each name has one of its own."""

from __future__ import annotations

from typing import Final

MAX_NAMES: Final = 10_000  # names come from callers: beyond it, those that are full again are forgotten


class Buckets:
    """Buckets by name, all alike. A rate of 0 lets everything pass."""

    def __init__(self, *, per_second: float, burst: int) -> None:
        self._rate = per_second
        self._burst = float(burst)
        self._left: dict[str, tuple[float, float]] = {}  # what is left, and when that was so

    def take(self, name: str, *, now: float, number: int = 1) -> float:
        """Take *number* at once; 0 when they were there, otherwise the seconds until they are.

        More than a bucket holds is let through when it is full, and has to be paid off by those that follow.
        """
        if not self._rate:
            return 0.0
        left, at = self._left.get(name, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        wanted = min(float(number), self._burst)
        if left < wanted:
            return (wanted - left) / self._rate
        if len(self._left) >= MAX_NAMES and name not in self._left:
            self._forget(now)
        self._left[name] = (left - number, now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Forget the full ones, which are as if they had never been; if all are in use, the oldest half."""
        kept = {
            name: (left, at)
            for name, (left, at) in self._left.items()
            if left + (now - at) * self._rate < self._burst
        }
        if len(kept) >= MAX_NAMES:
            kept = dict(sorted(kept.items(), key=lambda one: one[1][1])[MAX_NAMES // 2 :])
        self._left = kept
