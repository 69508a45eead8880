"""Whether a failed attempt is followed by another, and how long after."""

from __future__ import annotations

from typing import Final

from archer.domain.request import Retry
from archer.domain.states import Fault, Reason

MAX_BACKOFF_SECONDS: Final = 3600
# The next attempt would end the same way, whoever is at fault.
NEVER_AGAIN: Final = frozenset({Reason.POISON, Reason.NAME_CONFLICT, Reason.TIMEOUT, Reason.CANCELLED})


def backoff_seconds(retry: Retry, *, attempt: int, reason: Reason, fault: Fault) -> int | None:
    """Pause before the attempt after *attempt*, in seconds; None when there is none."""
    if reason in NEVER_AGAIN or attempt >= retry.max_attempts or fault.value not in retry.on:
        return None
    return min(retry.backoff_seconds * 2 ** (attempt - 1), MAX_BACKOFF_SECONDS)
