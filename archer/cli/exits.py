"""How ``moka`` ends: one number for each kind of ending, so that scripts need not read text.

The numbers are part of the contract of the command line; ``moka --help`` prints ``MEANINGS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

OK: Final = 0
JOB_FAILED: Final = 1
REFUSED: Final = 2
UNREACHABLE: Final = 3
DENIED: Final = 4
NOT_FOUND: Final = 5
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141  # what a shell shows for a tool that SIGPIPE ended

MEANINGS: Final = {
    OK: "done; when waiting or following: the job succeeded",
    JOB_FAILED: "the job failed or was cancelled, or doctor found a fault",
    REFUSED: "wrong usage, or Archer refused the request (4xx)",
    UNREACHABLE: "Archer cannot be reached or is not ready (5xx, 429)",
    DENIED: "not allowed (401, 403)",
    NOT_FOUND: "no such job, attempt, log or cluster",
    INTERRUPTED: "interrupted; the job goes on",
    PIPE_CLOSED: "the reader of the output went away",
}


def of_state(state: str) -> int:
    """Exit code for a job that ended in *state*; a state of a newer Archer counts as failed."""
    return OK if state == "succeeded" else JOB_FAILED


class CommandError(Exception):
    """An expected fault: shown in words, never as a traceback."""

    def __init__(
        self,
        message: str,
        exit_code: int = REFUSED,
        *,
        details: Sequence[str] = (),
        hint: str | None = None,
        code: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code  # of the problem that Archer sent, if it sent one
        self.message = message
        self.exit_code = exit_code
        self.details = tuple(details)
        self.hint = hint

    def lines(self) -> list[str]:
        """What standard error shows."""
        shown = [f"moka: {self.message}", *(f"  {detail}" for detail in self.details)]
        return [*shown, self.hint] if self.hint else shown


class TryAgain(CommandError):
    """Archer does not answer or is not ready now; the same call may work later."""

    def __init__(
        self, message: str, *, hint: str | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, UNREACHABLE, hint=hint)
        self.retry_after_seconds = retry_after_seconds
