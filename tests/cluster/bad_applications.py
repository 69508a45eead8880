"""The bad inputs of the list as SparkApplications that somebody creates past Archer.

Each is a manifest that Archer rendered with one thing changed: with ``kubectl``, a caller who may create
SparkApplications could try it. An admission policy has to refuse every one, and the manifest as it was has to
pass.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.kept_conf import KEPT

Path = tuple[str | int, ...]
APPEND = "+"  # as a step of a path: one more item of a list


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a manifest: *value* is put at *path*."""

    number: str
    path: Path
    value: Any

    def __str__(self) -> str:
        return f"{self.number} {'.'.join(map(str, self.path))}"

    def of(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Copy *manifest* with the change in it; missing mappings and lists are made."""
        changed = copy.deepcopy(manifest)
        node: Any = changed
        for step, following in zip(self.path, self.path[1:], strict=False):
            made: Any = [] if following == APPEND or isinstance(following, int) else {}
            if isinstance(node, dict):
                node = node.setdefault(str(step), made)
            elif step == APPEND or (isinstance(step, int) and step >= len(node)):
                node.append(made)
                node = node[-1]
            else:
                node = node[step]
        last: Any = self.path[-1]
        if isinstance(node, list) and (last == APPEND or (isinstance(last, int) and last >= len(node))):
            node.append(self.value)
        else:
            node[last] = self.value
        return changed


def conf(number: str, key: str, value: str = "x") -> Change:
    """A key of sparkConf."""
    return Change(number, ("spec", "sparkConf", key), value)


def pod(number: str, *path: str | int, value: Any, role: str = "driver") -> Change:
    """A field of the spec of a role's pod template."""
    return Change(number, ("spec", role, "template", "spec", *path), value)


def container(number: str, *path: str | int, value: Any, role: str = "driver") -> Change:
    """A field of the first container of a role's pod template."""
    return pod(number, "containers", 0, *path, value=value, role=role)


IDENTITY = [
    Change("S01", ("metadata", "namespace"), "kube-system"),
    conf("B022", "spark.kubernetes.namespace", "default"),
    conf("B023", "spark.kubernetes.authenticate.driver.serviceAccountName", "admin"),
    conf("B025", "spark.kubernetes.authenticate.serviceAccountName"),
    Change("B026", ("spec", "driver", "serviceAccount"), "admin"),
    Change("B026", ("spec", "executor", "serviceAccount"), "admin"),
    pod("B026", "serviceAccountName", value="admin"),
    pod("B026", "serviceAccountName", value="admin", role="executor"),
    pod("B026", "automountServiceAccountToken", value=True, role="executor"),
    Change("B028", ("spec", "proxyUser"), "root"),
    conf("B029", "spark.submit.deployMode", "client"),
    Change("B029", ("spec", "mode"), "client"),
    Change("B029", ("spec", "restartPolicy", "type"), "Always"),
]
CONF = [
    *(conf(*one) for one in KEPT),
    conf("B089", "spark.jars", "s3a://mine/a.jar"),
    conf("S02", "spark.driver.extraClassPath", "/x"),
    conf("S02", "spark.plugins", "evil.Class"),
    conf("S02", "spark.driver.extraJavaOptions", "-javaagent:x.jar"),
    conf("S02", "spark.executor.extraJavaOptions", "-javaagent:x.jar"),
]
POD_SHAPE = [
    Change("B050", ("spec", "executor", "template", "spec", "volumes"), [{"name": "x", "emptyDir": {}}]),
    Change("B052", ("spec", "driver", "sidecars"), [{"name": "x", "image": "evil.io/x"}]),
    pod("B052", "containers", APPEND, value={"name": "x", "image": "evil.io/x"}),
    Change("B053", ("spec", "driver", "initContainers"), [{"name": "x", "image": "evil.io/x"}]),
    pod("B053", "initContainers", APPEND, value={"name": "x", "image": "evil.io/x"}),
    Change("B054", ("spec", "volumes"), [{"name": "x", "hostPath": {"path": "/"}}]),
    pod("B054", "volumes", APPEND, value={"name": "x", "hostPath": {"path": "/"}}),
    Change("B055", ("spec", "volumes"), [{"name": "x", "nfs": {"server": "x", "path": "/"}}]),
    pod("B055", "volumes", APPEND, value={"name": "x", "nfs": {"server": "x", "path": "/"}}),
    pod("B056", "volumes", APPEND, value={"name": "x", "csi": {"driver": "x"}}),
    Change("B058", ("spec", "driver", "volumeMounts"), [{"name": "x", "mountPath": "/"}]),
    container("B058", "volumeMounts", APPEND, value={"name": "x", "mountPath": "/"}),
    Change("B059", ("spec", "driver", "hostNetwork"), value=True),
    pod("B059", "hostNetwork", value=True),
    pod("B060", "hostPID", value=True, role="executor"),
    pod("B060", "hostIPC", value=True),
    pod("B060", "shareProcessNamespace", value=True),
    container(
        "B061",
        "env",
        APPEND,
        value={"name": "A", "valueFrom": {"secretKeyRef": {"name": "others", "key": "k"}}},
    ),
    Change("B061", ("spec", "driver", "envSecretKeyRefs"), {"A": {"name": "others", "key": "k"}}),
    container("B062", "envFrom", APPEND, value={"secretRef": {"name": "others"}}),
    Change("B062", ("spec", "driver", "envFrom"), [{"secretRef": {"name": "others"}}]),
    Change(
        "B062", ("spec", "driver", "secrets"), [{"name": "others", "path": "/s", "secretType": "Generic"}]
    ),
    container("B063", "securityContext", "privileged", value=True),
    container("B063", "securityContext", "allowPrivilegeEscalation", value=True),
    container("B064", "securityContext", "capabilities", value={"add": ["SYS_ADMIN"]}),
    Change("B064", ("spec", "driver", "securityContext"), {"capabilities": {"add": ["SYS_ADMIN"]}}),
    pod("B065", "securityContext", "runAsUser", value=0),
    container("B065", "securityContext", "runAsUser", value=0),
    Change("B065", ("spec", "driver", "podSecurityContext"), {"runAsUser": 0}),
    pod("B066", "hostAliases", APPEND, value={"ip": "10.0.0.1", "hostnames": ["x"]}),
    pod("B067", "dnsConfig", value={"nameservers": ["10.0.0.1"]}),
    Change("B067", ("spec", "driver", "dnsConfig"), {"nameservers": ["10.0.0.1"]}),
    container("B068", "lifecycle", value={"preStop": {"exec": {"command": ["sh"]}}}),
    Change("B068", ("spec", "driver", "lifecycle"), {"preStop": {"exec": {"command": ["sh"]}}}),
    container("B069", "command", value=["sh"]),
    container("B069", "ports", APPEND, value={"containerPort": 22, "hostPort": 22}),
    pod("B070", "priorityClassName", value="system-node-critical"),
    Change("B070", ("spec", "driver", "priorityClassName"), "system-node-critical"),
    pod("S03", "schedulerName", value="default-scheduler"),
    pod("S03", "nodeName", value="control-plane"),
    pod("S03", "tolerations", APPEND, value={"operator": "Exists"}),
]
FILES = [
    *(
        Change(number, ("spec", "mainApplicationFile"), text)
        for number, text in (
            ("B071", "file:///var/run/secrets/kubernetes.io/serviceaccount/token"),
            ("B073", "FILE:/x"),
            ("B074", "file:/x"),
            ("B075", "/etc/passwd"),
            ("B076", "local:////opt/%2e%2e/x"),
            ("B077", "s3a://other-tenant/x.jar"),
            ("B079", "s3://mine.evil.com/x"),
            ("B080", "http://169.254.169.254/latest/meta-data"),
            ("B082", "hdfs://nn/x"),
            ("B083", "jar:http://x!/y"),
            ("B085", "--master=k8s://x"),
        )
    ),
    Change("B086", ("spec", "deps", "jars"), ["s3a://mine/programs/a.jar,file:///x"]),
    Change("B088", ("spec", "deps", "archives"), ["s3a://mine/programs/a#../../x"]),
    Change("B071", ("spec", "deps", "files"), ["file:///var/run/secrets/token"]),
    Change("B077", ("spec", "deps", "pyFiles"), ["s3a://other-tenant/x.py"]),
    Change("B091", ("spec", "deps", "packages"), ["a:b"]),
    Change("B092", ("spec", "deps", "packages"), ["a:b:[1,)"]),
    Change("B094", ("spec", "deps", "repositories"), ["http://10.0.0.1/"]),
    Change("B095", ("spec", "sparkConfigMap"), "others"),
    Change("B095", ("spec", "hadoopConfigMap"), "others"),
]
JVM = [
    Change(number, ("spec", "driver", "javaOptions"), text)
    for number, text in (
        ("B097", "-javaagent:x.jar"),
        ("B098", "-agentlib:jdwp=transport=dt_socket"),
        ("B100", "-XX:OnOutOfMemoryError=sh"),
        ("B101", "-XX:Flags=/x"),
        ("B103", "-Xmx1t"),
        ("B104", "-Djava.security.manager="),
        ("S08", "-XX:+UseG1GC -javaagent:x.jar"),
    )
] + [
    Change("B097", ("spec", "executor", "javaOptions"), "-javaagent:x.jar"),
    Change("B106", ("spec", "hadoopConf"), {"fs.s3a.aws.credentials.provider": "evil.Class"}),
    conf("B106", "spark.hadoop.fs.s3a.aws.credentials.provider", "evil.Class"),
]
IMAGE = [
    *(
        Change(number, ("spec", "image"), text)
        for number, text in (
            ("B107", "evil.io/x"),
            ("B109", "registry.example.com@evil.io/x"),
            ("B110", "registry.example.com/../evil/x"),
            ("B112", "registry.example.com/mine/spark:latest"),
            ("B113", "registry.example.com/mine/spark@sha256:abc"),
            ("B115", "[::1]:5000/mine/spark"),
            ("B116", " registry.example.com/mine/spark"),
            ("B118", "registry.example.com/mine/" + "x" * 512),
        )
    ),
    Change("B107", ("spec", "driver", "image"), "evil.io/x"),
    Change("B107", ("spec", "executor", "image"), "evil.io/x"),
    container("B107", "image", value="evil.io/x"),
    Change("B043", ("spec", "imagePullSecrets"), ["others"]),
    pod("B043", "imagePullSecrets", value=[{"name": "others"}]),
]
METADATA = [
    Change(number, (*where, kind, key), value)
    for where in (("metadata",), ("spec", "driver", "template", "metadata"))
    for number, kind, key, value in (
        ("B119", "annotations", "yunikorn.apache.org/user.info", '{"user":"root"}'),
        ("B120", "annotations", "yunikorn.apache.org/queue", "root.other"),
        ("B121", "labels", "yunikorn.apache.org/app-id", "another"),
        ("B122", "labels", "app", "yunikorn"),
        ("B124", "labels", "queue", "root.other"),
        ("B127", "labels", "moka.dev/job-id", "j00000000000000000000000000"),
        ("B127", "labels", "moka.dev/tenant", "other"),
    )
] + [
    Change("B119", ("spec", "driver", "annotations"), {"yunikorn.apache.org/user.info": "x"}),
    Change("B122", ("spec", "driver", "labels"), {"app": "yunikorn"}),
    Change("B125", ("spec", "driver", "labels"), {"sparkoperator.k8s.io/app-name": "x"}),
    Change("B124", ("spec", "batchSchedulerOptions"), {"queue": "root.other"}),
    *(
        Change(
            number, ("spec", role, "template", "metadata", "annotations", "yunikorn.apache.org/queue"), text
        )
        for role in ("driver", "executor")
        for number, text in (
            ("B131", "root"),
            ("B133", "ROOT.Mine"),
            ("B134", "root.mine."),
            ("B136", "\uff52oot.mine"),
            ("B138", "root.other"),
        )
    ),
]
RESOURCES = [
    Change("B140", ("spec", "executor", "instances"), -1),
    Change("B142", ("spec", "executor", "instances"), 5001),
    Change("B143", ("spec", "driver", "memory"), "0"),
    Change("B145", ("spec", "driver", "memory"), "1e3g"),
    Change("B146", ("spec", "driver", "memory"), "9999999t"),
    Change("B148", ("spec", "driver", "memory"), "512mi"),
    Change("B149", ("spec", "driver", "cores"), 0),
    Change("B152", ("spec", "dynamicAllocation"), {"enabled": True, "maxExecutors": 10**9}),
]
ENVIRONMENT = [
    container("B154", "env", APPEND, value={"name": name, "value": "x"})
    for name in ("LD_PRELOAD", "SPARK_HOME", "AWS_ROLE_ARN")
] + [
    Change("B154", ("spec", "driver", "env"), [{"name": "LD_PRELOAD", "value": "x"}]),
    Change("B154", ("spec", "driver", "envVars"), {"LD_PRELOAD": "x"}),
]
CHANGES = [
    *IDENTITY,
    *CONF,
    *POD_SHAPE,
    *FILES,
    *JVM,
    *IMAGE,
    *METADATA,
    *RESOURCES,
    *ENVIRONMENT,
]
# Refused by Archer, but nothing for an admission policy: forms that Kubernetes itself refuses, and what
# reaches nobody but the job itself.
NOT_OF_OBJECTS = {
    "B128": "a label value of 64 characters is refused by Kubernetes in the pods' own metadata",
    "B130": "annotations above 256 KiB are refused by Kubernetes",
    "B137": "NUL is refused by Kubernetes",
    "B139": "no executors are legal for an object",
    "B151": "least above most fails in Spark and reaches nobody else",
    "B155": "a long value of the environment reaches nobody else",
}


def bad_applications(manifest: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each change by its name, and *manifest* with it."""
    for change in CHANGES:
        yield str(change), change.of(manifest)
