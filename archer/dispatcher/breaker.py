"""Whether a cluster that does not answer is asked again: after five failures rarely, and once at a time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

THRESHOLD: Final = 5  # failures in a row; fewer may be one broken connection with many requests on it
FIRST_PAUSE_SECONDS: Final = 1.0
LAST_PAUSE_SECONDS: Final = 30.0


@dataclass(slots=True)
class Breaker:
    """Closed while the cluster answers. Times are seconds of any clock that only goes forward."""

    _failures: int = 0
    _pause_seconds: float = FIRST_PAUSE_SECONDS
    _until: float | None = None
    _is_trying: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the cluster is taken for silent; only a success ends that."""
        return self._until is not None

    def remaining_seconds(self, now: float) -> float:
        """Time until the next try may be made; 0 when one may be made now."""
        return 0.0 if self._until is None else max(0.0, self._until - now)

    def admits(self, now: float) -> bool:
        """Whether a request may be sent now. Where the breaker is open, a yes is for one request only."""
        if self._until is None:
            return True
        if self._is_trying or now < self._until:
            return False
        self._is_trying = True
        return True

    def is_over(self) -> None:
        """Note that the request which was admitted is over, whatever became of it."""
        self._is_trying = False

    def succeeded(self) -> None:
        """Note an answer, whatever it says: the cluster is there."""
        self._failures, self._pause_seconds, self._until = 0, FIRST_PAUSE_SECONDS, None
        self._is_trying = False

    def failed(self, now: float, *, retry_after_seconds: float | None = None) -> None:
        """Note that no answer came, or the wish to be left alone for *retry_after_seconds*."""
        self._failures += 1
        if retry_after_seconds is not None and retry_after_seconds > 0:
            self._until = max(self._until or now, now + retry_after_seconds)
        elif self._until is None:
            if self._failures >= THRESHOLD:
                self._open(now)
        elif self._is_trying:  # failures of requests that were under way when it opened say nothing new
            self._pause_seconds = min(self._pause_seconds * 2, LAST_PAUSE_SECONDS)
            self._open(now)
        self._is_trying = False

    def _open(self, now: float) -> None:
        # spread, so that several dispatchers do not come back at once
        self._until = now + self._pause_seconds * random.uniform(0.5, 1.0)  # noqa: S311
