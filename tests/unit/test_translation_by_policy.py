"""Jobs of an organisation with a policy: whole manifests, and what must hold of every one of them.

The files in ``goldens/organisation`` are read by people: change one only with the reason for it. A failing
test prints the manifest that was made.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from archer.domain.cluster import Celeborn, ClusterFacts, ClusterState
from archer.domain.placement import choose, wish_of
from archer.domain.tenancy.policy import Policy
from archer.domain.tenancy.rules import labels
from archer.translate import celeborn
from archer.translate.draft import SOURCE_OF, Draft, origins_of
from archer.translate.nodes import nodes_of
from archer.translate.spark import Attempt, to_spark_application
from tests.builders import request
from tests.unit.organisation import CLUSTER, JOB, JOBS, POLICY, file_of, terms_for, translated, wanted
from tests.unit.test_spark_application import WISHES, leaves

GOLDENS = Path(__file__).parent / "goldens" / "organisation"
ROLES = ("driver", "executor")
# Source: apimachinery pkg/api/validation, TotalAnnotationSizeLimitB: keys and values of one object.
MOST_ANNOTATION_BYTES = 256 * 1024
# Source: Spark KubernetesUtils, pods "<prefix>-exec-<n>" within 63; its own longest suffix has 24 characters.
MOST_NAME_LENGTH = 47


def job(**fields):
    """A job of the tenant ads."""
    return request(**({"tenant": "ads", "queue": "root.tier1.ads"} | fields))


def spec(cluster=CLUSTER, **fields):
    return translated(job(**fields), cluster).manifest["spec"]


def origin(made, end: str):
    (found,) = (one for one in made.origins if one.path.endswith(end))
    return found


@pytest.mark.parametrize("name", JOBS)
def test_the_whole_manifest(name):
    made = translated(wanted(name)).manifest
    kept = yaml.safe_load((GOLDENS / file_of(name)).read_text())
    assert made == kept, yaml.safe_dump(made, sort_keys=False)


def test_every_golden_is_of_a_job():
    assert {file.name for file in GOLDENS.iterdir()} == {file_of(name) for name in JOBS}


def test_each_layer_replaces_the_ones_before_it():
    key = "spark.sql.shuffle.partitions"

    def said(by: str) -> dict:
        return {"spark_conf": {key: by}}

    raw = POLICY.model_dump(mode="json")
    raw["spark_conf"][key] = "default"
    for part, name, by in (("spark_versions", "3.5.9", "version"), ("queues", "root.tier1.ads", "queue")):
        for one in raw[part]:
            if name in one.values():
                one["spark_conf"] = {key: by}
    raw["tenants"][0]["spark_conf"] = {key: "tenant"}
    policy, wish = Policy.model_validate(raw), job(**said("request"))
    cluster = replace(CLUSTER, spark_conf={key: "cluster"})
    made = to_spark_application(
        Attempt(JOB, 1, "ads", "amara", "root.tier1.ads", "arm64"), wish, cluster, terms_for(wish, policy)
    )
    found = origin(made, key)
    assert (found.source, found.field) == ("request", f"spark_conf.{key}")
    assert [(one.source, one.value) for one in found.replaced] == [
        (source, source) for source in ("tenant", "queue", "version", "cluster", "default")
    ]


def test_the_platform_has_the_last_word():
    made = translated(job(spark_conf={"spark.serializer": "org.apache.spark.serializer.JavaSerializer"}))
    found = origin(made, "spark.serializer")
    assert (found.source, found.replaced[0].source) == ("platform", "request")
    assert made.manifest["spec"]["sparkConf"]["spark.serializer"].endswith("KryoSerializer")


def test_a_secret_that_was_replaced_is_not_shown():
    draft = Draft()
    draft.put(("spec", "sparkConf", "spark.user.db.password"), "hunter2", "cluster")
    draft.put(("spec", "sparkConf", "spark.user.db.password"), "x", "request")
    assert "hunter2" not in str(draft.origins) + str(draft.layers())


@pytest.mark.parametrize("name", JOBS)
def test_what_is_kept_of_the_layers_reads_back_as_they_were(name):
    made = translated(wanted(name))
    read = sorted(origins_of(made.manifest, made.layers()), key=lambda one: one[0].path)
    assert [one for one, _ in read] == [replace(one, field=None) for one in made.origins]
    assert {one.path: value for one, value in read}["/spec/image"] == made.manifest["spec"]["image"]
    assert len(made.layers()["lines"]) == len(leaves(made.manifest))


def test_layers_of_another_manifest_say_nothing():
    one, other = translated(wanted("a nightly report")), translated(wanted("on spot"))
    assert origins_of(one.manifest, other.layers()) == []
    assert origins_of(one.manifest, {}) == []
    assert origins_of(one.manifest, {"lines": 3, "replaced": []}) == []


@pytest.mark.parametrize("name", JOBS)
def test_nothing_of_the_clusters_own_namespace_account_or_image_is_left(name):
    assert "never" not in str(translated(wanted(name)).manifest)


def test_a_tenant_that_the_policy_does_not_know_is_not_translated():
    wish = job(tenant="gone")
    attempt = Attempt(JOB, 1, "gone", "amara", "root.tier1.ads", "arm64")
    with pytest.raises(ValueError, match="no tenant gone"):
        to_spark_application(attempt, wish, CLUSTER, terms_for(wish))


def test_what_was_placed_keeps_its_namespace():
    wish = job()
    attempt = Attempt(JOB, 1, "ads", "amara", "root.tier1.ads", "arm64", "spark-as-it-was")
    made = to_spark_application(attempt, wish, CLUSTER, terms_for(wish))
    assert made.manifest["metadata"]["namespace"] == "spark-as-it-was"


@pytest.mark.parametrize(
    ("fields", "rule", "words"),
    [
        pytest.param({"tenant": "gone"}, "tenant", "the policy has no tenant gone", id="tenant"),
        pytest.param({"queue": "root.tier9"}, "tenant", "may not use the queue root.tier9", id="queue"),
        pytest.param(
            {"tenant": "legacy"}, "tenant", "may not use the queue root.tier1.ads", id="another's queue"
        ),
        pytest.param({"spark_version": "2.4.0"}, "tenant", "has no Spark 2.4.0", id="version"),
        pytest.param({"secrets": {"A": "none"}}, "tenant", "has no secret none", id="secret"),
        pytest.param(
            {"spark_version": "3.4.4", "arch": "amd64"}, "tenant", "no Spark 3.4.4 for amd64", id="image"
        ),
        pytest.param(
            {"spark_version": "3.3.4", "shuffle": "celeborn"}, "shuffle", "no client is known", id="client"
        ),
    ],
)
def test_a_job_that_the_policy_does_not_let_run_waits_with_the_reason(fields, rule, words):
    wish = job(**fields)
    decision = choose(
        wish_of(wish, wish.queue or "", terms_for(wish)), [ClusterFacts(CLUSTER, ClusterState.ACTIVE, 0)]
    )
    assert decision.cluster is None
    assert [reject.rule for reject in decision.rejects] == [rule]
    assert words in decision.rejects[0].message


@pytest.mark.parametrize(
    ("fields", "architectures", "arch", "why"),
    [
        ({}, ("amd64", "arm64"), "arm64", "the queue's default"),
        ({"queue": "root.tier2.etl"}, ("amd64", "arm64"), "arm64", "the tenant's order"),
        ({"queue": "root.tier2.etl"}, ("amd64",), "amd64", "the tenant's order; the cluster has no arm64"),
        ({"queue": "root.tier2.etl", "tenant": "legacy"}, ("arm64", "amd64"), "amd64", "the tenant's order"),
        ({"spark_version": "3.3.4"}, ("arm64", "amd64"), "amd64", "the tenant's order"),
        ({"arch": "amd64"}, ("arm64", "amd64"), "amd64", "the job asks for it"),
    ],
)
def test_the_architecture_is_the_best_of_the_ladder(fields, architectures, arch, why):
    wish = job(**fields)
    facts = ClusterFacts(replace(CLUSTER, architectures=architectures), ClusterState.ACTIVE, 0)
    decision = choose(wish_of(wish, wish.queue or "", terms_for(wish)), [facts])
    assert (decision.arch, decision.arch_why) == (arch, why)


def test_a_cluster_with_none_of_the_architectures_is_passed_over():
    wish = job(spark_version="3.4.4")
    facts = ClusterFacts(replace(CLUSTER, architectures=("amd64",)), ClusterState.ACTIVE, 0)
    (reject,) = choose(wish_of(wish, wish.queue or "", terms_for(wish)), [facts]).rejects
    assert (reject.rule, reject.message) == ("tenant", "the job may run on arm64, the cluster has amd64")


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (None, "the cluster has none"),
        (Celeborn(("m:1",), line="0.5"), "client is of 0.6, the cluster's servers are of 0.5"),
    ],
)
def test_a_job_that_asks_for_celeborn_gets_it_or_waits(service, words):
    facts = ClusterFacts(replace(CLUSTER, celeborn=service), ClusterState.ACTIVE, 0)
    for shuffle, cluster in (("celeborn", None), ("auto", "use1-a"), ("spark", "use1-a")):
        wish = job(shuffle=shuffle)
        decision = choose(wish_of(wish, wish.queue or "", terms_for(wish)), [facts])
        assert decision.cluster == cluster
        assert cluster or words in decision.rejects[0].message
    conf = spec(replace(CLUSTER, celeborn=service))["sparkConf"]
    assert "spark.shuffle.manager" not in conf


@pytest.mark.parametrize("shuffle", ["auto", "spark", "celeborn"])
@pytest.mark.parametrize("version", ["3.5.9", "4.0.1", "3.4.4"])
def test_dynamic_allocation_never_takes_away_what_holds_shuffle_files(shuffle, version):
    made = spec(shuffle=shuffle, spark_version=version, dynamic_allocation={"max_executors": 9})
    conf, tracked = made["sparkConf"], made["dynamicAllocation"]["shuffleTrackingEnabled"]
    has_plugin = "spark.shuffle.sort.io.plugin.class" in conf
    assert tracked is not has_plugin
    if has_plugin:
        assert conf["spark.shuffle.manager"].endswith("celeborn.SparkShuffleManager")
        assert conf["spark.celeborn.client.spark.shuffle.fallback.policy"] == "NEVER"


@pytest.mark.parametrize(
    ("cores", "memory", "conf", "kind"),
    [
        (1, "1g", {}, "hash"),
        (4, "8g", {"spark.sql.shuffle.partitions": "4000"}, "hash"),
        (4, "8g", {"spark.sql.shuffle.partitions": "4200"}, "sort"),
        (4, "8g", {"spark.sql.shuffle.partitions": "4200", "spark.task.cpus": "2"}, "hash"),
        (1, "1g", {"spark.default.parallelism": "9000"}, "sort"),
        (1, "1g", {"spark.sql.shuffle.partitions": "many"}, "hash"),
    ],
)
def test_the_writer_is_by_what_its_buffers_take(cores, memory, conf, kind):
    wish = job(executor={"cores": cores, "memory": memory})
    assert celeborn.writer(wish, conf) == kind


def test_an_owner_may_choose_another_writer():
    raw = POLICY.model_dump(mode="json")
    raw["tenants"][0]["spark_conf"] = {celeborn.WRITER: "sort"}
    wish = job()
    terms = terms_for(wish, Policy.model_validate(raw))
    made = to_spark_application(
        Attempt(JOB, 1, "ads", "amara", "root.tier1.ads", "arm64"), wish, CLUSTER, terms
    )
    assert origin(made, celeborn.WRITER).source == "tenant"
    assert made.manifest["spec"]["sparkConf"][celeborn.WRITER] == "sort"


@pytest.mark.parametrize(
    ("version", "way", "has"),
    [
        ("3.5.9", "irsa", "com.amazonaws.auth.WebIdentityTokenCredentialsProvider"),
        ("3.5.9", "pod_identity", "com.amazonaws.auth.EC2ContainerCredentialsProviderWrapper"),
        ("4.0.1", "irsa", "software.amazon.awssdk.auth.credentials.WebIdentityTokenFileCredentialsProvider"),
        ("4.0.1", "pod_identity", "software.amazon.awssdk.auth.credentials.ContainerCredentialsProvider"),
        ("4.0.1", "", None),
    ],
)
def test_s3_is_signed_in_to_as_the_hadoop_of_the_image_can(version, way, has):
    conf = spec(replace(CLUSTER, s3_credentials=way), spark_version=version)["sparkConf"]
    assert conf.get("spark.hadoop.fs.s3a.aws.credentials.provider") == has


SPOT = [
    # queue, what the job asks for, what the cluster has, where executors go
    ("root.tier1.ads", "spot", ("on-demand", "spot"), "on-demand"),
    ("root.tier1.ads", None, ("on-demand", "spot"), "on-demand"),
    ("root.tier2.etl", None, ("on-demand", "spot"), "on-demand"),
    ("root.tier2.etl", "spot", ("on-demand", "spot"), "spot"),
    ("root.tier2.etl", "spot", ("on-demand",), "on-demand"),
    ("root.tier2.etl", "spot", (), None),
    ("root.tier3.adhoc", None, ("on-demand", "spot"), "spot"),
    ("root.tier3.adhoc", "on_demand", ("on-demand", "spot"), "on-demand"),
]


@pytest.mark.parametrize(("queue", "capacity", "has", "goes"), SPOT)
def test_executors_are_on_spot_where_the_queue_allows_and_drivers_never(queue, capacity, has, goes):
    made = spec(replace(CLUSTER, capacity_types=has), queue=queue, executor={"capacity": capacity})
    driver, executor = (made[role]["template"]["spec"] for role in ROLES)
    assert driver["nodeSelector"].get("karpenter.sh/capacity-type") == (has[0] if has else None)
    assert executor["nodeSelector"].get("karpenter.sh/capacity-type") == goes
    assert ("spark.decommission.enabled" in made["sparkConf"]) is (goes == "spot")
    assert executor.get("terminationGracePeriodSeconds") == (120 if goes == "spot" else None)


def test_a_job_is_in_one_zone_and_its_next_attempt_in_another():
    terms, wish = terms_for(job()), job()
    zones = [
        nodes_of(JOB, number, "arm64", request=wish, profile=CLUSTER, queue=terms.queue).zone
        for number in (1, 2, 3, 4)
    ]
    assert (sorted(zones[:3]), zones[3]) == (sorted(CLUSTER.zones), zones[0])
    made = spec()
    assert len({made[role]["template"]["spec"]["nodeSelector"][ZONE] for role in ROLES}) == 1


ZONE = "topology.kubernetes.io/zone"


def test_zones_are_used_alike():
    terms, wish = terms_for(job()), job()
    seen = [
        nodes_of(f"j{number}", 1, "arm64", request=wish, profile=CLUSTER, queue=terms.queue).zone
        for number in range(3000)
    ]
    assert all(900 < seen.count(zone) < 1100 for zone in CLUSTER.zones)


@pytest.mark.parametrize(
    ("platform", "options", "has"),
    [
        ("-XX:+UseG1GC -Xss4m", ["-XX:+UseZGC"], "-Xss4m -XX:+UseZGC"),
        ("-XX:+UseG1GC", ["-Dlog.level=x"], "-XX:+UseG1GC -Dlog.level=x"),
        ("", ["-Dx=a b", '-Dy="\\'], '"-Dx=a b" "-Dy=\\"\\\\"'),
    ],
)
def test_java_options_of_a_job_follow_the_platforms(platform, options, has):
    raw = POLICY.model_dump(mode="json")
    raw["spark_conf"] = {"spark.driver.extraJavaOptions": platform} if platform else {}
    wish = job(driver={"java_options": options})
    made = to_spark_application(
        Attempt(JOB, 1, "ads", "amara", "root.tier1.ads", "arm64"),
        wish,
        CLUSTER,
        terms_for(wish, Policy.model_validate(raw)),
    )
    assert made.manifest["spec"]["sparkConf"]["spark.driver.extraJavaOptions"] == has


def test_the_words_of_the_platform_stand_above_those_of_a_job():
    mine = {"yunikorn.apache.org/queue": "root.other", "karpenter.sh/do-not-disrupt": "false", "a": "b"}
    made = spec(annotations=mine)
    driver = made["driver"]["template"]["metadata"]["annotations"]
    assert driver["yunikorn.apache.org/queue"] == "root.tier1.ads"
    assert (driver["karpenter.sh/do-not-disrupt"], driver["a"]) == ("true", "b")


def test_what_moka_writes_leaves_a_job_the_room_that_its_budget_says():
    queue = "root." + ".".join(["q" * 62] * 3)
    fields = {
        "name": "n" * 200,
        "correlation_id": "\U0001f600" * 250,
        "driver": {"cores": 128, "memory": "1000g"},
        "executor": {"cores": 128, "memory": "1000g", "instances": 5000, "capacity": "spot"},
    }
    attempt = Attempt(JOB, 9999, "t" * 63, "o" * 250, queue, "arm64")
    cluster = replace(CLUSTER, zones=("z" * 63,))
    made = to_spark_application(attempt, request(**fields), cluster).manifest
    metadata = [made["metadata"], *(made["spec"][role]["template"]["metadata"] for role in ROLES)]
    for one in metadata:
        ours = sum(len(key.encode()) + len(value.encode()) for key, value in one["annotations"].items())
        assert ours + labels.MOST_ANNOTATION_BYTES <= MOST_ANNOTATION_BYTES
        assert all(len(value) <= 63 for value in one["labels"].values())
    assert len(made["metadata"]["name"]) <= MOST_NAME_LENGTH


@given(
    WISHES,
    st.sampled_from(sorted(queue.path for queue in POLICY.queues)),
    st.sampled_from(["3.5.9", "3.5", "4.0.1", "3.4.4", "3.3.4"]),
    st.sampled_from(["auto", "spark"]),
    st.sampled_from([None, "spot", "on_demand"]),
)
def test_what_the_policy_says_of_a_tenant_holds_whatever_its_jobs_ask_for(
    wish, queue, version, shuffle, capacity
):
    executor = wish.get("executor", {}) | {"capacity": capacity}
    made = translated(
        job(**wish | {"queue": queue, "spark_version": version, "shuffle": shuffle, "executor": executor})
    )
    manifest, spec = made.manifest, made.manifest["spec"]
    assert manifest["metadata"]["namespace"] == "spark-ads"
    assert [spec[role]["serviceAccount"] for role in ROLES] == ["ads-driver", "ads-executor"]
    assert spec["image"] in {
        image
        for one in POLICY.spark_versions
        if one.version.startswith(version)
        for image in one.images.values()
    }
    for role in ROLES:
        template = spec[role]["template"]
        assert template["metadata"]["annotations"]["yunikorn.apache.org/queue"] == queue
        assert spec["image"].split("@")[0].endswith(template["spec"]["nodeSelector"]["kubernetes.io/arch"])
    paths = [one.path for one in made.origins]
    assert len(paths) == len(set(paths))
    assert set(paths) == leaves(manifest)
    assert {one.source for one in made.origins} <= set(SOURCE_OF.values())
    read = sorted((one for one, _ in origins_of(manifest, made.layers())), key=lambda one: one.path)
    assert read == [replace(one, field=None) for one in made.origins]
