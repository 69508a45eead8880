"""The clusters file: what it may say, in words when it may not, and the example that people begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from archer.domain.cluster import ClusterFacts, ClusterState
from archer.domain.placement import Wish, choose
from archer.errors import SettingsError
from archer.processes import connection_config
from archer.settings import Inventory, load_inventory, parse_inventory
from archer.site.policy_file import laid_over, load_policy

EXAMPLE = Path(__file__).parents[2] / "examples" / "clusters.yaml"
FILE = Path("clusters.yaml")


def content(*, cluster: dict[str, Any] | None = None, **more: Any) -> bytes:
    one = {"name": "a", "adapter": "kubernetes"} | (cluster or {})
    return yaml.safe_dump({"clusters": [one], "queues": [{"path": "root.default"}], **more}).encode()


def parsed(**more: Any) -> Inventory:
    return parse_inventory(content(**more), FILE)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (b"clusters: [", "while parsing"),
        (b"\xff\xfe", "codec can't decode"),
        (b"[" * 100_000, "recursion"),
        (b"", "valid dictionary"),
        (content(cluster={"nmae": "b"}), "clusters.0.nmae: Extra inputs are not permitted"),
        (content(cluster={"namespaces": {"Ads!": "ads"}}), "clusters.0.namespaces.Ads!"),
        (content(cluster={"namespaces": {"ads": "no_name"}}), "clusters.0.namespaces.ads"),
        (content(cluster={"namespace": "x" * 64}), "clusters.0.namespace"),
        (content(cluster={"max_live_jobs": -1}), "clusters.0.max_live_jobs"),
        (content(cluster={"queues": ["root.default", "root.etl"]}), "cluster a: there is no queue root.etl"),
        (content(default_queue="root.etl"), "default_queue root.etl is not one of queues"),
        (content(queues=[{"path": "root.default"}] * 2), "the queue root.default stands there twice"),
        (
            content(clusters=[{"name": "a", "adapter": "kubernetes"}] * 2),
            "clusters.yaml: the cluster a stands there twice",
        ),
        (content() + content(), "the key clusters stands there twice"),
        (b"clusters:\n- {name: a, adapter: kubernetes, weight: 0, weight: 9}\n", "the key weight"),
    ],
)
def test_a_wrong_file_is_refused_in_words(wrong: bytes, words: str):
    with pytest.raises(SettingsError, match=r"clusters\.yaml") as refused:
        parse_inventory(wrong, FILE)
    assert words in str(refused.value)


def test_entries_may_share_a_part_and_each_set_over_it():
    shared = b"""
        clusters:
        - &first {name: a, adapter: kubernetes, weight: 2, namespace: spark}
        - {<<: *first, name: b}
        queues: [{path: root.default}]
        """
    first, second = parse_inventory(shared, FILE).clusters
    assert [(one.name, one.weight, one.namespace) for one in (first, second)] == [
        ("a", 2, "spark"),
        ("b", 2, "spark"),
    ]


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        load_inventory(tmp_path / "clusters.yaml")


def test_the_adapter_watches_every_namespace_once():
    (entry,) = parsed(
        cluster={"namespace": "spark", "namespaces": {"ads": "z", "etl": "spark", "ml": "z"}}
    ).clusters
    assert entry.all_namespaces() == ("spark", "z")
    assert connection_config(entry).namespaces == ("spark", "z")  # pyright: ignore[reportAttributeAccessIssue]
    assert entry.profile().namespace_of("ml") == "z"


def test_what_only_routing_reads_leaves_the_connection_as_it_is():
    routed = {
        "weight": 9,
        "queues": ["root.default"],
        "max_live_jobs": 7,
        "image": "other",
        "spark_conf": {"a": "b"},
    }
    (before,), (after,) = parsed().clusters, parsed(cluster=routed).clusters
    assert before.profile() != after.profile()
    assert connection_config(before) == connection_config(after)


@pytest.mark.parametrize("reached", [{"kubeconfig": "/x"}, {"context": "x"}, {"namespaces": {"ads": "x"}}])
def test_what_reaches_the_cluster_makes_another_connection(reached):
    assert connection_config(parsed().clusters[0]) != connection_config(parsed(cluster=reached).clusters[0])


def test_the_example_is_a_site_of_three_clusters():
    site = laid_over(load_inventory(EXAMPLE), load_policy(EXAMPLE.with_name("policy.yaml")))
    assert [(entry.name, entry.architectures) for entry in site.clusters] == [
        ("eks-graviton", ("arm64",)),
        ("eks-x86", ("amd64",)),
        ("onprem", ("amd64",)),
    ]
    facts = [ClusterFacts(entry.profile(), ClusterState.ACTIVE, 0) for entry in site.clusters]

    def goes_to(queue: str, arch: str = "auto", version: str = "3.5.9") -> str | None:
        return choose(Wish(queue, arch, version), facts).cluster

    assert goes_to("root.adhoc") == "eks-graviton"
    assert goes_to("root.etl", arch="amd64") == "eks-x86"
    assert goes_to("root.onprem") == "onprem"
    assert goes_to("root.onprem", version="4.0") is None
    assert goes_to("root.adhoc", arch="amd64") is None
