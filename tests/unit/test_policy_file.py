"""The policy file: what it may say, in words when it may not, and how it lies over the clusters file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from archer.domain.tenancy.policy import Policy, terms_of
from archer.errors import SettingsError
from archer.settings import Inventory, parse_inventory
from archer.site.policy_file import check_policy, laid_over, load_policy, parse_policy, remarks

FILE = Path("policy.yaml")
EXAMPLES = Path(__file__).parents[2] / "examples"
DIGEST = "@sha256:" + "a" * 64
QUEUE: dict[str, Any] = {"path": "root.etl"}
TENANT: dict[str, Any] = {"name": "ads", "namespace": "spark-ads", "queues": ["root.etl"]}
SPARK: dict[str, Any] = {"version": "3.5.9", "images": {"arm64": f"r.example.com/spark{DIGEST}"}}


def content(**more: Any) -> bytes:
    return yaml.safe_dump({"queues": [QUEUE], "tenants": [TENANT], "spark_versions": [SPARK]} | more).encode()


def parsed(**more: Any) -> Policy:
    return parse_policy(content(**more), FILE)


def clusters(*, cluster: dict[str, Any] | None = None, **more: Any) -> Inventory:
    one = {"name": "a", "adapter": "kubernetes"} | (cluster or {})
    return parse_inventory(yaml.safe_dump({"clusters": [one], **more}).encode(), Path("clusters.yaml"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (b"tenants: [", "while parsing"),
        (b"\xff\xfe", "codec can't decode"),
        (b"[" * 100_000, "recursion"),
        (b"", "valid dictionary"),
        (b"queues: []\ntenants: []\nqueues: []\n", "the key queues stands there twice"),
        (content(tenant=[TENANT]), "tenant: Extra inputs are not permitted"),
        (content(tenants=[TENANT | {"nmae": "x"}]), "tenants.0.nmae: Extra inputs"),
        (content(tenants=[TENANT, TENANT]), "the tenant ads stands there twice"),
        (content(queues=[QUEUE, QUEUE]), "the queue root.etl stands there twice"),
        (content(spark_versions=[SPARK, SPARK]), "the Spark version 3.5.9 stands there twice"),
        (content(tenants=[TENANT | {"queues": ["root.ads"]}]), "tenant ads: there is no queue root.ads"),
        (content(tenants=[TENANT | {"queues": []}]), "tenants.0.queues"),
        (
            content(queues=[QUEUE, {"path": "root.etl.daily"}]),
            "the queue root.etl is not a leaf: root.etl.daily is below it",
        ),
        (content(queues=[{"path": "root.Etl"}]), "queues.0.path"),
        (content(queues=[{"path": "root"}]), "queues.0.path"),
        (content(queues=[QUEUE | {"tier": 4}]), "queues.0.tier"),
        (content(tenants=[TENANT | {"locations": ["s3a://bucket/ads"]}]), "tenants.0.locations.0"),
        (content(tenants=[TENANT | {"locations": ["s3a://bucket/../x/"]}]), "tenants.0.locations.0"),
        (content(tenants=[TENANT | {"locations": ["file:///etc/"]}]), "tenants.0.locations.0"),
        (content(tenants=[TENANT | {"images": ["spark"]}]), "tenants.0.images.0"),
        (content(tenants=[TENANT | {"images": ["r.example.com/spark:3"]}]), "tenants.0.images.0"),
        (content(tenants=[TENANT | {"namespace": "No_Name"}]), "tenants.0.namespace"),
        (
            content(spark_versions=[SPARK | {"images": {"arm64": "r.example.com/spark:latest"}}]),
            "must be pinned by its digest",
        ),
        (content(spark_versions=[SPARK | {"version": "3.5"}]), "spark_versions.0.version"),
        (content(open_spark_conf=["spark.kubernetes.driver.secrets."]), "cannot be opened"),
        (content(open_spark_conf=["spark.driver."]), "cannot be opened"),
        (content(open_spark_conf=["spark.executor.memory"]), "is set by the field executor.memory"),
        (content(repositories=["http://maven.example.com"]), "repositories.0"),
    ],
)
def test_a_wrong_file_is_refused_in_words(wrong: bytes, words: str):
    with pytest.raises(SettingsError, match=r"policy\.yaml") as refused:
        parse_policy(wrong, FILE)
    assert words in str(refused.value)


def test_a_spark_version_is_found_by_its_line_and_the_highest_patch_wins():
    policy = parsed(spark_versions=[SPARK | {"version": one} for one in ("3.5.9", "3.5.10", "3.50.1")])
    found = {wanted: policy.spark_version(wanted) for wanted in ("3.5", "3.5.9", "3.50", "3.6", "3.5.1")}
    assert {wanted: one and one.version for wanted, one in found.items()} == {
        "3.5": "3.5.10",
        "3.5.9": "3.5.9",
        "3.50": "3.50.1",
        "3.6": None,
        "3.5.1": None,
    }


def test_queues_and_namespaces_of_the_policy_lie_over_the_clusters_file():
    tenants = [TENANT, TENANT | {"name": "etl", "namespace": "spark-etl", "namespaces": {"a": "batch"}}]
    laid = laid_over(clusters(cluster={"queues": ["root.etl"]}), parsed(tenants=tenants))
    (cluster,) = laid.clusters
    assert cluster.namespaces == {"ads": "spark-ads", "etl": "batch"}
    assert cluster.all_namespaces() == ("batch", "default", "spark-ads")
    assert [queue.path for queue in laid.queues] == ["root.etl"]


@pytest.mark.parametrize(
    ("inventory", "policy", "words"),
    [
        (clusters(queues=[{"path": "root.default"}]), parsed(), "queues stands in the policy file"),
        (clusters(cluster={"namespaces": {"ads": "x"}}), parsed(), "a: namespaces stands in the policy file"),
        (clusters(cluster={"queues": ["root.other"]}), parsed(), "cluster a: there is no queue root.other"),
        (
            clusters(),
            parsed(tenants=[TENANT | {"namespaces": {"b": "x"}}]),
            "tenant ads: there is no cluster b",
        ),
        (
            clusters(),
            parsed(spark_conf={"spark.kubernetes.container.image": "x"}),
            "spark_conf.spark.kubernetes.container.image is written by Archer",
        ),
        (
            clusters(),
            parsed(tenants=[TENANT | {"spark_conf": {"spark.executor.memory": "1g"}}]),
            "tenant ads: spark_conf.spark.executor.memory is set by each job, by its field executor.memory",
        ),
        (
            clusters(),
            parsed(tenants=[TENANT, TENANT | {"name": "etl"}]),
            "tenants ads and etl share the namespace spark-ads of cluster a, and so its secrets and accounts",
        ),
        (
            clusters(),
            parsed(
                tenants=[
                    TENANT,
                    TENANT | {"name": "etl", "namespace": "etl", "namespaces": {"a": "spark-ads"}},
                ]
            ),
            "tenants ads and etl share the namespace spark-ads of cluster a",
        ),
        (
            clusters(),
            parsed(
                tenants=[
                    TENANT | {"shares_namespace": True},
                    TENANT | {"name": "etl", "shares_namespace": True},
                    TENANT | {"name": "third"},
                ]
            ),
            "tenants ads and etl and third share the namespace spark-ads of cluster a",
        ),
        (clusters(), None, "queues is missing, and there is no policy file that has them"),
    ],
)
def test_files_that_do_not_go_together_are_refused(inventory: Inventory, policy: Policy | None, words: str):
    with pytest.raises(SettingsError) as refused:
        laid_over(inventory, policy)
    assert words in str(refused.value)


def test_tenants_that_both_say_so_share_a_namespace():
    both = [TENANT | {"name": name, "shares_namespace": True} for name in ("ads", "etl")]
    (cluster,) = laid_over(clusters(), parsed(tenants=both)).clusters
    assert cluster.namespaces == {"ads": "spark-ads", "etl": "spark-ads"}


def test_a_namespace_that_is_one_tenants_default_and_anothers_of_a_cluster_is_told():
    tenants = [
        TENANT | {"locations": ["s3a://bucket/ads/"]},
        TENANT
        | {
            "name": "etl",
            "namespace": "etl",
            "namespaces": {"onprem": "spark-ads"},
            "locations": ["s3a://bucket/etl/"],
        },
    ]
    assert list(remarks(parsed(tenants=tenants))) == [
        "tenants ads and etl share the namespace spark-ads of cluster onprem, and so its secrets"
    ]


def test_what_the_policy_no_longer_knows_is_told_from_what_was_never_asked():
    assert terms_of(None, tenant="ads", queue="root.etl", spark_version="3.5").policy is None
    gone = terms_of(parsed(), tenant="old", queue="root.old", spark_version="3.2")
    assert (gone.policy is not None, gone.tenant, gone.queue, gone.version) == (True, None, None, None)


def test_a_check_tells_what_the_file_holds_and_what_looks_like_a_slip(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_bytes(
        content(
            queues=[QUEUE, {"path": "root.idle"}],
            tenants=[TENANT, TENANT | {"name": "etl", "locations": ["s3a://bucket/etl/"]}],
        )
    )
    assert check_policy(file, None).splitlines() == [
        f"{file}: 2 tenants, 2 queues, 1 Spark versions",
        "look again: queue root.idle: no tenant may use it",
        "look again: tenant ads: without locations, its programs can only come from images",
        "look again: tenants ads and etl share the namespace spark-ads, and so its secrets",
    ]


def test_the_example_goes_with_the_clusters_of_the_example():
    told = check_policy(EXAMPLES / "policy.yaml", EXAMPLES / "clusters.yaml")
    assert told == f"{EXAMPLES / 'policy.yaml'}: 3 tenants, 5 queues, 2 Spark versions\n"
    policy = load_policy(EXAMPLES / "policy.yaml")
    assert policy is not None
    assert {queue.tier: queue.preemptible for queue in policy.queues} == {1: False, 2: True, 3: True}


@pytest.mark.parametrize(("text", "code"), [(content(), 0), (b"tenants: 3", 2)])
def test_the_command_says_it_by_its_exit(tmp_path, text: bytes, code: int):
    file = tmp_path / "policy.yaml"
    file.write_bytes(text)
    command = [sys.executable, "-m", "archer", "policy", "check", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert str(file) in (done.stdout if code == 0 else done.stderr)
