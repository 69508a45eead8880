"""Waiting for a job by long polls: nothing is asked twice a second, and a restart of Archer is survived."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from archer.cli import exits
from archer.cli.exits import TryAgain
from archer.cli.http import patience
from archer.cli.http.connection import Archer, job_path
from archer.cli.http.patience import patiently
from archer.cli.show.output import say
from archer.cli.show.words import explanation, is_final, sentence

OUTAGE_SECONDS: Final = 300.0  # long enough for a rollout, short enough for a night job to notice
POLL_SECONDS: Final = 30
SLACK_SECONDS: Final = 15.0  # beyond the poll, for the way there and back
SHORTEST_SECONDS: Final = 1.0

Job = dict[str, Any]


class Follower:
    """Follows one job; tells each new state once on standard error."""

    def __init__(self, archer: Archer, job: Job) -> None:
        self._archer = archer
        self._told = ""
        self._attempt = 0
        self.job = job
        self._tell_state()

    def until(self, done: Callable[[Job], bool]) -> Job:
        """Poll until *done* says so.

        Raises:
            TryAgain: Archer stayed away for longer than ``OUTAGE_SECONDS`` of pauses.
        """
        while not done(self.job):
            self.poll()
        return self.job

    def poll(self, seconds: int = POLL_SECONDS) -> Job:
        """Return when the job changed, or after *seconds*."""
        version, asked = self.job["version"], time.monotonic()
        self.job = patiently(lambda: self._ask(seconds), seconds=OUTAGE_SECONDS, tell=self.tell_outage)
        if self.job["version"] == version and time.monotonic() - asked < SHORTEST_SECONDS:
            patience.pause(SHORTEST_SECONDS)  # something between us and Archer does not hold the answer back
        self._tell_state()
        return self.job

    def tell_outage(self, error: TryAgain) -> None:
        """Say once that Archer is away, and that this is not the job's end."""
        say(
            f"{error.message}; trying again for up to {OUTAGE_SECONDS:.0f} s. The job is not touched by this."
        )

    def _ask(self, seconds: int) -> Job:
        return self._archer.get(
            job_path(self.job["id"]),
            seconds=seconds + SLACK_SECONDS,
            wait=f"{seconds}s",
            after=self.job["version"],
        )

    def _tell_state(self) -> None:
        state, attempt = self.job["state"], self.job.get("attempt") or 0
        if state != self._told or attempt > max(self._attempt, 1):
            again = f" (attempt {attempt})" if attempt > 1 else ""
            say(sentence(self.job) + again)
        self._told, self._attempt = state, attempt


def finish(archer: Archer, job: Job) -> tuple[int, Job]:
    """Read the ended job whole, say why it ended; answers the exit code."""
    code = exits.of_state(job["state"])
    if "attempts" not in job:
        job = patiently(
            lambda: archer.get(job_path(job["id"])),
            seconds=OUTAGE_SECONDS,
            tell=lambda error: say(error.message),
        )
    if job["state"] == "failed":
        for line in explanation(job):
            say(f"  {line}")
        say(f"The whole log: moka logs {job['id']}")
    return code, job


def wait(archer: Archer, job: Job) -> tuple[int, Job]:
    """Wait until the job has ended; answers the exit code and the job."""
    return finish(archer, Follower(archer, job).until(is_final))
