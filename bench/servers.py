"""What is measured, as it is deployed: a durable Postgres, and ``archer api`` as a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
from psycopg import sql

from archer.dev.postgres import EmbeddedPostgres
from archer.site.access import hash_of

START_SECONDS = 30
TOKEN = "moka_bench"  # as bench/load.py has it
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "max_wal_size": "4GB",  # no checkpoint falls into a measurement
    "shared_buffers": "512MB",
    "log_statement": "none",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A durable Postgres with Archer's schema."""

    postgres: EmbeddedPostgres
    folder: Path

    def dsn(self, login: str = "postgres") -> str:
        """Connection string of *login* on Archer's database."""
        return self.postgres.dsn(login)

    @property
    def pgbench(self) -> Path:
        """The pgbench of the server's own version."""
        return Path(self.postgres.programs) / "pgbench"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.folder / "postgres" / "log"

    def execute(self, statement: LiteralString) -> None:
        """Run one statement as superuser."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(statement)

    def processes(self) -> list[psutil.Process]:
        """The server's processes, as they are now."""
        pid = int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])
        postmaster = psutil.Process(pid)
        return [postmaster, *postmaster.children(recursive=True)]


def _make_durable(postgres: EmbeddedPostgres, more: Mapping[str, str]) -> None:
    alter = sql.SQL("ALTER SYSTEM SET {} = {}")
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        for name, value in (DURABLE | dict(more)).items():
            connection.execute(alter.format(sql.Identifier(name), sql.Literal(value)))


@contextmanager
def durable_postgres(more: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start an empty Postgres that loses nothing, with *more* settings; removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="moka-bench-"))
    folder.chmod(0o755)  # as root, the server runs as a user of its own
    try:
        with EmbeddedPostgres(folder / "postgres") as first:
            _make_durable(first, more or {})
        with EmbeddedPostgres(folder / "postgres") as postgres:
            yield Server(postgres, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Api:
    """A running ``archer api``."""

    port: int
    process: psutil.Process


@contextmanager
def archer_apis(server: Server, *, ports: list[int]) -> Iterator[list[Api]]:
    """Run several processes of ``archer api``, one on each port."""
    with ExitStack() as stack:
        yield [stack.enter_context(archer_api(server, port=port)) for port in ports]


def _write_files(server: Server) -> dict[str, str]:
    """Write what an API is told of clusters, tenants and callers; the path of each file."""
    callers = [{"name": "bench", "sha256": hash_of(TOKEN), "roles": {"*": "admin"}}]
    queues = ["root.tier2.etl", "root.default"]
    limits = {"queued_jobs": 10_000_000}
    tenants = [
        {"name": "default", "namespace": "jobs", "queues": queues, "locations": ["s3a://moka-jobs/"]},
        *({"name": f"team-{n}", "namespace": f"team-{n}", "queues": queues} for n in range(50)),
    ]
    digest = "0123456789abcdef" * 4
    images = dict.fromkeys(("arm64", "amd64"), f"registry.example.com/spark@sha256:{digest}")
    contents = {
        "clusters": {
            "clusters": [{"name": "local", "adapter": "local", "root": str(server.folder / "cluster")}]
        },
        "access": {"tokens": callers},
        "policy": {
            "queues": [{"path": path, "queued_jobs": 10_000_000} for path in queues],
            "tenants": [tenant | {"limits": limits} for tenant in tenants],
            "spark_versions": [{"version": "3.5.9", "images": images}],
        },
    }
    paths = {name: server.folder / f"{name}.yaml" for name in contents}
    for name, content in contents.items():
        paths[name].write_text(json.dumps(content))
    return {name: str(path) for name, path in paths.items()}


@contextmanager
def archer_api(server: Server, *, port: int) -> Iterator[Api]:
    """Run ``archer api`` on *server*, on its own: no dispatcher takes the jobs away."""
    files = _write_files(server)
    environment = os.environ | {
        "ARCHER_ACCESS_FILE": files["access"],
        "ARCHER_POLICY_FILE": files["policy"],
        "ARCHER_API__CALLS_PER_SECOND": "1000000",  # counted as ever, and never too many
        "ARCHER_API__CALLS_BURST": "10000000",
        "ARCHER_API__QUEUE_PER_SECOND": "1000000",
        "ARCHER_API__QUEUE_BURST": "10000000",
        "ARCHER_API__QUEUED_JOBS": "10000000",
        "ARCHER_DATABASE": server.dsn("archer"),
        "ARCHER_CURSOR_SECRET": "bench",
        "ARCHER_CLUSTERS_FILE": files["clusters"],
        "ARCHER_API__PORT": str(port),
    }
    log = (server.folder / f"api-{port}.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "archer", "api"], env=environment, stdout=log, stderr=log
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((server.folder / f"api-{port}.log").read_text()) from None
                time.sleep(0.05)
        yield Api(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)
        log.close()
