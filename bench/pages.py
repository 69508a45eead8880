"""B5 in short: what the first pages of the list cost with ten thousand rows and with a million."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from bench.load import Orders
from bench.servers import Api, Server
from bench.submit import percentile, send

SMALL: Final = 10_000
LARGE: Final = 1_000_000
REQUESTS: Final = 400
CONNECTIONS: Final = 2  # latency of a page, not of a queue of pages
PAGES: Final = {
    "newest": "/v1/jobs?limit=50",
    "by queue": "/v1/jobs?limit=50&queue=root.tier2.etl",
    "by owner": "/v1/jobs?limit=50&owner=user7",
    "failed": "/v1/jobs?limit=50&state=failed",
    "longest": "/v1/jobs?limit=50&sort=longest",
}
# Ids in the form and order of real ones: time first. Most jobs are over; one in a thousand runs.
FILL: Final = """
    INSERT INTO jobs (id, name, type, state, reason, fault, tenant, owner, queue, tier, arch, spark_version,
                      cluster, attempt, run_after, created_at, started_at, ended_at)
    SELECT 'j01' || lpad(n::text, 24, '0'), 'job-' || n %% 5000, 'python',
           CASE WHEN n %% 1000 = 0 THEN 'running' WHEN n %% 20 = 0 THEN 'failed' ELSE 'succeeded' END,
           CASE WHEN n %% 1000 <> 0 AND n %% 20 = 0 THEN 'user_code' END,
           CASE WHEN n %% 1000 <> 0 AND n %% 20 = 0 THEN 'user' END,
           'default', 'user' || n %% 50, (ARRAY['root.default', 'root.tier2.etl'])[1 + n %% 2], 2, 'amd64',
           '3.5.9', 'local', 1, t, t, t + interval '5 s',
           CASE WHEN n %% 1000 <> 0 THEN t + interval '1 s' * (6 + n %% 3600) END
      FROM generate_series(%(first)s::int, %(last)s::int) AS n,
           LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 s' AS t) AS times
"""


def measure(server: Server, apis: list[Api]) -> dict[str, Any]:
    """p95 of five list pages at both sizes, and their ratios."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("TRUNCATE jobs CASCADE")
        connection.execute(FILL, {"first": 1, "last": SMALL})
        connection.execute("VACUUM ANALYZE jobs")
        small = {name: _p95(apis, path) for name, path in PAGES.items()}
        connection.execute(FILL, {"first": SMALL + 1, "last": LARGE})
        connection.execute("VACUUM ANALYZE jobs")
        large = {name: _p95(apis, path) for name, path in PAGES.items()}
    return {
        name: {
            "p95_ms_10k": round(small[name], 2),
            "p95_ms_1m": round(large[name], 2),
            "ratio": round(large[name] / small[name], 2),
        }
        for name in PAGES
    }


def _p95(apis: list[Api], path: str) -> float:
    send(Orders([api.port for api in apis], CONNECTIONS, 50, method="GET", path=path, keyed=False))
    seen = send(
        Orders([api.port for api in apis], CONNECTIONS, REQUESTS, method="GET", path=path, keyed=False)
    )
    if set(seen["statuses"]) != {"200"}:
        raise RuntimeError(f"{path} answered {seen['statuses']}")
    return percentile(seen["latencies_ms"], 0.95)
