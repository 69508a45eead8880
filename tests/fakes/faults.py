"""Which calls of the fake cluster fail, and how."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from archer.errors import ClusterUnavailable

Operation = Literal[
    "probe",
    "create",
    "get",
    "list",
    "watch",
    "delete",
    "driver",
    "list_drivers",
    "watch_drivers",
    "read_log",
]


@dataclass(slots=True)
class Fault:
    """A failure that waits for its call; *is_late* lets the call take effect first: its answer is lost."""

    error: Exception
    is_late: bool


class Faults:
    """Scripted failures of calls, and the record of all calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[Operation, str]] = []
        self._faults: dict[str, deque[Fault]] = {}
        self._outage: Exception | None = None

    def fail(self, operation: Operation, error: Exception, *, times: int = 1, late: bool = False) -> None:
        """Let the next calls fail; *late* after they took effect."""
        waiting = self._faults.setdefault(operation, deque())
        waiting.extend(Fault(error, late) for _ in range(times))

    def lose_answer(self, operation: Operation, *, times: int = 1) -> None:
        """Let the next calls take effect and their answers get lost."""
        self.fail(operation, ClusterUnavailable("connection reset by peer"), times=times, late=True)

    def throttle(self, operation: Operation, *, retry_after_seconds: float, times: int = 1) -> None:
        """Answer the next calls with 429."""
        error = ClusterUnavailable("429 too many requests", retry_after_seconds=retry_after_seconds)
        self.fail(operation, error, times=times)

    def _begin_outage(self) -> None:
        self._outage = ClusterUnavailable("connection refused")

    def _end_outage(self) -> None:
        self._outage = None

    def _enter(self, operation: Operation, name: str = "") -> Fault | None:
        self.calls.append((operation, name))
        if self._outage is not None:
            raise self._outage
        waiting = self._faults.get(operation)
        fault = waiting.popleft() if waiting else None
        if fault is not None and not fault.is_late:
            raise fault.error
        return fault

    def _leave(self, late: Fault | None) -> None:
        if late is not None:
            raise late.error
