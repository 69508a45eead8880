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


def one_row_commits_per_second(server: Server) -> float:
    """Rows that pgbench inserts and commits one by one, with 16 clients."""
    server.execute(TABLE)
    script = server.folder / "insert.sql"
    quoted = BODY.replace("'", "''")
    script.write_text(
        "INSERT INTO calibration VALUES (gen_random_uuid()::text, 'default', gen_random_uuid()::text,"
        " 'queued', 'root.default', 'local', 'calibration', 50,"
        f" '{quoted}', sha256('x'), now());\n"
    )
    server.execute("CHECKPOINT")
    options = ["--no-vacuum", "--client", str(CLIENTS), "--jobs", "2", "--time", str(SECONDS)]
    command = [str(server.pgbench), *options, "--file", str(script), server.dsn()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    match = re.search(r"tps = ([0-9.]+)", shown)
    if match is None:
        raise RuntimeError(f"pgbench printed no rate:\n{shown}")
    server.execute("DROP TABLE calibration")
    return float(match[1])
