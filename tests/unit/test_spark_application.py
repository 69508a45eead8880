"""A request to a SparkApplication: whole manifests, each field with its origin, the same bytes every time.

The files in ``goldens/`` are read by people: change one only with the reason for it. A failing test prints
the manifest that was made.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from archer.domain.cluster import S3Server
from archer.translate import names
from archer.translate.spark import Attempt, Rendered, to_spark_application
from tests.builders import profile, request

GOLDENS = Path(__file__).parent / "goldens"
JOB = "j01k8yb3m2e7v8t9x0c1d2f3g4h5"
CLUSTER = profile(
    "arm-use1-a",
    namespace="spark-ads",
    service_account="spark-ads",
    image="registry.example/spark:3.5.9",
    event_log="s3a://spark-logs/events",
    spark_conf={"spark.sql.shuffle.partitions": "200"},
)
ON_PREMISES = profile(
    "onprem",
    namespace="spark-ads",
    image="registry.example/spark:3.5.9",
    secrets=("s3-keys",),
    millicores_per_core=500,
    pod_security="baseline",
    event_log="s3a://spark-logs/events",
    event_log_rolling=False,
    s3=S3Server("http://s3.example:7070"),
    metastore="thrift://metastore:9083",
    spark_conf={"spark.memory.offHeap.enabled": "true", "spark.memory.offHeap.size": "512m"},
)
JAVA = {"type": "java", "main_application_file": "s3a://jars/etl.jar", "main_class": "com.example.Etl"}
REQUESTS = {
    "python": request(
        arguments=["--date", "2026-11-22"],
        env={"STAGE": "prod"},
        labels={"team": "ads"},
        correlation_id="dag/run/task/-1",
        spark_conf={"spark.sql.shuffle.partitions": "64"},
    ),
    "java": request(
        **JAVA,
        driver={"cores": 2, "memory": "4g", "memory_overhead": "1g"},
        executor={"cores": 4, "memory": "16g", "instances": 20},
        deps={"jars": ["s3a://jars/a.jar"], "files": ["s3a://conf/x.json"], "packages": ["org.x:y_2.12:1.0"]},
    ),
    "sql": request(
        type="sql", main_application_file=None, sql="select 1;\nselect 2", arguments=["day=2026-11-22"]
    ),
    "dynamic": request(
        executor={"cores": 2, "memory": "4g"},
        dynamic_allocation={"min_executors": 2, "initial_executors": 5, "max_executors": 50},
    ),
    "onprem": request(
        executor={"cores": 3, "memory": "4g"}, env={"STAGE": "prod"}, dynamic_allocation={"max_executors": 50}
    ),
}
CLUSTERS = {"onprem": ON_PREMISES}


def attempt(**fields) -> Attempt:
    return Attempt(
        **(
            {
                "job_id": JOB,
                "number": 1,
                "tenant": "ads",
                "owner": "amara",
                "queue": "root.ads.tier1",
                "arch": "arm64",
            }
            | fields
        )
    )


def leaves(node: object, path: str = "") -> set[str]:
    """JSON pointers of everything that is not a mapping; a list is one value."""
    if not isinstance(node, dict):
        return {path}
    steps = {key: key.replace("~", "~0").replace("/", "~1") for key in node}
    return {leaf for key, child in node.items() for leaf in leaves(child, f"{path}/{steps[key]}")}


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_the_whole_manifest(name):
    made = to_spark_application(attempt(), REQUESTS[name], CLUSTERS.get(name, CLUSTER)).manifest
    assert made == yaml.safe_load((GOLDENS / f"{name}.yaml").read_text()), yaml.safe_dump(
        made, sort_keys=False
    )


SIZES = st.fixed_dictionaries(
    {"cores": st.integers(1, 128), "memory": st.sampled_from(["512m", "1g", "64g"])}
)
WISHES = st.fixed_dictionaries(
    {},
    optional={
        "driver": SIZES,
        "executor": SIZES,
        "arguments": st.lists(
            st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f")),
            max_size=3,
        ),
        "env": st.dictionaries(st.from_regex(r"X[A-Z]{1,5}\Z"), st.just("v"), max_size=3),
        "labels": st.dictionaries(st.from_regex(r"x[a-z]{1,5}\Z"), st.just("v"), max_size=3),
        "spark_conf": st.dictionaries(
            st.from_regex(r"spark\.user\.[a-z./]{1,5}\Z"), st.just("v"), max_size=3
        ),
        "deps": st.fixed_dictionaries({"jars": st.lists(st.just("s3a://a/b.jar"), max_size=2)}),
        "dynamic_allocation": st.builds(
            lambda on, least: {"enabled": on, "min_executors": least, "max_executors": 9},
            st.booleans(),
            st.integers(0, 9),
        ),
        "correlation_id": st.just("c"),
    },
)


def rendered(wish, **fields) -> Rendered:
    return to_spark_application(attempt(**fields), request(**wish), CLUSTER)


@given(WISHES, st.sampled_from([{}, JAVA, {"type": "sql", "main_application_file": None, "sql": "select 1"}]))
def test_every_field_has_one_origin_and_every_origin_a_field(wish, program):
    made = rendered(wish | program)
    paths = [origin.path for origin in made.origins]
    assert len(paths) == len(set(paths))
    assert set(paths) == leaves(made.manifest)
    assert all(
        origin.source in ("platform", "cluster", "request", "derived", "default") for origin in made.origins
    )


@given(WISHES)
def test_the_same_input_gives_the_same_bytes(wish):
    assert json.dumps(rendered(wish).manifest) == json.dumps(rendered(wish).manifest)
    assert rendered(wish).spec_sha256 == rendered(dict(reversed(wish.items()))).spec_sha256


def test_another_spec_has_another_hash():
    hashes = {to_spark_application(attempt(), wanted, CLUSTER).spec_sha256 for wanted in REQUESTS.values()}
    assert len(hashes) == len(REQUESTS)


def test_the_platforms_labels_are_the_same_on_the_object_and_on_both_pods():
    made = rendered({}).manifest
    wanted = {
        names.JOB_ID: JOB,
        names.ATTEMPT: "1",
        names.TENANT: "ads",
        "yunikorn.apache.org/app-id": f"{JOB}-1",
        "yunikorn.apache.org/queue": "root.ads.tier1",
    }
    assert made["metadata"]["labels"] == wanted
    for role in ("driver", "executor"):
        assert made["spec"][role]["template"]["metadata"]["labels"] == wanted


@pytest.mark.parametrize("queue", ["root." + ".".join(["abcdefghij"] * 6), "root.etl_", "root.etl-"])
def test_a_queue_path_that_is_no_label_stands_in_the_annotation(queue):
    made = rendered({}, queue=queue).manifest
    assert "yunikorn.apache.org/queue" not in made["metadata"]["labels"]
    template = made["spec"]["driver"]["template"]["metadata"]
    assert template["annotations"]["yunikorn.apache.org/queue"] == queue


def test_the_request_overrides_the_cluster_but_never_the_platform():
    wanted = request(spark_conf={"spark.sql.shuffle.partitions": "64", "spark.ui.killEnabled": "true"})
    made = to_spark_application(attempt(), wanted, CLUSTER)
    conf = made.manifest["spec"]["sparkConf"]
    assert (conf["spark.sql.shuffle.partitions"], conf["spark.ui.killEnabled"]) == ("64", "false")
    origin = next(o for o in made.origins if o.path.endswith("shuffle.partitions"))
    assert (origin.source, origin.field) == ("request", "spark_conf.spark.sql.shuffle.partitions")


def test_a_tenant_with_a_namespace_of_its_own_gets_it_from_the_cluster():
    cluster = replace(CLUSTER, namespaces={"ads": "ads-only"})
    for tenant, namespace in (("ads", "ads-only"), ("etl", "spark-ads")):
        made = to_spark_application(Attempt(JOB, 1, tenant, "amara", "root.etl", "arm64"), request(), cluster)
        assert made.manifest["metadata"]["namespace"] == namespace
        (origin,) = (origin for origin in made.origins if origin.path == "/metadata/namespace")
        assert origin.source == "cluster"


def test_only_archer_starts_attempts():
    for wanted in REQUESTS.values():
        spec = to_spark_application(attempt(), wanted, CLUSTER).manifest["spec"]
        assert spec["restartPolicy"] == {"type": "Never"}


def test_later_attempts_differ_by_name_only():
    one, two = (rendered({}, number=number).manifest for number in (1, 2))
    text = (
        json.dumps(one)
        .replace(f"{JOB}-1", f"{JOB}-2")
        .replace(f'"{names.ATTEMPT}": "1"', f'"{names.ATTEMPT}": "2"')
    )
    one = json.loads(text)
    one["metadata"]["annotations"][names.SPEC_SHA256] = two["metadata"]["annotations"][names.SPEC_SHA256]
    assert one == two
