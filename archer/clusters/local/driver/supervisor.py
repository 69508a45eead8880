"""Stays with one driver until its end and writes down how it ended, whatever happens to everybody else.

Its first act is to create the file ``started``, which only one process ever can: so starting a supervisor
twice is harmless, and a run without that file has provably not begun. Like the first process of a
container, it ends everything else of the run when the driver ends. Standard library only: it is started
without site-packages.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any, Final

from archer.clusters.local import files
from archer.clusters.local.driver import processes

READY: Final = b"ready"
TAKEN: Final = b"taken"
EXIT_FILE_BYTES: Final = 2048  # laid out before the start, so that a full disk cannot swallow the verdict
LOCK_TRIES: Final = 100
LOCK_PAUSE_SECONDS: Final = 0.01
CANNOT_EXECUTE: Final = 126  # as shells say it


def now() -> str:
    """Read the clock, as RFC 3339 in UTC with milliseconds."""
    moment = datetime.datetime.now(datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> int:
    """Detach, then run the order given on standard input as JSON: directory, uid, argv, env."""
    order = json.load(sys.stdin.buffer)
    ready, tell = os.pipe()
    if os.fork():
        os.close(tell)
        verdict = os.read(ready, 4096)
        if verdict not in (READY, TAKEN):
            sys.stderr.write(verdict.decode() or "the supervisor died before it was ready")
            return 1
        return 0
    os.close(ready)
    os.setsid()
    try:
        supervise(order, tell)
    except OSError as error:
        with contextlib.suppress(OSError):  # told already: then the missing exit.json tells
            os.write(tell, str(error).encode())
        return 1
    return 0


def supervise(order: dict[str, Any], tell: int) -> None:
    """Run the driver once, if nobody did before."""
    directory = Path(order["directory"])
    if (directory / "started").exists() or _lock(directory / "supervisor.lock") is None:
        os.write(tell, TAKEN)
        return
    exit_file = _exit_file(directory / ".exit.json")
    if not files.claim(directory / "started", {"pid": os.getpid(), "at": now()}):
        os.write(tell, TAKEN)
        return
    os.write(tell, READY)
    os.close(tell)
    _detach()
    verdict = _drive(order, directory)
    processes.sweep(processes.Run(order["uid"], os.getpid(), is_session_alive=True), spare=os.getpid())
    os.pwrite(exit_file, json.dumps(verdict).encode().ljust(EXIT_FILE_BYTES), 0)
    os.fsync(exit_file)
    (directory / ".exit.json").replace(directory / "exit.json")
    files.sync_directory(directory)


def _lock(path: Path) -> int | None:
    # someone who only looks holds it for a moment
    for _ in range(LOCK_TRIES):
        descriptor = files.try_lock(path)
        if descriptor is not None:
            return descriptor
        time.sleep(LOCK_PAUSE_SECONDS)
    return None


def _exit_file(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.pwrite(descriptor, b" " * EXIT_FILE_BYTES, 0)
    os.fsync(descriptor)
    return descriptor


def _detach() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    # handlers, not SIG_IGN: an ignored signal would stay ignored in the driver
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stay)


def _stay(number: int, frame: types.FrameType | None) -> None:
    """Outlive the signal: who ends the run signals the driver."""


def _drive(order: dict[str, Any], directory: Path) -> dict[str, Any]:
    try:
        alive = files.try_lock(directory / "run.lock")
        if alive is None:
            raise OSError("run.lock is held though the run is new")
        log = os.open(directory / "driver.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        work = directory / "work"
        (work / "tmp").mkdir(parents=True, exist_ok=True)
        driver = subprocess.Popen(  # noqa: S603
            order["argv"],
            cwd=work,
            env=order["env"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[alive],
            process_group=0,
        )
    except (OSError, ValueError) as error:
        return {"code": CANNOT_EXECUTE, "signal": None, "at": now(), "error": str(error)[:1000]}
    code = driver.wait()
    os.close(alive)
    if code < 0:
        return {"code": 128 - code, "signal": -code, "at": now(), "error": None}
    return {"code": code, "signal": None, "at": now(), "error": None}
