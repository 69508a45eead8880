"""The list walks an index however many jobs there are."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql import psycopg as dialect

from moka_ui import listing
from moka_ui.cursor import Cursor
from moka_ui.filters import JobQuery

MANY = """
    INSERT INTO jobs (id, name, type, state, tenant, owner, queue, arch, spark_version, cluster, attempt,
                      run_after, created_at, started_at, ended_at)
    SELECT 'j01k' || lpad(g::text, 23, '0'), 'job_' || g % 900, 'python',
           CASE WHEN g > 39000 THEN 'running' ELSE 'succeeded' END, 't' || g % 5, 'o' || g % 40, 'q' || g % 12,
           'arm64', '3.5.9', 'c' || g % 3, 1, t, t, t, CASE WHEN g > 39000 THEN NULL ELSE t + g % 77 * '1 s'::interval END
      FROM generate_series(1, 40000) AS g, LATERAL (SELECT now() - (40000 - g) * '1 s'::interval AS t) AS times
"""  # noqa: E501
AS_OF = datetime(2026, 11, 22, tzinfo=UTC)
LAST = "j01k" + "20000".rjust(23, "0")
CASES = [
    pytest.param(JobQuery(), "jobs_pkey", id="the newest"),
    pytest.param(JobQuery(state=["failed"]), "jobs_by_state", id="a state"),  # pyright: ignore[reportArgumentType]
    pytest.param(JobQuery(name="job_777"), "jobs_by_name", id="a name prefix"),
    pytest.param(JobQuery(sort="longest"), "jobs_longest_live", id="the longest under way"),
    pytest.param(JobQuery(sort="longest"), "jobs_longest_ended", id="the longest ended"),
]


@pytest.fixture
def explain(own_demo):
    """The plan of a statement over forty thousand jobs, as text."""
    with own_demo.connect() as connection:
        connection.execute(MANY)
        connection.execute("ANALYZE jobs")
    engine = create_engine("postgresql+psycopg://", creator=own_demo.connect)

    def plan(statement) -> str:
        compiled = statement.compile(dialect=dialect.dialect(), compile_kwargs={"render_postcompile": True})
        with engine.connect() as connection:
            rows = connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params)
            return "\n".join(row[0] for row in rows)

    yield plan
    engine.dispose()


def statement(query: JobQuery, cursor: Cursor | None):
    return listing.longest(query, cursor, AS_OF) if query.sort == "longest" else listing.newest(query, cursor)


@pytest.mark.parametrize(("query", "index"), CASES)
def test_a_page_comes_from_an_index(explain, query, index):
    cursor = Cursor("newest", LAST)
    if query.sort == "longest":
        cursor = Cursor("longest", LAST, AS_OF, AS_OF - AS_OF.replace(hour=0, day=21))
    for start in (None, cursor):
        plan = explain(statement(query, start))
        assert index in plan
        assert "Seq Scan on jobs" not in plan, plan
