"""Two thousand jobs over two clusters: each is created once, and each ends."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable

import pytest

from tests.e2e.archer import FAKE, Client, running_archer
from tests.stack import kubectl
from tests.stack.layout import MOKA_ARM, MOKA_X86, Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("fake_operators")]

JOBS = 2000
# Source: k8s.io/apiserver pkg/endpoints/metrics, apiserver_request_total
REQUESTS = re.compile(r"^apiserver_request_total\{([^}]*)\} ([0-9.e+]+)$", re.MULTILINE)


@pytest.fixture(scope="module")
async def archer(fake_operators: None, new_database: Callable[[str], str]) -> AsyncIterator[Client]:
    async with running_archer(new_database("many")) as client:
        yield client


def creates(cluster: Cluster) -> dict[str, float]:
    """Create requests for applications that this API server has answered, by status code."""
    found: dict[str, float] = {}
    for labels, count in REQUESTS.findall(kubectl.kubectl(cluster, "get", "--raw", "/metrics")):
        of = dict(pair.split("=") for pair in labels.replace('"', "").split(","))
        if (of["verb"], of["resource"]) == ("POST", "sparkapplications"):
            found[of["code"]] = found.get(of["code"], 0) + float(count)
    return found


async def test_each_of_two_thousand_jobs_is_created_by_exactly_one_request(archer):
    before = {cluster.name: creates(cluster) for cluster in (MOKA_ARM, MOKA_X86)}
    jobs = await archer.submit_many(
        JOBS, name="many", main_application_file="local:///opt/moka/sql.py", spark_version=FAKE
    )
    assert await archer.all_end(jobs, seconds=600) == {"succeeded": JOBS}
    asked = 0.0
    for cluster in (MOKA_ARM, MOKA_X86):
        after = creates(cluster)
        new = {code: after[code] - before[cluster.name].get(code, 0) for code in after}
        assert {code for code, number in new.items() if number} == {"201"}, new
        (placed,) = await archer.rows(
            "SELECT count(*) AS number FROM attempts WHERE cluster = :cluster", cluster=cluster.name
        )
        assert new["201"] == placed["number"] > JOBS / 4
        asked += new["201"]
    assert asked == JOBS
    (attempts,) = await archer.rows("SELECT count(*) AS number, count(DISTINCT uid) AS uids FROM attempts")
    assert (attempts["number"], attempts["uids"]) == (JOBS, JOBS)
