"""Jobs that break a rule, one case each: refused, the field named, nothing stored.

The numbers are those of the list of bad inputs that the project promises to refuse.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.rig import Rig, fields, job, problem
from tests.kept_conf import KEPT


def case(number: str, field: str, **given: Any) -> Any:
    return pytest.param(given, field, id=f"{number} {field}"[:60])


def conf(number: str, key: str, value: str = "x") -> Any:
    return pytest.param({"spark_conf": {key: value}}, f"spark_conf.{key}", id=f"{number} {key!r}"[:60])


def unknown(number: str, field: str, value: Any = "x") -> Any:
    """A field that is no field here: at the top, or of the driver."""
    head, dot, rest = field.partition(".")
    return pytest.param({head: {rest: value} if dot else value}, field, id=f"{number} {field}")


CONF = [
    *(conf(*one) for one in KEPT),
    conf("B021", "spark.kubernetes.namespace", "kube-system"),
    conf("B022", "spark.kubernetes.namespace", "default"),
    conf("B023", "spark.kubernetes.authenticate.driver.serviceAccountName", "admin"),
    conf("B025", "spark.kubernetes.authenticate.serviceAccountName"),
    conf("B029", "spark.submit.deployMode", "client"),
    conf("B049", "spark.user.a", "x\r--conf"),
    conf("B049", "spark.user.a", "x\0"),
    conf("B089", "spark.jars", "s3a://jobs/a.jar"),
    conf("B097", "spark.driver.extraJavaOptions", "-javaagent:x.jar"),
    conf("B098", "spark.executor.extraJavaOptions", "-agentlib:jdwp=transport=dt_socket"),
    conf("B100", "spark.driver.defaultJavaOptions", "-XX:OnOutOfMemoryError=sh"),
    conf("B101", "spark.driver.extraJavaOptions", "-XX:Flags=/x"),
    conf("B103", "spark.executor.extraJavaOptions", "-Xmx1t"),
    conf("B104", "spark.driver.extraJavaOptions", "-Djava.security.manager="),
    conf("B106", "spark.hadoop.fs.s3a.aws.credentials.provider", "evil.Class"),
    conf("S21", "spark.plugins", "evil.Class"),
    conf("S21", "spark.extraListeners", "evil.Class"),
    conf("S21", "spark.sql.extensions", "evil.Class"),
    conf("S21", "spark.sql.catalog.x", "evil.Class"),
    conf("S21", "spark.shuffle.manager", "evil.Class"),
    conf("S21", "spark.shuffle.sort.io.plugin.class", "evil.Class"),
    conf("S21", "spark.ui.proxyBase", "http://evil"),
    conf("S21", "spark.driver.userClassPathFirst", "true"),
    conf("S21", "spark.redaction.regex", "x"),
    conf("S21", "spark.executor.memory", "900g"),
    conf("S21", "SPARK.USER.A"),
    conf("S21", "spark.user.ключ"),
    conf("S21", "spark.user." + "x" * 201),
    conf("S21", ""),
    case("B155", "spark_conf.spark.user.a", spark_conf={"spark.user.a": "x" * 32_769}),
    case("conf", "spark_conf.spark.user.a", spark_conf={"spark.user.a": 1}),
    case("conf", "spark_conf.spark.user.a", spark_conf={"spark.user.a": None}),
    case("conf", "spark_conf", spark_conf=[]),
    case("conf", "spark_conf", spark_conf={f"spark.user.k{n}": "" for n in range(301)}),
]
POD_SHAPE = [
    unknown("B026", "driver.service_account", "admin"),
    unknown("B026", "driver.serviceAccount", "admin"),
    unknown("B028", "proxy_user"),
    unknown("B028", "proxyUser"),
    unknown("B050", "driver.template", {"spec": {}}),
    unknown("B050", "executor.template", {"spec": {}}),
    unknown("B052", "driver.sidecars", []),
    unknown("B053", "driver.initContainers", []),
    unknown("B055", "volumes", [{"name": "x", "nfs": {"server": "x", "path": "/"}}]),
    unknown("B056", "driver.volumes", [{"name": "x", "csi": {"driver": "x"}}]),
    unknown("B058", "driver.volumeMounts", [{"name": "x", "mountPath": "/"}]),
    unknown("B059", "driver.hostNetwork", value=True),
    unknown("B062", "driver.envFrom", [{"secretRef": {"name": "x"}}]),
    unknown("B064", "driver.securityContext", {"capabilities": {"add": ["SYS_ADMIN"]}}),
    unknown("B065", "driver.podSecurityContext", {"runAsUser": 0}),
    unknown("B067", "driver.dnsConfig", {"nameservers": ["10.0.0.1"]}),
    unknown("B068", "driver.lifecycle", {"preStop": {"exec": {"command": ["sh"]}}}),
    unknown("B070", "priorityClassName", "system-node-critical"),
    unknown("B070", "priority_class_name", "system-node-critical"),
    unknown("B106", "hadoopConf", {"fs.s3a.aws.credentials.provider": "evil.Class"}),
    unknown("B106", "hadoop_conf", {}),
    unknown("B097", "driver.javaOptions", "-javaagent:x.jar"),
    unknown("B113", "driver.image", "ok.registry/x@sha256:abc"),
    unknown("B118", "executor.image", "x" * 512),
    unknown("B112", "imagePullPolicy", "Always"),
    unknown("B043", "imagePullSecrets", ["x"]),
    unknown("B130", "driver.annotations", {"x": "y"}),
    unknown("B127", "driver.labels", {"moka/job-id": "x"}),
    unknown("B094", "deps.repositories", ["http://10.0.0.1/"]),
    unknown("S01", "namespace", "kube-system"),
    unknown("S01", "cluster", "other"),
    unknown("S01", "owner", "somebody"),
    unknown("S01", "id", "j00000000000000000000000000"),
    unknown("S01", "state", "succeeded"),
    unknown("S01", "__proto__", {}),
    unknown("S01", "mainApplicationFile", "s3a://jobs/a.py"),
    unknown("S01", "Name", "x"),
    unknown("S01", "retry.max_attempt", 1),
    unknown("S01", "dynamic_allocation.maxExecutors", 1),
]
ENV = [
    case("B061", "env.A", env={"A": {"valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}}}),
    case("B061", "env", env=[{"name": "A", "value": "x"}]),
    *(
        case("B154", f"env.{name}", env={name: "x"})
        for name in (
            "LD_PRELOAD",
            "SPARK_HOME",
            "AWS_ROLE_ARN",
            "JAVA_TOOL_OPTIONS",
            "_JAVA_OPTIONS",
            "PYTHONPATH",
            "PATH",
            "HOME",
            "KUBERNETES_SERVICE_HOST",
            "HADOOP_CONF_DIR",
            "MOKA_X",
            "CLASSPATH",
            "BASH_ENV",
        )
    ),
    case("B155", "env.A", env={"A": "x" * 33 * 1024}),
    case("B153", "env.A B", env={"A B": "x"}),
    case("B153", "env.1A", env={"1A": "x"}),
    case("B153", "env.", env={"": "x"}),
    case("B153", "env.A=B", env={"A=B": "x"}),
    case("B153", "env.A\0", env={"A\0": "x"}),
    case("B016", "env.A", env={"A": "\0"}),
    case("B016", "env.A", env={"A": "\x1b[2J"}),
    case("env", "env.A", env={"A": None}),
    case("env", "env", env={f"A{n}": "" for n in range(201)}),
]
MEMORY = {"1e3g": "B145", "9999999t": "B146", "512mi": "B148"}
RESOURCES = [
    case("B139", "executor.instances", executor={"instances": 0}),
    case("B140", "executor.instances", executor={"instances": -1}),
    case("B141", "executor.instances", executor={"instances": 1.5}),
    case("B142", "executor.instances", executor={"instances": 5001}),
    case("B013", "executor.instances", executor={"instances": 2**63}),
    case("B013", "executor.instances", executor={"instances": -(2**63)}),
    case("B013", "executor.instances", executor={"instances": 10**40}),
    case("types", "executor.instances", executor={"instances": "2"}),
    case("types", "executor.instances", executor={"instances": True}),
    case("types", "executor.instances", executor={"instances": None}),
    case("types", "executor", executor=None),
    case("types", "executor", executor=[]),
    *(
        case(MEMORY.get(text, "B143"), "driver.memory", driver={"memory": text})
        for text in (
            "0",
            "0g",
            "-1g",
            "1e3g",
            "9999999t",
            "512mi",
            "512Mi",
            "1.5g",
            "g",
            "",
            " 1g",
            "1g ",
            "1G",
            "4",
            "4e",
            "٤g",
            "1g\n",
            "1000000000g",
            "5t",
        )
    ),
    case("types", "driver.memory", driver={"memory": 4}),
    case("B147", "executor.memory_overhead", executor={"memory_overhead": "0m"}),
    case("B149", "driver.cores", driver={"cores": 0.0001}),
    case("B149", "driver.cores", driver={"cores": 0}),
    case("B149", "executor.cores", executor={"cores": 129}),
    case("types", "executor.cores", executor={"cores": "1"}),
    case(
        "B151",
        "dynamic_allocation.min_executors",
        dynamic_allocation={"min_executors": 5, "max_executors": 2},
    ),
    case(
        "B151",
        "dynamic_allocation.initial_executors",
        dynamic_allocation={"initial_executors": 5, "max_executors": 2},
    ),
    case(
        "B152",
        "dynamic_allocation.max_executors",
        dynamic_allocation={"max_executors": 10**9},
        executor={"instances": 1},
    ),
    case("B152", "dynamic_allocation.max_executors", dynamic_allocation={}),
    case("bounds", "priority", priority=101),
    case("bounds", "priority", priority=-1),
    case("B013", "priority", priority=2**63),
    case("types", "priority", priority="50"),
    case("types", "priority", priority=50.0),
    case("types", "priority", priority=None),
    case("bounds", "timeout_seconds", timeout_seconds=0),
    case("bounds", "timeout_seconds", timeout_seconds=14 * 24 * 3600 + 1),
    case("B013", "timeout_seconds", timeout_seconds=2**63),
    case("bounds", "retry.max_attempts", retry={"max_attempts": 11}),
    case("bounds", "retry.max_attempts", retry={"max_attempts": 0}),
    case("bounds", "retry.on.0", retry={"on": ["everything"]}),
    case("bounds", "retry.backoff_seconds", retry={"backoff_seconds": 3601}),
]


@pytest.mark.parametrize(("given", "field"), CONF)
async def test_a_conf_key_of_the_platform_is_refused(shared: Rig, given: dict[str, Any], field: str):
    await refused(shared, given, field)


@pytest.mark.parametrize(("given", "field"), POD_SHAPE)
async def test_a_field_that_would_shape_a_pod_is_unknown(shared: Rig, given: dict[str, Any], field: str):
    found = await refused(shared, given, field)
    assert [fault["rule"] for fault in found["errors"] if fault["field"] == field] == ["extra_forbidden"]


@pytest.mark.parametrize(("given", "field"), ENV)
async def test_an_environment_that_would_load_other_code_is_refused(
    shared: Rig, given: dict[str, Any], field: str
):
    await refused(shared, given, field)


@pytest.mark.parametrize(("given", "field"), RESOURCES)
async def test_resources_out_of_bounds_are_refused(shared: Rig, given: dict[str, Any], field: str):
    await refused(shared, given, field)


async def refused(rig: Rig, given: dict[str, Any], field: str) -> dict[str, Any]:
    """Submit what must be refused with *field* named, and show that only the audit has a row of it."""
    before = await rig.counts()
    answer = await rig.client.post("/v1/jobs", json=job(**given))
    found = problem(answer, 422, "invalid-job")
    assert field[:200] in fields(found)
    assert await rig.counts() == before
    assert await rig.denied(answer) == ["invalid-job"]
    return found
