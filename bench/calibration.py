"""What this machine can do at best, now: the divisor of every figure of the run."""

from __future__ import annotations

import re
import subprocess
from typing import Final

from bench.job import BODY
from bench.servers import Server

CLIENTS: Final = 16
SECONDS: Final = 6

# One row of the same content as a job: its request, a unique idempotency key, a partial index for the queue.
TABLE: Final = """
    CREATE TABLE calibration (
        id text COLLATE "C" PRIMARY KEY, tenant text NOT NULL, key text NOT NULL, state text NOT NULL,
        queue text NOT NULL, owner text NOT NULL, name text NOT NULL, priority smallint NOT NULL,
        request text NOT NULL, fingerprint bytea NOT NULL, created_at timestamptz NOT NULL,
        UNIQUE (tenant, key)
    );
    CREATE INDEX ON calibration (priority DESC, id) WHERE state = 'queued';
"""
QUOTED: Final = "'" + BODY.replace("'", "''") + "'"


def one_row_commits_per_second(server: Server) -> float:
    """Rows that pgbench inserts one by one into a table that has nothing but what a queue needs."""
    server.execute(TABLE)
    values = "gen_random_uuid()::text, 'default', gen_random_uuid()::text, 'queued', 'root.default', 'local'"
    rate = _commits_per_second(
        server, f"INSERT INTO calibration VALUES ({values}, 'n', 50, {QUOTED}, sha256('x'), now());\n"
    )
    server.execute("DROP TABLE calibration")
    return rate


def _commits_per_second(server: Server, script: str) -> float:
    file = server.folder / "script.sql"
    file.write_text(script)
    server.execute("CHECKPOINT")
    options = ["--no-vacuum", "--client", str(CLIENTS), "--jobs", "2", "--time", str(SECONDS)]
    command = [str(server.pgbench), *options, "--file", str(file), server.dsn()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    match = re.search(r"tps = ([0-9.]+)", done.stdout)
    if done.returncode or match is None:
        raise RuntimeError(f"pgbench failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return float(match[1])
