"""Waiting for conditions with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 20.0
PAUSE_SECONDS = 0.01


async def eventually(check: Callable[[], Awaitable[T]], *, seconds: float = PATIENCE_SECONDS) -> T:
    """Ask until the answer is true, and return it; fails after the deadline."""
    deadline = time.monotonic() + seconds
    while not (answer := await check()):
        assert time.monotonic() < deadline, f"not within {seconds:g} seconds: {check}"
        await asyncio.sleep(PAUSE_SECONDS)
    return answer
