"""Routing: a pure function with reasons in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archer.domain.cluster import ClusterFacts, ClusterState, WantedState, shown_state
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
            WISH,
            facts(queues=("root.etl", "root.ads")),
            "queue",
            "the cluster does not have the queue root.default; no cluster has it",
            id="another queue",
        ),
        pytest.param(
            replace(WISH, local_files=True),
            facts(adapter="kubernetes"),
            "files",
            "the job names files of a machine, and it is no local cluster",
            id="files of a machine",
        ),
        pytest.param(
            WISH,
            facts(live=7, max_live_jobs=5),
            "headroom",
            "the cluster is full: max_live_jobs is 5",
            id="full",
        ),
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


def test_a_reject_by_queue_says_which_clusters_have_it_whatever_their_state():
    clusters = [
        facts("a", queues=("root.etl",)),
        facts("b", queues=("root.default", "root.etl"), state=ClusterState.CORDONED),
        facts("c", state=ClusterState.UNREACHABLE),
    ]
    decision = choose(WISH, clusters)
    assert {reject.cluster: reject.message for reject in decision.rejects} == {
        "a": "the cluster does not have the queue root.default; it is on b, c",
        "b": "the cluster is cordoned",
        "c": "the cluster is unreachable",
    }


def test_a_queue_is_had_by_its_whole_path():
    parent = facts(queues=("root.etl",))
    assert choose(replace(WISH, queue="root.etl"), [parent]).cluster == "a"
    assert choose(replace(WISH, queue="root.etl.tier1"), [parent]).cluster is None


def test_files_of_a_machine_go_to_a_local_cluster():
    wish = replace(WISH, local_files=True)
    clusters = [facts("a", adapter="kubernetes"), facts("b", live=9, adapter="local")]
    assert choose(wish, clusters).cluster == "b"
    assert choose(WISH, clusters).cluster == "a"


@pytest.mark.parametrize(("live", "limit", "takes"), [(4, 5, True), (5, 5, False), (10_000, 0, True)])
def test_a_limit_of_live_jobs_is_never_passed_and_0_is_none(live, limit, takes):
    assert (choose(WISH, [facts(live=live, max_live_jobs=limit)]).cluster == "a") is takes


def test_a_full_cluster_leaves_its_jobs_to_the_others():
    clusters = [facts("a", live=2, weight=100, max_live_jobs=2), facts("b", live=50)]
    assert choose(WISH, clusters).cluster == "b"


def test_a_tenant_has_its_own_namespace_or_the_common_one():
    made = profile(namespace="spark", namespaces={"ads": "ads-spark"})
    assert (made.namespace_of("ads"), made.namespace_of("other")) == ("ads-spark", "spark")


@pytest.mark.parametrize(
    ("wanted", "is_reachable", "shown"),
    [
        ("active", True, "active"),
        ("active", False, "unreachable"),
        ("cordoned", True, "cordoned"),
        ("cordoned", False, "cordoned"),
        ("drained", True, "drained"),
        ("drained", False, "drained"),
    ],
)
def test_the_shown_state_hides_neither_a_cordon_nor_the_silence_of_an_active_cluster(
    wanted, is_reachable, shown
):
    assert shown_state(WantedState(wanted), is_reachable=is_reachable) == shown


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
    assert choose(WISH, []).as_json() == {
        "cluster": None,
        "arch": None,
        "candidates": (),
        "rejects": (),
        "arch_why": "",
    }
