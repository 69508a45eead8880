"""One driver's run, as its files and locks prove it.

``started`` absent: it never began, and whoever creates that file decides whether it ever will.
``supervisor.lock`` held: it runs. ``exit.json``: this is how it ended. None of these: its supervisor died;
the run is over once nothing of it is left.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import archer
from archer.clusters.local import files
from archer.clusters.local.driver import processes, submission, supervisor
from archer.clusters.local.driver.processes import Run
from archer.errors import ClusterUnavailable

SPAWN_SECONDS: Final = 60.0
NOBODY: Final = -1  # no process and no session has this number
PROGRAM: Final = "import sys; sys.path.append({root!r}); from {module} import main; sys.exit(main())"


class Phase(Enum):
    """Where a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    ORPHANED = "orphaned"
    ENDED = "ended"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Exit:
    """How a driver ended; *code* is 128 and the signal's number when a signal ended it."""

    code: int
    signal: int | None
    at: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Observed:
    """A run at one moment."""

    phase: Phase
    pid: int = 0
    started_at: str | None = None
    exit: Exit | None = None


def observe(directory: Path, uid: str) -> Observed:
    """Find out where a run stands. The order of looking matters: each step writes before it lets go."""
    started = read_started(directory)
    if started is None:
        return Observed(Phase.PENDING)
    pid, at = started
    if files.is_locked(directory / "supervisor.lock"):
        return Observed(Phase.RUNNING, pid, at)
    ended = read_exit(directory)
    if ended is not None:
        return Observed(Phase.ENDED, pid, at, ended)
    is_alive = files.is_locked(directory / "run.lock")
    if is_alive or processes.members(Run(uid, pid, is_session_alive=False)):
        return Observed(Phase.ORPHANED, pid, at)
    return Observed(Phase.VANISHED, pid, at)


def read_started(directory: Path) -> tuple[int, str | None] | None:
    """Read who began a run, and when; None when nobody did. An unreadable mark is a mark all the same."""
    path = directory / "started"
    content = files.read_json(path)
    if content is None:
        return (NOBODY, None) if path.exists() else None
    return content["pid"], content["at"]


def read_exit(directory: Path) -> Exit | None:
    """Read how a driver ended; None while it has not, or when nobody knows."""
    content = files.read_json(directory / "exit.json")
    return Exit(**content) if content is not None else None


def withdraw(directory: Path, *, at: str, error: str) -> bool:
    """Make sure that a run never begins; False when it already did."""
    if not files.claim(directory / "started", {"pid": NOBODY, "at": at}):
        return False
    ended = Exit(code=supervisor.CANNOT_EXECUTE, signal=None, at=at, error=error)
    files.write(directory / "exit.json", json.dumps(asdict(ended)).encode(), durable=True)
    return True


def spawn(directory: Path, uid: str, *, order: submission.Order) -> None:
    """Start a supervisor and wait until it has begun the run, or found it begun.

    Raises:
        ClusterUnavailable: It could not begin; trying again is safe.
    """
    root = str(Path(archer.__file__).absolute().parent.parent)
    program = PROGRAM.format(root=root, module=supervisor.__name__)
    content = {"directory": str(directory), "uid": uid, "argv": order.argv, "env": order.env}
    try:
        subprocess.run(  # noqa: S603
            [sys.executable, "-I", "-S", "-c", program],
            input=json.dumps(content).encode(),
            capture_output=True,
            cwd=directory,
            # without the run's marker: else the sweep at a very short run's end would meet this process
            env={"LANG": "C.UTF-8"},
            timeout=SPAWN_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ClusterUnavailable(f"local cluster cannot start a driver: {reason}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterUnavailable(f"local cluster cannot start a driver: {error}") from error


def signal_driver(uid: str, observed: Observed, *, number: int) -> None:
    """Signal everything of a run but its supervisor, which stays to write down the end."""
    is_supervised = observed.phase is Phase.RUNNING
    spare = observed.pid if is_supervised else os.getpid()
    processes.send(Run(uid, observed.pid, is_session_alive=is_supervised), number, spare=spare)


def kill_orphans(directory: Path, uid: str, *, observed: Observed) -> None:
    """Kill what a dead supervisor left behind."""
    is_alive = files.is_locked(directory / "run.lock")
    run = Run(uid, observed.pid, is_session_alive=is_alive)
    processes.send(run, signal.SIGKILL, spare=os.getpid())
