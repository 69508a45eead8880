"""Jobs that ask for more than a policy lets their tenant have: refused, the field named, nothing stored.

The numbers are those of the list of bad inputs that the project promises to refuse.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.rig import Rig, fields, job, problem
from tests.policies import DIGEST, IMAGE

MAIN = "main_application_file"
PLACES = [
    ("B071", "file:///var/run/secrets/kubernetes.io/serviceaccount/token"),
    ("B072", "file:///etc/passwd"),
    ("B073", "FILE:/x"),
    ("B074", "file:/x"),
    ("B075", "/etc/passwd"),
    ("B076", "local:////opt/%2e%2e/x"),
    ("B076", "local:///opt/../var/run/secrets/token"),
    ("B076", "local:///var/run/secrets/kubernetes.io/serviceaccount/token"),
    ("B076", "local:///opt"),
    ("B077", "s3a://other-tenant/x.jar"),
    ("B077", "s3a://mine/x.jar"),
    ("B077", "s3a://mine/programs"),
    ("B077", "s3a://mine/programs-of-others/x.jar"),
    ("B077", "s3a://mine/./x.jar"),
    ("B077", "s3a://mine/programs/../x.jar"),
    ("B077", "s3a://shared/./mine"),
    ("B079", "s3://mine.evil.com/x"),
    ("B079", "s3a://mine.evil.com/programs/x"),
    ("B080", "http://169.254.169.254/latest/meta-data"),
    ("B082", "hdfs://nn/x"),
    ("B083", "jar:http://x!/y"),
    ("B084", "--conf"),
    ("B085", "--master=k8s://x"),
    ("B086", "s3a://mine/programs/a.jar,file:///x"),
    ("B088", "s3a://mine/programs/a#../../x"),
]
DEPS = [
    ("B086", "deps.jars.0", {"jars": ["s3a://mine/programs/a.jar,file:///x"]}),
    ("B088", "deps.archives.0", {"archives": ["s3a://mine/programs/a#../../x"]}),
    ("B077", "deps.py_files.1", {"py_files": ["s3a://mine/programs/a.py", "s3a://other-tenant/b.py"]}),
    ("B071", "deps.files.0", {"files": ["file:///run/secrets/token"]}),
    ("B071", "deps.files.0", {"files": ["file:///jobs/data.csv"]}),
    ("B091", "deps.packages.0", {"packages": ["a:b"]}),
    ("B092", "deps.packages.0", {"packages": ["a:b:[1,)"]}),
    ("B093", "deps.packages.0", {"packages": ["..:..:.."]}),
    ("B094", "deps.repositories", {"repositories": ["http://10.0.0.1/"]}),
]
OPTIONS = [
    ("B097", "-javaagent:x.jar"),
    ("B098", "-agentlib:jdwp=transport=dt_socket,server=y"),
    ("B099", "-agentpath:/x.so"),
    ("B100", "-XX:OnOutOfMemoryError=sh"),
    ("B100", "-XX:OnError=sh"),
    ("B101", "-XX:Flags=/tmp/x"),
    ("B101", "-XX:VMOptionsFile=/tmp/x"),
    ("B101", "@/tmp/x"),
    ("B102", "-XX:+UnlockDiagnosticVMOptions"),
    ("B102", "-XX:+HeapDumpOnOutOfMemoryError"),
    ("B103", "-Xmx1t"),
    ("B103", "-Xms1g"),
    ("B103", "-XX:MaxRAMPercentage=90"),
    ("B103", "-XX:MaxHeapSize=1t"),
    ("B104", "-Djava.security.manager="),
    ("B104", "-Djava.security.policy=/x"),
    ("B105", "-Dlog4j2.configurationFile=http://evil/x.xml"),
    ("B105", "-Dcom.sun.management.jmxremote.port=9999"),
    ("B105", "-Duser.home=/x"),
    ("B105", "-Duser.name=root"),
    ("S08", "-XX:+UseG1GC -javaagent:x.jar"),
    ("S08", "-XX:+UseG1GC\n"),
    ("S08", '-Duser.timezone="UTC"'),
    ("S08", "-Duser.timezone=$(id)"),
    ("S08", "-cp"),
    ("S08", "-Xbootclasspath/a:x.jar"),
    ("S08", "--add-opens=java.base/java.lang=ALL-UNNAMED"),
    ("S08", "-Xlog:gc:file=/tmp/x"),
    ("S08", "-XX:MaxDirectMemorySize=999999999999g"),
]
IMAGES = [
    ("B107", f"evil.io/x@{DIGEST}"),
    ("B108", f"registry.example.com.evil.io/mine/spark@{DIGEST}"),
    ("B108", f"registry.example.com/mine-evil/spark@{DIGEST}"),
    ("B108", f"registry.example.com/other/spark@{DIGEST}"),
    ("B109", f"registry.example.com@evil.io/mine/spark@{DIGEST}"),
    ("B110", f"registry.example.com/mine/../evil/x@{DIGEST}"),
    ("B111", f"registry.example.com/MINE/spark@{DIGEST}"),
    ("B112", "registry.example.com/mine/spark:latest"),
    ("B112", "registry.example.com/mine/spark"),
    ("B113", "registry.example.com/mine/spark@sha256:abc"),
    ("B114", "registry.example.com/mine/spark@md5:" + "0" * 64),
    ("B115", f"[::1]:5000/mine/spark@{DIGEST}"),
    ("B116", f" {IMAGE}"),
    ("B117", f"{IMAGE}\n"),
    ("B117", f"mine/spark@{DIGEST}"),
    ("B118", f"registry.example.com/mine/{'x' * 512}"),
]
LABELS = [
    (number, f"{field}.{key}", {field: {key: value}})
    for field in ("labels", "annotations")
    for number, key, value in (
        ("B119", "yunikorn.apache.org/user.info", "x"),
        ("B120", "yunikorn.apache.org/queue", "root.other"),
        ("B121", "yunikorn.apache.org/app-id", "x"),
        ("B122", "app", "yunikorn"),
        ("B123", "applicationId", "x"),
        ("B124", "queue", "root.other"),
        ("B125", "sparkoperator.k8s.io/app-name", "x"),
        ("B126", "spark-role", "driver"),
        ("B127", "moka/job-id", "x"),
        ("B127", "moka.dev/job-id", "x"),
        ("S10", "app.kubernetes.io/name", "x"),
        ("S10", "kubernetes.io/arch", "amd64"),
        ("S10", "eks.amazonaws.com/role-arn", "x"),
        ("S10", "iam.amazonaws.com/role", "x"),
        ("S10", "karpenter.sh/do-not-disrupt", "false"),
        ("S10", "sidecar.istio.io/inject", "true"),
        ("S10", "vault.hashicorp.com/agent-inject", "true"),
    )
] + [
    ("B128", "labels.a", {"labels": {"a": "x" * 64}}),
    ("B129", "annotations.a", {"annotations": {"a": "\x1b[2J"}}),
    ("B129", "annotations.a", {"annotations": {"a": 1}}),
    ("B130", "annotations", {"annotations": {f"a{n}": "x" * 4000 for n in range(5)}}),
    ("B130", "annotations.a", {"annotations": {"a": "x" * 200_000}}),
]
QUEUES = [
    ("B131", "root"),
    ("B132", "root.mine"),
    ("B133", "ROOT.Mine"),
    ("B133", "root.mine.ETL"),
    ("B134", "root.mine.etl."),
    ("B135", "root..mine.etl"),
    ("B136", "\uff52oot.mine.etl"),
    ("B137", "root.mine.etl\0"),
    ("B138", "root.other"),
    ("B138", "root.mine.etl.below"),
    ("B138", "root.mine.et"),
]
SIZES = [
    ("B142", "executor.instances", {"executor": {"instances": 501}}),
    ("B152", "dynamic_allocation.max_executors", {"dynamic_allocation": {"max_executors": 101}}),
    (
        "B152",
        "executor.instances",
        {"dynamic_allocation": {"max_executors": 2}, "executor": {"instances": 101}},
    ),
    ("S12", "executor.instances", {"executor": {"instances": 100, "cores": 4}, "driver": {"cores": 1}}),
    ("S12", "executor.instances", {"executor": {"instances": 100, "memory": "10g"}}),
    ("S12", "driver.memory", {"driver": {"memory": "2t"}}),
    ("S12", "timeout_seconds", {"timeout_seconds": 86_401}),
    (
        "S12",
        "executor.instances",
        {
            "executor": {"instances": 90, "memory": "8g"},
            "spark_conf": {"spark.executor.memoryOverheadFactor": "9"},
        },
    ),
]
CHOICES = [
    ("tenant", {"tenant": "nobody", "queue": None}),
    ("tenant", {"tenant": "min"}),
    ("spark_version", {"spark_version": "3.5.8"}),
    ("spark_version", {"spark_version": "4"}),
    ("spark_version", {"spark_version": "3.4"}),
    ("arch", {"arch": "amd64"}),
    ("shuffle", {"shuffle": "celeborn"}),
    ("executor.capacity", {"queue": "root.mine.adhoc", "executor": {"capacity": "spot"}}),
]
SECRETS = [
    ("B153", "secrets.A", {"secrets": {"A": "of-another-tenant"}}),
    ("B153", "secrets.A", {"secrets": {"A": "DB"}}),
    ("B154", "secrets.LD_PRELOAD", {"secrets": {"LD_PRELOAD": "db"}}),
    ("B154", "secrets.AWS_ROLE_ARN", {"secrets": {"AWS_ROLE_ARN": "db"}}),
    ("B153", "secrets.A-B", {"secrets": {"A-B": "db"}}),
    ("B153", "secrets.A", {"secrets": {"A": "db"}, "env": {"A": "x"}}),
    ("B061", "secrets.A", {"secrets": {"A": {"secretKeyRef": {"name": "x", "key": "y"}}}}),
    ("B155", "env.A", {"env": {"A": "x" * 33 * 1024}}),
]
CONF = [
    ("S04", "spark.kubernetes.allocation.batch.size", "1000000"),
    ("S04", "spark.kubernetes.allocation.batch.sizes", "1"),
    ("S04", "spark.kubernetes.local.dirs.tmpfs", "yes"),
    ("B106", "spark.hadoop.fs.s3a.aws.credentials.provider", "evil.Class"),
    ("conf", "spark.serializer", "evil.Class"),
    ("conf", "spark.io.compression.codec", "evil.Class"),
    ("conf", "spark.sql.sources.commitProtocolClass", "evil.Class"),
    ("conf", "spark.sql.shuffle.partitions", "1e9"),
    ("conf", "spark.task.cpus", "0"),
    ("conf", "spark.memory.fraction", "2"),
    ("conf", "spark.serializers", "x"),
    ("conf", "spark.dynamicAllocation.shuffleTracking.enabled", "false"),
    ("conf", "spark.hadoop.fs.s3a.threads.maximum", "1"),
]


def ids(rows: list[Any]) -> list[str]:
    """`B077 s3a://...` of each row, in ASCII."""
    return [f"{row[0]} {row[1]!a}"[:70] for row in rows]


@pytest.mark.parametrize(("number", "text"), PLACES, ids=ids(PLACES))
async def test_a_program_lies_in_a_folder_of_its_tenant(governed: Rig, number: str, text: str):
    await refused(governed, {MAIN: text}, MAIN)


@pytest.mark.parametrize(("number", "field", "deps"), DEPS, ids=ids(DEPS))
async def test_dependencies_lie_there_too(governed: Rig, number: str, field: str, deps: dict[str, Any]):
    await refused(governed, {"deps": deps}, field)


@pytest.mark.parametrize("role", ["driver", "executor"])
@pytest.mark.parametrize(("number", "option"), OPTIONS, ids=ids(OPTIONS))
async def test_an_option_of_a_jvm_loads_and_runs_nothing(governed: Rig, number: str, option: str, role: str):
    given = {role: {"java_options": ["-XX:+UseG1GC", option]}}
    found = await refused(governed, given, f"{role}.java_options.1")
    if number == "B103":
        assert [fault["allowed"] for fault in found["errors"]] == [f"{role}.memory"]


@pytest.mark.parametrize(("number", "text"), IMAGES, ids=ids(IMAGES))
async def test_an_image_is_of_its_tenants_repositories_and_pinned(governed: Rig, number: str, text: str):
    await refused(governed, {"image": text}, "image")


@pytest.mark.parametrize(("number", "field", "given"), LABELS, ids=ids(LABELS))
async def test_a_label_or_annotation_tells_no_controller_anything(
    governed: Rig, number: str, field: str, given: dict[str, Any]
):
    await refused(governed, given, field)


@pytest.mark.parametrize(("number", "text"), QUEUES, ids=ids(QUEUES))
async def test_a_queue_is_exactly_one_of_its_tenants(governed: Rig, number: str, text: str):
    await refused(governed, {"queue": text}, "queue")


@pytest.mark.parametrize(("number", "field", "given"), SIZES, ids=ids(SIZES))
async def test_a_job_at_its_worst_stays_within_the_limits(
    governed: Rig, number: str, field: str, given: dict[str, Any]
):
    await refused(governed, given, field)


@pytest.mark.parametrize(("field", "given"), CHOICES, ids=[f"{f} {g}" for f, g in CHOICES])
async def test_what_the_policy_does_not_know_is_refused(governed: Rig, field: str, given: dict[str, Any]):
    await refused(governed, given, field)


@pytest.mark.parametrize(("number", "field", "given"), SECRETS, ids=ids(SECRETS))
async def test_a_secret_is_named_by_an_alias_of_its_tenant(
    governed: Rig, number: str, field: str, given: dict[str, Any]
):
    await refused(governed, given, field)


@pytest.mark.parametrize(("number", "key", "value"), CONF, ids=ids(CONF))
async def test_a_key_is_open_and_its_value_bounded(governed: Rig, number: str, key: str, value: str):
    await refused(governed, {"spark_conf": {key: value}}, f"spark_conf.{key}")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {MAIN: "s3a://shared/mine//./x.py#x.py"},
        {MAIN: "local:///opt/spark/examples/pi.py"},
        {"image": IMAGE},
        {"image": f"registry.example.com/mine/deeper/spark:1@{DIGEST}"},
        {"secrets": {"DB_PASSWORD": "db"}},
        {"labels": {"team": "x"}, "annotations": {"note": "what <b>people</b> write, äöü"}},
        {"executor": {"instances": 90, "cores": 4, "memory": "8g", "capacity": "spot"}, "arch": "arm64"},
        {
            "driver": {
                "java_options": ["-XX:+UseZGC", "-Xss4m", "-Duser.timezone=UTC", "-XX:MaxGCPauseMillis=200"]
            }
        },
        {"spark_conf": {"spark.hadoop.fs.s3a.threads.max": "64", "spark.sql.caseSensitive": "true"}},
        {
            "spark_conf": {
                "spark.hadoop.fs.s3a.readahead.range": "64k",
                "spark.kubernetes.memoryOverheadFactor": "0.2",
            }
        },
        {
            "spark_conf": {
                "spark.dynamicAllocation.executorIdleTimeout": "60s",
                "spark.speculation.quantile": "0.9",
            }
        },
        {
            "spark_version": "3.5",
            "deps": {"packages": ["org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.0"]},
        },
        {"timeout_seconds": 86_400, "queue": "root.mine.etl"},
    ],
    ids=str,
)
async def test_what_the_policy_allows_passes(governed: Rig, given: dict[str, Any]):
    answer = await governed.client.post("/v1/jobs:render", json=mine(**given))
    assert answer.status_code == 200, answer.text


async def test_faults_of_form_and_of_policy_come_back_in_one_answer(governed: Rig):
    given = {
        "queue": "root.mine.elt",
        "spark_version": "3.5.90",
        "spark_conf": {
            "spark.sql.shufle.partitions": "x",
            "spark.task.cpu": "1",
            "spark.executor.memory": "1g",
        },
        "executor": {"instance": 3, "memory": "0g"},
        "mainClass": "x",
        "env": {"LD_PRELOAD": "x"},
        "priority": "high",
        MAIN: "s3a://other-tenant/x.py",
    }
    found = await refused(governed, given, "queue")
    allowed = {fault["field"]: fault["allowed"] for fault in found["errors"]}
    assert allowed["queue"] == ["root.mine.etl", "root.mine.adhoc"]
    assert allowed["spark_version"] == ["3.5.9"]
    assert allowed["spark_conf.spark.sql.shufle.partitions"] == "spark.sql.shuffle.partitions"
    assert allowed["spark_conf.spark.task.cpu"] == "spark.task.cpus"
    assert allowed["spark_conf.spark.executor.memory"] == "executor.memory"
    assert allowed["executor.instance"] == "executor.instances"
    assert allowed["mainClass"] == "main_class"
    assert allowed[MAIN] == ["s3a://mine/programs/", "s3a://shared/mine/"]
    assert set(allowed) >= {"executor.memory", "env.LD_PRELOAD", "priority"}
    message = next(fault["message"] for fault in found["errors"] if fault["field"] == "queue")
    assert message.endswith("did you mean root.mine.etl?")


def mine(**given: Any) -> dict[str, Any]:
    """A job of the tenant `mine` that is accepted; *given* replaces or adds."""
    return job(**({"tenant": "mine", MAIN: "s3a://mine/programs/pi.py"} | given))


async def refused(rig: Rig, given: dict[str, Any], field: str) -> dict[str, Any]:
    """Submit what must be refused with *field* named, and show that only the audit has a row of it."""
    before = await rig.counts()
    answer = await rig.client.post("/v1/jobs", json=mine(**given))
    found = problem(answer, 422, "invalid-job")
    assert field[:200] in fields(found)
    assert await rig.counts() == before
    assert await rig.denied(answer) == ["invalid-job"]
    return found
