"""Reading a log: in pages to its present end, its last lines, or followed until the job has ended.

Following keeps its place (attempt and byte offset), so a lost connection costs nothing and repeats nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from httpx2 import EventSource, ReadTimeout, ServerSentEvent, SSEError

from archer.cli import exits
from archer.cli.exits import CommandError, TryAgain
from archer.cli.following import OUTAGE_SECONDS, Follower, finish
from archer.cli.http.connection import Archer, job_path
from archer.cli.http.patience import Patience
from archer.cli.show.output import say, write
from archer.cli.show.words import is_final, sentence

PAGE_BYTES: Final = 1024 * 1024  # the most that Archer gives at once
TAIL_BYTES: Final = 64 * 1024
BYTES_PER_LINE: Final = 160  # a guess to begin with; doubled until the lines are there
MAX_EVENT_BYTES: Final = 16 * 1024 * 1024
NOT_YET: Final = frozenset({"no-attempt-yet", "log-not-found"})
SOON_SECONDS: Final = 2  # a log may appear without a change of its job


@dataclass
class Place:
    """Which log, and how far it has been written out."""

    role: str = "driver"
    attempt: int | None = None
    offset: int = 0
    event_id: str = ""

    @property
    def query(self) -> dict[str, Any]:
        """Parameters that ask for the rest."""
        return {"role": self.role, "attempt": self.attempt, "offset": self.offset}


def pages(archer: Archer, job_id: str, place: Place) -> Iterator[str]:
    """Read from *place* to the present end, moving *place* along."""
    while True:
        page = archer.get(job_path(job_id, "/logs"), **place.query, limit=PAGE_BYTES)
        came_on = page["next_offset"] > max(place.offset, 0) or place.offset < 0
        place.offset, place.attempt = page["next_offset"], page.get("attempt") or place.attempt
        yield page["text"]
        if page["next_offset"] >= page["size"] or not came_on:
            return


def tail(archer: Archer, job_id: str, place: Place, lines: int) -> str:
    """Read the last *lines* lines, leaving *place* at the end."""
    length = max(TAIL_BYTES, lines * BYTES_PER_LINE)
    while True:
        attempt = Place(place.role, place.attempt, -length)
        text = "".join(pages(archer, job_id, attempt))
        if text.count("\n") > lines or attempt.offset <= length:
            place.offset, place.attempt = attempt.offset, attempt.attempt
            return "".join(text.splitlines(keepends=True)[-lines:]) if lines else ""
        length *= 2


class LogFollower:
    """Follows the log of a job through waiting, outages and further attempts.

    Each attempt is asked for by its number, so that a new attempt never hides the end of the one before.
    """

    def __init__(
        self, archer: Archer, job: dict[str, Any], place: Place, *, one_attempt: bool = False
    ) -> None:
        self._archer = archer
        self._place = place
        self._one_attempt = one_attempt
        self._patience = Patience(OUTAGE_SECONDS)
        self._away = False
        self._waiting_told = False
        self.jobs = Follower(archer, job)

    def run(self) -> int:
        """Write the log until its job has ended; answers the exit code."""
        while self._placed():
            try:
                ended = self._stream()
            except TryAgain as error:
                self._lost(error)
                continue
            except CommandError as error:
                if error.code not in NOT_YET or is_final(self.jobs.job):
                    raise
                self._tell_waiting()
                self.jobs.poll(SOON_SECONDS)
                continue
            if ended and not self._next_attempt():
                break
        return self._finish()

    def _placed(self) -> bool:
        """Wait for an attempt to read; False when the job ended without one."""
        latest = self.jobs.job.get("attempt") or 0
        if self._one_attempt and (self._place.attempt or 0) > latest:
            raise CommandError(f"{self.jobs.job['id']} has no attempt {self._place.attempt}", exits.NOT_FOUND)
        if self.jobs.job["state"] in ("queued", "dispatching", "submitted"):
            self._tell_waiting()
        if self._place.attempt is None:
            job = self.jobs.until(lambda job: is_final(job) or bool(job.get("attempt")))
            self._place.attempt = job.get("attempt") or None
        return self._place.attempt is not None

    def _tell_waiting(self) -> None:
        if not self._waiting_told:
            say("The log begins when the driver starts; waiting for it. Ctrl-C leaves the job alone.")
        self._waiting_told = True

    def _stream(self) -> bool:
        """Write events as they come; whether the last one came."""
        headers = {"Last-Event-ID": self._place.event_id} if self._place.event_id else {}
        path = job_path(self.jobs.job["id"], "/logs")
        with self._archer.stream(path, headers=headers, query=self._place.query) as response:
            try:
                for event in EventSource(response, MAX_EVENT_BYTES):
                    self._found()
                    if event.event == "end":
                        return True
                    if event.event == "chunk":
                        self._write(event)
            except ReadTimeout:
                return False  # nothing was said for a while: ask again, without a word about it
            except SSEError as error:
                raise CommandError(f"Archer's stream cannot be read: {error}", exits.UNREACHABLE) from error
        raise TryAgain(f"Archer at {self._archer.url} ended the stream early")

    def _write(self, event: ServerSentEvent) -> None:
        chunk = json.loads(event.data)
        text = chunk["text"]
        if chunk["offset"] < self._place.offset:  # a repetition after a reconnect
            text = text.encode()[self._place.offset - chunk["offset"] :].decode(errors="replace")
        write(text)
        self._place.offset = max(self._place.offset, chunk["next_offset"])
        self._place.event_id = event.id or self._place.event_id

    def _lost(self, error: TryAgain) -> None:
        if not self._away:
            self.jobs.tell_outage(error)
        self._away = True
        self._patience.spend(error)

    def _found(self) -> None:
        if self._away:
            say("Archer is back; the log goes on where it stopped.")
        self._away = False
        self._patience.renew()

    def _next_attempt(self) -> bool:
        """Wait until the log's end is the job's end, or another attempt has begun; False for the end."""
        if self._place.role != "driver":
            return False
        read = self._place.attempt or 0
        job = self.jobs.until(lambda job: is_final(job) or (job.get("attempt") or 0) > read)
        if self._one_attempt or (job.get("attempt") or 0) <= read:
            return False
        self._place = Place(self._place.role, read + 1)
        return True

    def _finish(self) -> int:
        job = self.jobs.job
        if not is_final(job):
            # the log of one executor, or of an attempt that was replaced, ends before its job does
            say(f"The log has ended; the job goes on: {sentence(job)}")
            return exits.OK if self._place.role != "driver" else exits.JOB_FAILED
        replaced = self._one_attempt and (self._place.attempt or 0) < (job.get("attempt") or 0)
        return exits.JOB_FAILED if replaced else finish(self._archer, job)[0]
