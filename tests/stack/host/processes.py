"""Processes that outlive the command that starts them, recorded so that exactly they can be ended.

A record names a process by pid and start time, because a pid alone may by now be somebody else's.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.stack.layout import LOGS, RUNTIME

STATE_FILE = RUNTIME / "processes.json"
#: In the environment of every process we start and so of what those start: so `residue` finds forgotten ones.
MARK = "MOKA_STACK"
MARK_VALUE = str(RUNTIME)


class StackError(Exception):
    """A part of the stack did not do what was asked of it."""


@dataclass(frozen=True)
class Process:
    name: str
    pid: int
    started_ticks: int
    argv: list[str]
    environment: dict[str, str]
    log: str


def recorded() -> dict[str, Process]:
    if not STATE_FILE.exists():
        return {}
    return {entry["name"]: Process(**entry) for entry in json.loads(STATE_FILE.read_text())}


def _record(processes: dict[str, Process]) -> None:
    STATE_FILE.parent.mkdir(parents=True, exist_ok=True)
    fresh = STATE_FILE.with_suffix(".new")
    fresh.write_text(json.dumps([asdict(p) for p in processes.values()], indent=1))
    fresh.replace(STATE_FILE)


def _started_ticks(pid: int) -> int | None:
    """When *pid* started, or None when it is gone or waits to be reaped. Source: proc(5), fields 3 and 22."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def is_alive(process: Process) -> bool:
    return _started_ticks(process.pid) == process.started_ticks


def start(name: str, argv: list[str | Path], environment: dict[str, str] | None = None) -> Process:
    """Start *argv* in a session of its own, its output in ``.stack/logs/<name>.log``; no-op when it runs."""
    known = recorded()
    if name in known and is_alive(known[name]):
        return known[name]
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    words = [str(word) for word in argv]
    given = environment or {}
    with log.open("ab") as output:
        child = subprocess.Popen(
            words,
            env={**os.environ, MARK: MARK_VALUE, **given},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=RUNTIME,
            start_new_session=True,
        )
    process = Process(name, child.pid, _started_ticks(child.pid) or 0, words, given, str(log))
    _record({**recorded(), name: process})
    _children[child.pid] = child
    return process


#: Kept so that a child that dies while we wait is reaped by us and seen as dead.
_children: dict[int, subprocess.Popen] = {}


def restart(name: str) -> Process:
    """Start a recorded process again as it was started first, for tests that killed it."""
    process = recorded()[name]
    end(name, forget=False)
    return start(name, list(process.argv), process.environment)


def kill(name: str, signum: int = signal.SIGKILL) -> None:
    """Send a signal to one recorded process and keep its record."""
    process = recorded()[name]
    if is_alive(process):
        os.kill(process.pid, signum)


def end(name: str, *, forget: bool = True) -> None:
    """End one recorded process; no-op when there is none of that name."""
    end_all([name], forget=forget)


def end_all(names: list[str], *, grace_seconds: float = 5, forget: bool = True) -> None:
    """End recorded processes, all at once: politely, and after the grace not."""
    known = recorded()
    doomed = [known[name] for name in names if name in known]
    for signum, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 10.0)):
        for process in doomed:
            kill(process.name, signum)
        deadline = time.monotonic() + patience
        for process in doomed:
            _gone_by(process, deadline)
    survivors = [process.name for process in doomed if is_alive(process)]
    if survivors:
        raise StackError(f"survive SIGKILL: {', '.join(survivors)}")
    if forget:
        _record({name: process for name, process in known.items() if process not in doomed})


def marked() -> dict[int, str]:
    """Running processes that descend from one of ours, by the mark in their environment: pid -> command."""
    mark = f"{MARK}={MARK_VALUE}".encode()
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            environment = (path / "environ").read_bytes().split(b"\0")
            words = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # gone meanwhile, or a kernel thread
        if mark in environment:
            found[int(path.name)] = b" ".join(words[:3]).decode(errors="replace")
    return found


def end_marked() -> None:
    """End what our processes started and left behind, such as a spark-submit or a container's shim."""
    for pid in marked():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait("the processes that ours started", lambda: not marked(), seconds=10)


def _gone_by(process: Process, deadline: float) -> None:
    while is_alive(process) and time.monotonic() < deadline:
        child = _children.get(process.pid)
        if child is not None:
            child.poll()
        time.sleep(0.02)


def wait(
    what: str, condition: Callable[[], object], *, seconds: float, process: Process | None = None
) -> None:
    """Ask *condition* until it holds. Fails at once when *process* dies, and shows the end of its log."""
    deadline = time.monotonic() + seconds
    pause = 0.05
    while not condition():
        if process is not None and process.pid in _children:
            _children[process.pid].poll()
        if process is not None and not is_alive(process):
            raise StackError(f"{process.name} died while we waited for {what}\n{_tail(process)}")
        if time.monotonic() > deadline:
            raise StackError(f"{what}: not within {seconds:.0f} s\n{_tail(process) if process else ''}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)


def _tail(process: Process, lines: int = 15) -> str:
    text = Path(process.log).read_text(errors="replace").splitlines()
    return "\n".join([f"--- {process.log}", *text[-lines:]])
