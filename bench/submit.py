"""B1: how many submits are accepted durably in a second, and what each costs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from typing import Any, Final

import psutil
import psycopg

from bench.job import BODY
from bench.load import Orders
from bench.servers import Api, Server

CONNECTIONS: Final = 64
TOTAL: Final = 10_000
COUNTED: Final = 2_000
WARM_UP: Final = 500


def send(orders: Orders) -> dict[str, Any]:
    """Send *orders* from a process of its own; what it saw."""
    with tempfile.NamedTemporaryFile("r") as seen:
        command = [sys.executable, "-m", "bench.load", seen.name]
        subprocess.run(command, input=json.dumps(asdict(orders)), text=True, check=True)
        return json.load(seen)


def percentile(values: list[float], share: float) -> float:
    """The value that *share* of all are not above."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(server: Server, apis: list[Api]) -> dict[str, Any]:
    """Submit with 64 connections, a key each."""
    send(Orders([api.port for api in apis], CONNECTIONS, WARM_UP, body=BODY))
    server.execute("CHECKPOINT")
    before, cpu = _counters(server), _cpu_seconds(server, apis)
    seen = send(Orders([api.port for api in apis], CONNECTIONS, TOTAL, body=BODY))
    after, spent = _counters(server), _cpu_seconds(server, apis)
    accepted = seen["statuses"].get("201", 0)
    per_second = accepted / seen["seconds"]
    serial = send(Orders([api.port for api in apis], 1, 300, body=BODY))
    return {
        "accepted": accepted,
        "statuses": seen["statuses"],
        "accepted_per_second": round(per_second),
        "commits_per_job": round((after["commits"] - before["commits"]) / accepted, 4),
        "statements_per_job": round(_statements(server, apis), 4),
        "wal_bytes_per_job": round((after["wal"] - before["wal"]) / accepted),
        "latency_ms_p50": round(percentile(seen["latencies_ms"], 0.5), 1),
        "latency_ms_p99": round(percentile(seen["latencies_ms"], 0.99), 1),
        "serial_latency_ms_p50": round(percentile(serial["latencies_ms"], 0.5), 2),
        "cpu_us_per_job": {
            "archer": round((spent["archer"] - cpu["archer"]) / accepted * 1e6),
            "postgres": round((spent["postgres"] - cpu["postgres"]) / accepted * 1e6),
            "generator": round(seen["cpu_seconds"] / accepted * 1e6),
        },
    }


def repeats(server: Server, apis: list[Api]) -> dict[str, Any]:
    """10,000 submits by 64 connections, each with a key, 10 % of them sent twice: as many jobs as keys."""
    before = _jobs(server)
    seen = send(Orders([api.port for api in apis], CONNECTIONS, 11_000, body=BODY, repeat_share=1 / 11))
    return {"sent": 11_000, "keys": 10_000, "statuses": seen["statuses"], "jobs": _jobs(server) - before}


def _jobs(server: Server) -> int:
    with psycopg.connect(server.dsn()) as connection:
        row = connection.execute("SELECT count(*) FROM jobs").fetchone()
    return row[0] if row else 0


def _counters(server: Server) -> dict[str, int]:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        row = connection.execute(
            "SELECT xact_commit, pg_current_wal_lsn() - '0/0'::pg_lsn"
            " FROM pg_stat_database WHERE datname = 'moka'"
        ).fetchone()
    if row is None:
        raise RuntimeError("Postgres shows no statistics of its database")
    return {"commits": int(row[0]), "wal": int(row[1])}


def _statements(server: Server, apis: list[Api]) -> float:
    """Statements for each job, counted in the server's log over a run of its own."""
    server.execute("ALTER SYSTEM SET log_statement = 'all'")
    server.execute("SELECT pg_reload_conf()")
    send(
        Orders([api.port for api in apis], CONNECTIONS, WARM_UP, body=BODY)
    )  # every backend has read the setting by now
    before = _logged(server)
    seen = send(Orders([api.port for api in apis], CONNECTIONS, COUNTED, body=BODY))
    counted = _logged(server) - before
    server.execute("ALTER SYSTEM SET log_statement = 'none'")
    server.execute("SELECT pg_reload_conf()")
    return counted / seen["statuses"]["201"]


def _logged(server: Server) -> int:
    text = server.log.read_text(errors="replace")
    return text.count("LOG:  execute ") + text.count("LOG:  statement: ")


def _cpu_seconds(server: Server, apis: list[Api]) -> dict[str, float]:
    def total(processes: list[psutil.Process]) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in processes)

    return {"archer": total([api.process for api in apis]), "postgres": total(server.processes())}
