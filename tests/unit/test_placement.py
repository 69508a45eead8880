"""Routing: a pure function with reasons in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archer.domain.cluster import ClusterFacts, ClusterState
from archer.domain.placement import Wish, choose
from tests.builders import profile

WISH = Wish("root.default", "auto", "3.5.9")


def facts(name="a", *, live=0, state=ClusterState.ACTIVE, **fields):
    return ClusterFacts(profile(name, **fields), state, live)


@pytest.mark.parametrize(
    ("wish", "cluster", "rule", "words"),
    [
        pytest.param(
            WISH, facts(state=ClusterState.CORDONED), "state", "the cluster is cordoned", id="cordoned"
        ),
        pytest.param(
            WISH, facts(state=ClusterState.DRAINED), "state", "the cluster is drained", id="drained"
        ),
        pytest.param(
            WISH,
            facts(state=ClusterState.UNREACHABLE),
            "state",
            "the cluster is unreachable",
            id="unreachable",
        ),
        pytest.param(WISH, facts(weight=0), "weight", "the cluster's weight is 0", id="no weight"),
        pytest.param(
            WISH, facts(architectures=()), "arch", "the cluster has no architecture", id="no architecture"
        ),
        pytest.param(
            replace(WISH, arch="arm64"),
            facts(architectures=("amd64",)),
            "arch",
            "the job asks for arm64, the cluster has amd64",
            id="another architecture",
        ),
        pytest.param(
            WISH,
            facts(spark_versions=("3.4.1", "4.0.0")),
            "spark_version",
            "the job asks for Spark 3.5.9, it has 3.4.1, 4.0.0",
            id="another version",
        ),
        pytest.param(
            replace(WISH, spark_version="3.5"),
            facts(spark_versions=("3.51.0",)),
            "spark_version",
            "the job asks for Spark 3.5, it has 3.51.0",
            id="a version that only begins alike",
        ),
    ],
)
def test_a_cluster_that_cannot_take_the_job_is_rejected_in_words(wish, cluster, rule, words):
    decision = choose(wish, [cluster])
    assert (decision.cluster, decision.arch, decision.candidates) == (None, None, ())
    (reject,) = decision.rejects
    assert (reject.cluster, reject.rule, reject.message) == ("a", rule, words)


@pytest.mark.parametrize("version", ["3.5", "3.5.9"])
def test_a_short_version_takes_any_patch_of_it(version):
    assert choose(replace(WISH, spark_version=version), [facts(spark_versions=("3.5.9",))]).cluster == "a"


def test_a_cluster_without_a_list_of_versions_takes_any():
    assert choose(replace(WISH, spark_version="9.9"), [facts()]).cluster == "a"


def test_the_fewest_live_jobs_for_the_weight_win():
    decision = choose(WISH, [facts("a", live=2), facts("b", live=5, weight=3), facts("c", live=4)])
    assert [candidate.cluster for candidate in decision.candidates] == ["b", "a", "c"]
    assert [candidate.load for candidate in decision.candidates] == [2.0, 3.0, 5.0]


def test_auto_takes_the_first_architecture_of_the_cluster():
    assert choose(WISH, [facts(architectures=("arm64", "amd64"))]).arch == "arm64"
    assert choose(replace(WISH, arch="amd64"), [facts(architectures=("arm64", "amd64"))]).arch == "amd64"


@given(
    st.permutations(
        [facts("a"), facts("b"), facts("c", live=1, weight=2), facts("d", state=ClusterState.CORDONED)]
    )
)
def test_the_order_of_the_clusters_does_not_matter(clusters):
    decision = choose(WISH, clusters)
    assert decision.cluster == "a"
    assert [candidate.cluster for candidate in decision.candidates] == ["a", "b", "c"]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 200))
def test_jobs_are_shared_out_by_weight(weights, jobs):
    live = [0] * len(weights)
    for _ in range(jobs):
        clusters = [facts(f"c{i}", live=live[i], weight=weight) for i, weight in enumerate(weights)]
        chosen = choose(WISH, clusters).cluster
        assert chosen is not None
        live[int(chosen[1:])] += 1
    shares = [count / weight for count, weight in zip(live, weights, strict=True)]
    assert max(shares) - min(shares) <= 1


def test_no_cluster_at_all_is_a_decision_too():
    assert choose(WISH, []).as_json() == {"cluster": None, "arch": None, "candidates": (), "rejects": ()}
