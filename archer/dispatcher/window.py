"""How many applications may wait for a cluster's operator: as many as it takes up in half a minute.

More of them would not run sooner; they would only make the operator late for those that run. The size follows
what the operator does: it grows while what waits is taken up quickly, and halves when something waits long.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

LEAST: Final = 20
FIRST: Final = 200
MOST: Final = 2000  # applications in a namespace that etcd and the operator are known to bear
QUICK_SECONDS: Final = 10.0
SLOW_SECONDS: Final = 30.0
STEP_SECONDS: Final = 1.0
GROWTH: Final = 1.1


@dataclass(slots=True)
class Window:
    """The size, and when it last changed. Times are seconds of any clock that only goes forward."""

    size: int = FIRST
    _has_been_cut: bool = False
    _changed_at: float = field(default=float("-inf"))

    def observe(self, now: float, *, waiting: int, oldest_seconds: float) -> None:
        """Take in how many applications wait to be taken up, and since when the oldest does."""
        if oldest_seconds > SLOW_SECONDS:
            if now - self._changed_at >= SLOW_SECONDS:  # the last cut has had its time to show
                self.size = max(LEAST, self.size // 2)
                self._has_been_cut = True
                self._changed_at = now
            return
        is_in_use = waiting * 2 >= self.size
        if is_in_use and oldest_seconds <= QUICK_SECONDS and now - self._changed_at >= STEP_SECONDS:
            grown = self.size * 2 if not self._has_been_cut else int(self.size * GROWTH) + 1
            self.size = min(MOST, grown)
            self._changed_at = now
