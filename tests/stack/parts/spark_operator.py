"""The Spark operator, without its webhook: the pod templates of our manifests say everything themselves."""

from pathlib import Path

from tests.stack import kubeconfig
from tests.stack.build.binaries import binary
from tests.stack.build.spark import java_home, pyspark_home
from tests.stack.host.processes import start, wait
from tests.stack.layout import JOB_NAMESPACES, Cluster
from tests.stack.parts.answers import http_ok
from tests.stack.parts.control_plane import as_flags


def start_spark_operator(cluster: Cluster) -> None:
    health_port = cluster.controller_port + 10
    flags = {
        "namespaces": ",".join(JOB_NAMESPACES),
        "leader-election": "false",
        "enable-batch-scheduler": "true",
        "enable-ui-service": "true",
        "enable-metrics": "true",
        "metrics-bind-address": f"127.0.0.1:{health_port + 1}",
        "health-probe-bind-address": f"127.0.0.1:{health_port}",
        "workqueue-ratelimiter-bucket-qps": 50,
        "workqueue-ratelimiter-bucket-size": 500,
    }
    environment = {
        "KUBECONFIG": str(kubeconfig.of_part(cluster, "admin")),
        # It runs spark-submit, which takes the API server's address from where a pod would find it.
        "KUBERNETES_SERVICE_HOST": cluster.host,
        "KUBERNETES_SERVICE_PORT": str(cluster.api_port),
        "SPARK_HOME": str(pyspark_home()),
        "JAVA_HOME": str(java_home()),
        "SPARK_CONF_DIR": str(_empty_configuration(cluster)),
    }
    command = [binary("spark-operator"), "controller", "start", *as_flags(flags)]
    process = start(f"spark-operator-{cluster.name}", command, environment)
    ready = f"http://127.0.0.1:{health_port}/readyz"
    wait(f"the Spark operator of {cluster.name}", lambda: http_ok(ready), seconds=60, process=process)


def _empty_configuration(cluster: Cluster) -> Path:
    """A folder without settings, so that a developer's own Spark configuration never reaches a test."""
    directory = cluster.directory / "spark-conf"
    directory.mkdir(parents=True, exist_ok=True)
    return directory
