"""A whole Moka in a process of its own, that tests may kill."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import psutil

START_SECONDS = 90
PROGRAM = """
import os, sys
from pyspark.sql import SparkSession

def note(what):
    with open(sys.argv[1], "a") as marks:  # one write of one line: whole, whoever else writes
        marks.write(f"{what} {sys.argv[2]}\\n")

note("start")
spark = SparkSession.builder.getOrCreate()
assert spark.range(1000).selectExpr("sum(id)").collect()[0][0] == 499500
spark.stop()
note("end")
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Moka:
    """``python -m archer.dev`` on a data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.marks = folder / "marks"
        self.program = folder / "program.py"
        self.program.write_text(PROGRAM)
        self.marks.touch()
        self.port, self.ui_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {(self.data / 'token').read_text()}"}

    @property
    def ui_url(self) -> str:
        return f"http://127.0.0.1:{self.ui_port}"

    async def start(self) -> None:
        self._spawn()
        await until(self._answers, seconds=START_SECONDS)

    def _spawn(self) -> None:
        command = [sys.executable, "-m", "archer.dev", "--data", str(self.data)]
        command += ["--port", str(self.port), "--ui-port", str(self.ui_port)]
        with (self.folder / "moka.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "moka.log").read_text()
        try:
            async with httpx2.AsyncClient() as client:
                return (await client.get(f"{self.url}/readyz")).status_code == 200
        except httpx2.TransportError:
            return False

    def stop(self) -> None:
        """End it as Ctrl-C does, and whatever of it is left."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=60)
        self.kill(self.processes())

    def processes(self) -> list[psutil.Process]:
        """Everything that belongs to this Moka: known by its data folder, which no one else names."""
        found = {}
        for process in psutil.process_iter():
            try:
                if str(self.data) in " ".join(process.cmdline()) and process.pid != os.getpid():
                    found[process.pid] = process
                    found.update({child.pid: child for child in process.children(recursive=True)})
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return list(found.values())

    def control_plane(self) -> list[psutil.Process]:
        """Archer, Moka UI and Postgres, but no Spark driver and nothing that looks after one."""
        assert self._process is not None
        postmaster = psutil.Process(int((self.data / "postgres" / "postmaster.pid").read_text().split()[0]))
        return [psutil.Process(self._process.pid), postmaster, *postmaster.children(recursive=True)]

    def kill(self, processes: list[psutil.Process]) -> None:
        for process in processes:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(processes, timeout=20)
        if self._process is not None:
            self._process.poll()

    async def submit(self, number: int, **more: Any) -> str:
        request = {
            "name": f"number {number}",
            "type": "python",
            "main_application_file": self.program.as_uri(),
            "arguments": [str(self.marks), str(number)],
            **more,
        }
        async with httpx2.AsyncClient(timeout=30, headers=self.headers) as client:
            answer = await client.post(f"{self.url}/v1/jobs", json=request)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def jobs(self) -> dict[str, dict[str, Any]]:
        async with httpx2.AsyncClient(timeout=30, headers=self.headers) as client:
            answer = await client.get(f"{self.url}/v1/jobs", params={"limit": 500})
        return {job["id"]: job for job in answer.raise_for_status().json()["items"]}

    def marked(self, what: str) -> list[int]:
        lines = [line.split() for line in self.marks.read_text().splitlines()]
        return sorted(int(number) for mark, number in lines if mark == what)


async def until(condition: Callable[[], Awaitable[Any]], *, seconds: float) -> Any:
    """Wait for *condition* to hold and return what it gave; fail at the deadline."""
    deadline = time.monotonic() + seconds
    while not (held := await condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.1)
    return held
