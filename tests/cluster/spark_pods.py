"""The pods that Spark itself makes of a manifest: its own classes in a JVM, without a cluster.

What the operator does with a manifest is told here in a few lines: fields become sparkConf, templates files.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from pyspark.java_gateway import launch_gateway

from archer.clusters.local.java import find_java_home
from archer.translate import names

CONTAINERS = {"driver": names.DRIVER_CONTAINER, "executor": names.EXECUTOR_CONTAINER}
NOWHERE = "k8s://https://127.0.0.1:1"


@dataclass(frozen=True)
class Made:
    """What spark-submit and then the driver would create."""

    driver: dict[str, Any]
    executor: dict[str, Any]
    others: list[tuple[str, str]]


class SparkPods:
    """Spark's builders of pods. One JVM; used one after the other."""

    def __init__(self, gateway: Any, directory: Path) -> None:
        self._gateway, self._jvm, self._directory = gateway, gateway.jvm, directory
        fabric8 = self._jvm.io.fabric8.kubernetes.client
        config = fabric8.ConfigBuilder(fabric8.Config.empty()).build()
        self._client = fabric8.KubernetesClientBuilder().withConfig(config).build()

    def of(self, manifest: dict[str, Any]) -> Made:
        """Make the driver, what comes with it, and the first executor."""
        jvm, spec = self._jvm, manifest["spec"]
        conf = jvm.org.apache.spark.SparkConf(False)
        for key, value in self._conf(manifest).items():
            conf.set(key, value)
        k8s, none = jvm.org.apache.spark.deploy.k8s, jvm.scala.Option.apply(None)
        program = spec["mainApplicationFile"]
        if spec["type"] == "Python":
            resource = k8s.submit.PythonMainAppResource(program)
        else:
            resource = k8s.submit.JavaMainAppResource(jvm.scala.Option.apply(program))
        arguments = self._gateway.new_array(jvm.java.lang.String, 0)
        driver_conf = k8s.KubernetesDriverConf(conf, "spark-0", resource, "Main", arguments, none)
        built = k8s.submit.KubernetesDriverBuilder().buildFromFeatures(driver_conf, self._client)
        for entry in _each(built.systemProperties()):
            if "podTemplateFile" not in entry._1():  # names a path inside of the driver
                conf.set(entry._1(), entry._2())
        others = [
            (one.getKind(), one.getMetadata().getName()) for one in _each(built.driverKubernetesResources())
        ]
        return Made(self._pod(built.pod()), self._executor(conf), others)

    def _conf(self, manifest: dict[str, Any]) -> dict[str, str]:
        """The operator's translation, as far as it concerns pods. Source: its ``submission.go``."""
        spec, name = manifest["spec"], manifest["metadata"]["name"]
        conf = {
            "spark.app.name": name,
            "spark.master": NOWHERE,
            "spark.submit.deployMode": "cluster",
            "spark.kubernetes.driver.pod.name": f"{name}-driver",
            "spark.kubernetes.namespace": manifest["metadata"]["namespace"],
            "spark.kubernetes.container.image": spec["image"],
            **spec["sparkConf"],
        }
        for role, container in CONTAINERS.items():
            given = spec[role]
            file = self._directory / f"{name}-{role}.yaml"
            file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", **given["template"]}))
            conf |= {
                f"spark.kubernetes.{role}.podTemplateFile": str(file),
                f"spark.kubernetes.{role}.podTemplateContainerName": container,
                f"spark.kubernetes.authenticate.{role}.serviceAccountName": given["serviceAccount"],
                f"spark.{role}.cores": str(given["cores"]),
                f"spark.{role}.memory": given["memory"],
            }
            if "coreRequest" in given:
                conf[f"spark.kubernetes.{role}.request.cores"] = given["coreRequest"]
            if "memoryOverhead" in given:
                conf[f"spark.{role}.memoryOverhead"] = given["memoryOverhead"]
        return conf

    def _executor(self, conf: Any) -> dict[str, Any]:
        spark = self._jvm.org.apache.spark
        none = self._jvm.scala.Option.apply(None)
        no_secret = getattr(spark.SecurityManager, "$lessinit$greater$default$3")()
        profiles = getattr(getattr(spark.resource, "ResourceProfile$"), "MODULE$")
        profiles.clearDefaultProfile()  # of the last manifest
        profile = profiles.getOrCreateDefaultProfile(conf)
        built = spark.scheduler.cluster.k8s.KubernetesExecutorBuilder().buildFromFeatures(
            spark.deploy.k8s.KubernetesExecutorConf(conf, "spark-0", "1", none, 0),
            spark.SecurityManager(conf, none, no_secret),
            self._client,
            profile,
        )
        return self._pod(built.pod())

    def _pod(self, made: Any) -> dict[str, Any]:
        as_json = self._jvm.io.fabric8.kubernetes.client.utils.Serialization.asJson
        pod = json.loads(as_json(made.pod()))
        pod["spec"].setdefault("containers", []).append(json.loads(as_json(made.container())))
        return pod


@contextlib.contextmanager
def spark_pods(directory: Path) -> Iterator[SparkPods]:
    """Start Spark's JVM for as long as the block runs."""
    environment = {"JAVA_HOME": str(find_java_home()), "SPARK_LOCAL_IP": "127.0.0.1"}
    with mock.patch.dict(os.environ, environment):
        gateway = launch_gateway()
    try:
        yield SparkPods(gateway, directory)
    finally:
        process: Any = gateway.proc
        gateway.shutdown()
        process.stdin.close()  # what the JVM waits on
        process.wait(60)


def _each(scala: Any) -> Iterator[Any]:
    iterator = scala.iterator()
    while iterator.hasNext():
        yield iterator.next()
