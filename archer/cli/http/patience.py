"""How long a command tries again: exponential pauses with jitter, bounded by their sum.

The sum of the pauses is the bound, not a clock, so a suspended laptop does not use it up.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from archer.cli.exits import TryAgain

FIRST_SECONDS: Final = 0.25
LONGEST_SECONDS: Final = 5.0

Answer = TypeVar("Answer")


def pause(seconds: float) -> None:
    """Wait; the one place where the command line sleeps."""
    time.sleep(seconds)


class Patience:
    """Pauses that double, until their sum is used up; a success renews them."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Start again with the shortest pause and the whole sum."""
        self._left = self.seconds
        self._next = FIRST_SECONDS

    def spend(self, error: TryAgain) -> None:
        """Pause before another try; raise *error* when patience is used up."""
        if self._left <= 0:
            raise error
        # jitter, so that a thousand clients do not come back in the same moment
        length = max(self._next * random.uniform(0.5, 1.0), error.retry_after_seconds or 0.0)  # noqa: S311
        length = min(length, self._left)
        self._left -= length
        self._next = min(self._next * 2, LONGEST_SECONDS)
        pause(length)


def patiently(ask: Callable[[], Answer], *, seconds: float, tell: Callable[[TryAgain], None]) -> Answer:
    """Ask until there is an answer; *tell* hears of the first failure only.

    Raises:
        TryAgain: There was none within *seconds* of pauses.
    """
    patience = Patience(seconds)
    told = False
    while True:
        try:
            return ask()
        except TryAgain as error:
            if not told:
                tell(error)
                told = True
            patience.spend(error)
