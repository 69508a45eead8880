"""What the conformance suite needs of an adapter beside the port: a way to let drivers run and end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from archer.clusters.local.cluster import LocalCluster
from archer.clusters.local.config import LocalConfig
from archer.clusters.local.operator import LocalOperator
from archer.clusters.port import Cluster
from archer.translate import names
from tests.fakes.cluster import FakeCluster

T = TypeVar("T")
PATIENCE_SECONDS = 60.0
# Waits for its name to appear in the control directory, with its exit status inside.
SPARK_SUBMIT = """\
#!/bin/sh
name=$(basename "$(dirname "$PWD")")
echo "$name start" >> "{control}/history"
trap 'echo "$name end" >> "{control}/history"' EXIT
trap 'exit 143' TERM
echo "driver of $name runs"
for argument; do case "$argument" in run:*) . "{control}/${{argument#run:}}";; esac; done
left=10000  # a test that broke off leaves nothing running for ever
while [ ! -e "{control}/$name" ] && [ $((left -= 1)) -gt 0 ]; do sleep 0.02; done
echo "driver of $name ends"
exit "$(cat "{control}/$name")"
"""


class Rig(Protocol):
    """An adapter under test."""

    @property
    def cluster(self) -> Cluster:
        """The adapter."""
        ...

    async def run(self, name: str) -> None:
        """Let the driver run; returns once the cluster says so."""
        ...

    async def end(self, name: str, *, exit_code: int) -> None:
        """Let the driver end; returns at once."""
        ...


class FakeRig:
    def __init__(self) -> None:
        self.cluster = self.fake = FakeCluster(bookmark_seconds=0.2)

    async def run(self, name: str) -> None:
        self.fake.write_log(name, f"driver of {name} runs\n".encode())
        self.fake.run(name)

    async def end(self, name: str, *, exit_code: int) -> None:
        self.fake.end(name, exit_code=exit_code, log=f"driver of {name} ends\n".encode())


class LocalRig:
    """A local cluster whose Spark is a small script."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.control = directory / "control"
        self.config = local_config(directory, **settings)
        self.cluster = LocalCluster(self.config)

    async def run(self, name: str) -> None:
        await until_state(self.cluster, name, "RUNNING")

    async def end(self, name: str, *, exit_code: int) -> None:
        (self.control / name).write_text(str(exit_code))

    def history(self) -> list[str]:
        """`<name> start` and `<name> end` lines, in order."""
        path = self.control / "history"
        return path.read_text().splitlines() if path.exists() else []

    def script(self, name: str, text: str) -> str:
        """An argument that makes the driver run *text* in its shell first."""
        (self.control / name).write_text(text)
        return f"run:{name}"


def local_config(directory: Path, **settings: Any) -> LocalConfig:
    """A local cluster's settings, with a script in place of Spark."""
    control, spark = directory / "control", directory / "spark"
    control.mkdir(exist_ok=True)
    (spark / "bin").mkdir(parents=True, exist_ok=True)
    submit = spark / "bin" / "spark-submit"
    if not submit.exists():
        submit.write_text(SPARK_SUBMIT.format(control=control))
        submit.chmod(submit.stat().st_mode | stat.S_IXUSR)
    given = {"slots": 2, "spark_home": spark, "poll_seconds": 0.02, "bookmark_seconds": 0.2} | settings
    return LocalConfig("local", directory / "root", **given)


@contextlib.asynccontextmanager
async def operated(config: LocalConfig) -> AsyncIterator[None]:
    """Run the operator of a local cluster, and end at the end whatever still runs in it."""
    stop = asyncio.Event()
    loop = asyncio.create_task(LocalOperator(config).run(stop))
    cluster = LocalCluster(config)
    try:
        yield
    finally:
        # strangers too, which no listing shows
        for name in sorted(path.name for path in config.layout.apps.iterdir()):
            if (found := await cluster.get("default", name)) is not None:
                await cluster.delete("default", name, found.uid)
        await until(lambda: _is_empty(config))
        stop.set()
        await loop


def manifest(
    name: str, *, arguments: list[str] | None = None, job_id: str | None = None, **spec: Any
) -> dict:
    """A SparkApplication that any adapter takes; an empty *job_id* makes it a stranger's."""
    labels = {names.JOB_ID: job_id or name.rpartition("-")[0] or name, names.ATTEMPT: "1"}
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": name, "namespace": "default", "labels": {} if job_id == "" else labels},
        "spec": {
            "type": "Python",
            "mode": "cluster",
            "sparkVersion": "3.5.9",
            "mainApplicationFile": "local:///opt/moka/sql.py",
            "arguments": arguments or [],
            "restartPolicy": {"type": "Never"},
            "driver": {"cores": 1, "memory": "512m"},
            "executor": {"cores": 1, "instances": 1, "memory": "512m"},
        }
        | spec,
    }


async def until(check: Callable[[], Awaitable[T]], seconds: float = PATIENCE_SECONDS) -> T:
    """Ask until the answer is true; fails after a deadline."""
    deadline = time.monotonic() + seconds
    while not (answer := await check()):
        assert time.monotonic() < deadline, f"not within {seconds:g} seconds"
        await asyncio.sleep(0.02)
    return answer


async def until_state(cluster: Cluster, name: str, *states: str) -> Any:
    """Wait until the operator says one of *states*; returns the application."""
    seen: list[str] = []

    async def reached() -> Any:
        found = await cluster.get("default", name)
        state = found.application_state if found else "absent"
        if seen[-1:] != [state]:
            seen.append(state)
        assert state in states or state not in ("COMPLETED", "FAILED"), f"{name} went {seen}"
        return found if state in states else None

    return await until(reached)


async def until_gone(cluster: Cluster, name: str) -> None:
    """Wait until the cluster says that there is no such application."""

    async def is_gone() -> bool:
        return await cluster.get("default", name) is None

    await until(is_gone)


def processes_of(uid: str) -> list[int]:
    """Living processes that carry a run's marker, found without the code under test."""
    found = []
    for entry in os.listdir("/proc"):  # noqa: PTH208
        with contextlib.suppress(OSError):
            if (
                entry.isdecimal()
                and f"MOKA_RUN={uid}".encode() in Path(f"/proc/{entry}/environ").read_bytes()
            ):
                found.append(int(entry))
    return found


async def _is_empty(config: LocalConfig) -> bool:
    return not any(config.layout.apps.iterdir())
