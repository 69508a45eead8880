"""Which processes belong to a run, and how to signal them without ever meeting a stranger.

A process belongs to a run when its environment carries the run's marker, which children inherit through any
process group, or when it is in the supervisor's session. A session number alone proves nothing once the
session is dead, so it counts only while something proves that the session lives.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MARKER: Final = "MOKA_RUN"
PROC: Final = Path("/proc")
DEAD: Final = frozenset("ZX")  # man 5 proc: a zombie runs nothing any more
SWEEP_PAUSE_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Run:
    """What processes of one run have in common.

    Args:
        uid: The application's uid, in every environment of the run.
        session: The supervisor's session.
        is_session_alive: Whether a held lock proves that *session* is still the run's.
    """

    uid: str
    session: int
    is_session_alive: bool


def members(run: Run, *, spare: int | None = None) -> list[int]:
    """Process ids of the run that live, without *spare*."""
    found: list[int] = []
    same_session: list[int] = []
    is_session_ours = run.is_session_alive
    for pid in _all():
        session = _session(pid)
        if session is None or pid == spare:
            continue
        if _is_marked(pid, run.uid):
            found.append(pid)
            is_session_ours = is_session_ours or session == run.session
        elif session == run.session:
            same_session.append(pid)
    return found + same_session if is_session_ours else found


def send(run: Run, number: int, *, spare: int | None = None) -> list[int]:
    """Signal every process of the run but *spare*; returns whom."""
    found = members(run, spare=spare)
    for pid in found:
        _send(pid, number, run=run)
    return found


def sweep(run: Run, *, spare: int) -> None:
    """Kill until nothing of the run is left but *spare*."""
    while send(run, signal.SIGKILL, spare=spare):
        time.sleep(SWEEP_PAUSE_SECONDS)


def _send(pid: int, number: int, *, run: Run) -> None:
    try:
        if not hasattr(os, "pidfd_open"):
            os.kill(pid, number)
            return
        # a descriptor, then a second look: the id cannot pass to a stranger in between
        descriptor = os.pidfd_open(pid)
        try:
            if _is_marked(pid, run.uid) or _session(pid) == run.session:
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)
    except (ProcessLookupError, PermissionError):
        return


def _all() -> list[int]:
    if PROC.joinpath("self").exists():
        return [int(entry) for entry in os.listdir(PROC) if entry.isdecimal()]  # noqa: PTH208 (names only)
    listing = subprocess.run(["/bin/ps", "-A", "-o", "pid="], capture_output=True, text=True, check=False)
    return [int(word) for word in listing.stdout.split()]


def _session(pid: int) -> int | None:
    """Session of a living process; None for a dead one."""
    try:
        if not PROC.joinpath("self").exists():
            return os.getsid(pid)
        # man 5 proc: "pid (comm) state ppid pgrp session …", and comm may hold anything
        fields = PROC.joinpath(str(pid), "stat").read_bytes().rpartition(b")")[2].split()
    except (OSError, ValueError):
        return None
    return None if fields[0].decode() in DEAD else int(fields[3])


def _is_marked(pid: int, uid: str) -> bool:
    try:
        environment = PROC.joinpath(str(pid), "environ").read_bytes()
    except OSError:
        return False
    return f"{MARKER}={uid}".encode() in environment.split(b"\0")
