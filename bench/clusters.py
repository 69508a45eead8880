"""``python -m bench.clusters``: dispatch on the real stack, which has to be up; results beside the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg

from bench.creating import fastest_creates_per_second
from bench.job import BODY
from bench.servers import Server, durable_postgres
from tests.stack import kubectl, lifecycle
from tests.stack.host.processes import wait
from tests.stack.layout import MOKA_ARM, MOKA_X86
from tests.stack.parts import proxies

RESULT: Final = Path(__file__).parent / "results" / "clusters.json"
CLUSTERS: Final = (MOKA_ARM, MOKA_X86)
JOBS: Final = 2000
CUT_JOBS: Final = 1500
GATE: Final = 0.7
CUT_GATE: Final = 0.8
NAMESPACE: Final = "moka-jobs"


def main() -> int:
    """Measure; 0 when all gates hold."""
    if not lifecycle.is_up():
        print("the stack is not up: make stack-up")
        return 2
    with durable_postgres() as server, ExitStack() as running:
        running.callback(_empty)  # thousands of applications would keep whoever comes next busy
        _empty()
        _write_clusters(server)
        for role in ("watcher", "dispatcher"):
            running.enter_context(_archer(role, server))
        result = {"R2": _creating(server), "cut": _cut(server)}
    print(json.dumps(result, indent=2))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    failed = 0
    for what, value, gate in (
        ("applications a second ÷ raw creates a second", result["R2"]["ratio"], GATE),
        ("dispatch to one cluster while another is cut off ÷ alone", result["cut"]["ratio"], CUT_GATE),
    ):
        failed += value < gate
        print(f"{'ok  ' if value >= gate else 'FAIL'} {what}: {value} (>= {gate})")
    return 1 if failed else 0


def _creating(server: Server) -> dict[str, Any]:
    """Applications that Archer creates a second, against the fastest client just before and just after."""
    raw = [fastest_creates_per_second(CLUSTERS, JOBS, namespace=NAMESPACE)]
    _empty()
    rate = _dispatched_per_second(server, _insert(server, JOBS, arch="auto"))
    _forget(server)
    raw.append(fastest_creates_per_second(CLUSTERS, JOBS, namespace=NAMESPACE))
    _empty()
    mean = sum(raw) / len(raw)
    return {
        "applications_per_second": round(rate),
        "raw_creates_per_second": [round(one) for one in raw],
        "ratio": round(rate / mean, 3),
    }


def _cut(server: Server) -> dict[str, Any]:
    """Dispatch to one cluster: while as many jobs wait for another that is cut off, and alone around it."""
    alone = [_alone(server)]
    proxies.set_enabled(MOKA_ARM.name, enabled=False)
    try:
        _insert(server, CUT_JOBS, arch="arm64")
        beside = _dispatched_per_second(server, _insert(server, CUT_JOBS, arch="amd64"))
        _forget(server)
    finally:
        proxies.reset()
    alone.append(_alone(server))
    mean = sum(alone) / len(alone)
    return {
        "applications_per_second_alone": [round(one) for one in alone],
        "applications_per_second_beside_a_cut_cluster": round(beside),
        "ratio": round(beside / mean, 3),
    }


def _alone(server: Server) -> float:
    rate = _dispatched_per_second(server, _insert(server, CUT_JOBS, arch="amd64"))
    _forget(server)
    return rate


def _insert(server: Server, number: int, *, arch: str) -> list[str]:
    """Store jobs as the API does, in one statement: what is measured begins with the claim."""
    body = json.dumps(json.loads(BODY) | {"arch": arch})
    insert = """
        WITH ids AS (
            SELECT 'j' || substr(encode(sha256((%(tag)s || n)::bytea), 'hex'), 1, 26) AS id
              FROM generate_series(1, %(number)s) AS n
        ),
        made AS (
            INSERT INTO jobs (id, name, type, tenant, owner, queue, arch, spark_version, run_after,
                              created_at)
            SELECT id, 'bench', 'python', 'default', 'bench', 'root.tier2.etl', %(arch)s, '3.5.9', now(),
                   now()
              FROM ids
        ),
        specs AS (
            INSERT INTO job_specs (job_id, request, fingerprint) SELECT id, %(body)s, '' FROM ids
        )
        SELECT id, pg_notify('archer_work', '') FROM ids
    """
    with psycopg.connect(server.dsn()) as connection:
        values = {"tag": os.urandom(8).hex(), "number": number, "arch": arch, "body": body}
        return [row[0] for row in connection.execute(insert, values)]


def _dispatched_per_second(server: Server, jobs: Sequence[str]) -> float:
    """Wait until all *jobs* are created, and tell the rate between the first and the last."""
    query = """
        SELECT count(*), extract(epoch FROM max(at) - min(at)) FROM job_events
         WHERE kind = 'submitted' AND job_id = ANY(%s)
    """
    found: list[tuple[int, float]] = []
    with psycopg.connect(server.dsn(), autocommit=True) as connection:

        def all_are_created() -> bool:
            found[:] = connection.execute(query, (list(jobs),)).fetchall()  # pyright: ignore[reportArgumentType]
            return found[0][0] == len(jobs)

        wait("the applications of all jobs", all_are_created, seconds=300)
    return (len(jobs) - 1) / float(found[0][1])


def _write_clusters(server: Server) -> None:
    clusters = [
        {
            "name": cluster.name,
            "adapter": "kubernetes",
            "kubeconfig": str(cluster.proxied_kubeconfig),
            "namespace": NAMESPACE,
            "architectures": [cluster.fake_architecture],
        }
        for cluster in CLUSTERS
    ]
    queues = [{"path": "root.tier2.etl"}]
    content = {"clusters": clusters, "queues": queues, "default_queue": "root.tier2.etl"}
    (server.folder / "clusters.yaml").write_text(json.dumps(content))


@contextmanager
def _archer(role: str, server: Server) -> Iterator[None]:
    environment = os.environ | {
        "ARCHER_DATABASE": server.dsn("archer"),
        "ARCHER_CURSOR_SECRET": "bench",
        "ARCHER_CLUSTERS_FILE": str(server.folder / "clusters.yaml"),
    }
    log = server.folder / f"{role}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "archer", role], env=environment, stdout=output, stderr=output
        )
        try:
            yield
            if process.poll() is not None:
                raise RuntimeError(f"archer {role} ended\n{log.read_text()[-2000:]}")
        finally:
            process.terminate()
            process.wait(timeout=30)


def _forget(server: Server) -> None:
    """Forget the jobs, and then their applications: a job whose application goes would be tried again."""
    server.execute("TRUNCATE jobs, job_specs, attempts, job_events")
    _empty()


def _empty() -> None:
    for cluster in CLUSTERS:
        kubectl.delete_applications(cluster, NAMESPACE)


if __name__ == "__main__":
    sys.exit(main())
