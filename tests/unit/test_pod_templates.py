"""Both pod templates: rights, environment, gang, and names and annotations that Kubernetes takes."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archer.domain.request import MAX_CORES, MAX_EXECUTORS, QUEUE_FORM, TENANT_FORM
from archer.translate.spark import to_spark_application
from tests.builders import profile, request
from tests.unit.test_spark_application import attempt

ROLES = ("driver", "executor")
# Source: Kubernetes apimachinery, validation: labels 63 characters, annotations of an object 256 KiB.
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
MAX_ANNOTATIONS_BYTES = 256 * 1024
NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")  # DNS-1035, which the operator asks for


def templates(wanted=None, cluster=None, **fields) -> dict[str, dict]:
    spec = to_spark_application(attempt(**fields), wanted or request(), cluster or profile()).manifest["spec"]
    return {role: spec[role]["template"] for role in ROLES}


def container(template: dict) -> dict:
    (only,) = template["spec"]["containers"]
    return only


@pytest.mark.parametrize("role", ROLES)
def test_pods_meet_the_restricted_standard_unless_told_otherwise(role):
    template = templates()[role]
    assert template["spec"]["securityContext"] == {
        "seccompProfile": {"type": "RuntimeDefault"},
        "runAsNonRoot": True,
        "runAsUser": 185,
    }
    assert container(template)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("role", ROLES)
def test_an_image_may_have_another_user(role):
    assert templates(cluster=profile(run_as_user=1000))[role]["spec"]["securityContext"]["runAsUser"] == 1000


@pytest.mark.parametrize("role", ROLES)
def test_an_image_that_runs_as_root_gets_what_baseline_allows(role):
    template = templates(cluster=profile(pod_security="baseline"))[role]
    assert template["spec"]["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert container(template)["securityContext"] == {"allowPrivilegeEscalation": False}


def test_only_the_driver_may_talk_to_the_api_server():
    made = templates()
    assert {role: made[role]["spec"]["automountServiceAccountToken"] for role in ROLES} == {
        "driver": True,
        "executor": False,
    }


def test_only_the_driver_asks_to_stay_where_it_is():
    made = {role: template["metadata"]["annotations"] for role, template in templates().items()}
    stays = {
        "yunikorn.apache.org/allow-preemption": "false",
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "karpenter.sh/do-not-disrupt": "true",
    }
    assert stays.items() <= made["driver"].items()
    assert not stays.keys() & made["executor"].keys()


@pytest.mark.parametrize("role", ROLES)
def test_secrets_of_the_cluster_become_environment(role):
    given = container(templates(cluster=profile(secrets=("s3-keys", "metastore")))[role])
    assert given["envFrom"] == [{"secretRef": {"name": "s3-keys"}}, {"secretRef": {"name": "metastore"}}]
    assert "envFrom" not in container(templates()[role])


@pytest.mark.parametrize("role", ROLES)
def test_environment_of_the_job_is_in_both(role):
    given = container(templates(request(env={"STAGE": "prod"}))[role])
    assert given["env"] == [{"name": "STAGE", "value": "prod"}]


@pytest.mark.parametrize(("millicores", "asked"), [(1000, None), (500, "1"), (200, "400m")])
def test_a_share_of_a_core_is_asked_for_and_never_a_limit(millicores, asked):
    cluster = profile(millicores_per_core=millicores)
    spec = to_spark_application(attempt(), request(driver={"cores": 2}), cluster).manifest["spec"]
    assert spec["driver"].get("coreRequest") == asked
    for role in ROLES:
        assert "coreLimit" not in spec[role]
        assert spec[role]["cores"] >= 1  # how many tasks Spark runs at once is the job's, not the cluster's


def test_executors_are_of_no_group_that_does_not_exist():
    made = templates(request(dynamic_allocation={"max_executors": 9}))
    (group,) = json.loads(made["driver"]["metadata"]["annotations"]["yunikorn.apache.org/task-groups"])
    assert group["name"] == "driver"
    assert "yunikorn.apache.org/task-group-name" not in made["executor"]["metadata"]["annotations"]


SIZES = st.fixed_dictionaries(
    {
        "cores": st.integers(1, MAX_CORES),
        "memory": st.builds("{}{}".format, st.integers(1, 4096), st.sampled_from("mg")),
    },
    optional={"memory_overhead": st.builds("{}m".format, st.integers(1, 99999))},
)
DYNAMIC = st.none() | st.builds(
    lambda counts: dict(zip(("min_executors", "initial_executors", "max_executors"), counts, strict=True)),
    st.tuples(st.integers(0, 20), st.integers(0, 40), st.integers(40, MAX_EXECUTORS)),
)


@given(
    st.sampled_from(["python", "r"]),
    SIZES,
    SIZES,
    st.integers(1, MAX_EXECUTORS),
    DYNAMIC,
    st.integers(50, 1000),
)
def test_groups_are_valid_and_every_pod_is_of_one_that_exists(
    kind, driver, executor, instances, dynamic, millicores
):
    wanted = request(
        type=kind, driver=driver, executor=executor | {"instances": instances}, dynamic_allocation=dynamic
    )
    made = templates(wanted, profile(millicores_per_core=millicores))
    annotations = {role: made[role]["metadata"]["annotations"] for role in ROLES}
    groups = json.loads(annotations["driver"]["yunikorn.apache.org/task-groups"])
    names = [group["name"] for group in groups]
    assert len(names) == len(set(names))
    for group in groups:
        assert group["minMember"] >= 1
        assert re.fullmatch(r"[1-9][0-9]*m?", group["minResource"]["cpu"])
        assert re.fullmatch(r"[1-9][0-9]*Mi", group["minResource"]["memory"])
    assert annotations["driver"]["yunikorn.apache.org/task-group-name"] == "driver"
    assert annotations["executor"].get("yunikorn.apache.org/task-group-name") == (
        "executor" if "executor" in names else None
    )


LABELS = st.dictionaries(
    st.from_regex(r"x[-a-zA-Z0-9_.]{0,61}[a-z]", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9]{0,63}", fullmatch=True),
    max_size=32,
)


@given(
    st.from_regex(QUEUE_FORM, fullmatch=True).filter(lambda path: len(path) <= 200),
    st.from_regex(TENANT_FORM, fullmatch=True),
    st.integers(1, 9999),
    st.text(min_size=1, max_size=250),
    LABELS,
)
def test_names_labels_and_annotations_stay_within_their_bounds(queue, tenant, number, owner, labels):
    wanted = request(name="n" * 200, labels=labels, correlation_id="c" * 250)
    made = attempt(queue=queue, tenant=tenant, number=number, owner=owner)
    manifest = to_spark_application(made, wanted, profile()).manifest
    assert NAME.match(manifest["metadata"]["name"])
    assert len(manifest["metadata"]["name"]) <= 47  # spark.kubernetes.executor.podNamePrefix
    holders = [manifest, *(manifest["spec"][role]["template"] for role in ROLES)]
    for holder in holders:
        for key, value in holder["metadata"]["labels"].items():
            assert LABEL_KEY.match(key)
            assert LABEL_VALUE.match(value), key
        annotations = holder["metadata"]["annotations"]
        assert (
            sum(len(key) + len(value.encode()) for key, value in annotations.items()) < MAX_ANNOTATIONS_BYTES
        )
    for holder in holders[1:]:
        assert holder["metadata"]["annotations"]["yunikorn.apache.org/queue"] == queue
