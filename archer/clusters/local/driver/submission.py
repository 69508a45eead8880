"""From a SparkApplication manifest to the spark-submit call of its driver. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from archer.clusters.local.driver.processes import MARKER
from archer.translate import names

PROGRAMS: Final = "local:///opt/moka/"
SPARK: Final = "local:///opt/spark/"
# Only sense on Kubernetes, or name classes that a plain Spark does not have.
NOT_HERE: Final = (
    "spark.kubernetes.",
    "spark.dynamicAllocation.",
    "spark.shuffle.manager",
    "spark.shuffle.service.",
    "spark.shuffle.sort.io.plugin.",
    "spark.celeborn.",
    "spark.executor.",
    "spark.driver.host",
    "spark.driver.port",
    "spark.driver.bindAddress",
    "spark.driver.blockManager.port",
    "spark.driver.memory",
    "spark.driver.cores",
    "spark.driver.extraJavaOptions",
    "spark.local.dir",
    "spark.master",
    "spark.submit.",
    "spark.app.name",
    "spark.jars.ivy",
)
DEPENDENCIES: Final = {
    "jars": "--jars",
    "files": "--files",
    "pyFiles": "--py-files",
    "archives": "--archives",
    "packages": "--packages",
    "excludePackages": "--exclude-packages",
    "repositories": "--repositories",
}
EVENT_LOG_DIR: Final = "spark.eventLog.dir"
# Jobs here are short: half of a driver's CPU time went into compiling for a long life that it never has.
# The job's own options come later, and win.
QUICK_START: Final = "-XX:TieredStopAtLevel=1"


@dataclass(frozen=True, slots=True)
class Places:
    """Where a driver finds things on this machine."""

    spark_home: Path
    drivers: Path
    events: Path
    conf: Path
    home: Path
    work: Path
    python: str
    search_path: str
    java_home: Path | None
    max_cores: int


@dataclass(frozen=True, slots=True)
class Order:
    """One driver to start."""

    argv: list[str]
    env: dict[str, str]


def order(resource: Mapping[str, Any], places: Places) -> Order:
    """Work out the command and the environment of an application's driver."""
    spec, metadata = resource["spec"], resource["metadata"]
    driver = spec.get("driver") or {}
    argv = [str(places.spark_home / "bin" / "spark-submit"), "--master", f"local[{cores(spec, places)}]"]
    argv += ["--name", (metadata.get("annotations") or {}).get(names.JOB_NAME) or metadata["name"]]
    argv += ["--driver-memory", str(driver.get("memory") or "1g").lower()]
    if spec.get("mainClass"):
        argv += ["--class", spec["mainClass"]]
    for key, value in conf(spec, places).items():
        argv += ["--conf", f"{key}={value}"]
    argv += _dependencies(spec.get("deps") or {}, places)
    argv.append(location(spec["mainApplicationFile"], places))
    argv += [str(argument) for argument in spec.get("arguments") or ()]
    return Order(argv, environment(spec, places, uid=metadata["uid"]))


def cores(spec: Mapping[str, Any], places: Places) -> int:
    """Threads of the local master: all cores that the job asked for, up to the bound."""
    driver, executor, dynamic = (spec.get(part) or {} for part in ("driver", "executor", "dynamicAllocation"))
    executors = int(executor.get("instances") or dynamic.get("maxExecutors") or 1)
    asked = int(driver.get("cores") or 1) + executors * int(executor.get("cores") or 1)
    return max(1, min(asked, places.max_cores))


def conf(spec: Mapping[str, Any], places: Places) -> dict[str, str]:
    """Spark configuration: ours as defaults, the manifest's, then what this machine needs."""
    asked = {key: str(value) for key, value in (spec.get("sparkConf") or {}).items()}
    asked |= {f"spark.hadoop.{key}": str(value) for key, value in (spec.get("hadoopConf") or {}).items()}
    scratch = f'-Djava.io.tmpdir="{places.work / "tmp"}"'
    options = [QUICK_START, scratch, asked.get("spark.driver.extraJavaOptions", "")]
    options.append((spec.get("driver") or {}).get("javaOptions") or "")
    kept = {key: value for key, value in asked.items() if not key.startswith(NOT_HERE)}
    # on by default: it is the only place where a local driver names its application id
    found = {"spark.ui.enabled": "false", "spark.eventLog.enabled": "true"} | kept
    if not found.get(EVENT_LOG_DIR, "").startswith("file:"):
        found[EVENT_LOG_DIR] = places.events.as_uri()
    return found | {
        "spark.eventLog.overwrite": "true",  # local ids are milliseconds; two drivers may meet
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.jars.ivy": str(places.home / ".ivy2"),
        "spark.driver.extraJavaOptions": " ".join(option for option in options if option),
    }


def environment(spec: Mapping[str, Any], places: Places, *, uid: str) -> dict[str, str]:
    """Environment of the driver: the job's own, under what Spark needs; nothing of Archer's."""
    driver = spec.get("driver") or {}
    containers = ((driver.get("template") or {}).get("spec") or {}).get("containers") or ()
    entries = list(driver.get("env") or ())
    for container in containers:
        if container.get("name") == names.DRIVER_CONTAINER:
            entries += container.get("env") or ()
    env = {entry["name"]: str(entry["value"]) for entry in entries if entry.get("value") is not None}
    env |= {
        "PATH": places.search_path,
        "HOME": str(places.home),
        "LANG": "C.UTF-8",
        "TMPDIR": str(places.work / "tmp"),
        "SPARK_HOME": str(places.spark_home),
        "SPARK_CONF_DIR": str(places.conf),
        "SPARK_LAUNCHER_OPTS": QUICK_START,
        "SPARK_LOCAL_DIRS": str(places.work / "tmp"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": places.python,
        "PYSPARK_DRIVER_PYTHON": places.python,
        MARKER: uid,
    }
    if places.java_home is not None:
        env["JAVA_HOME"] = str(places.java_home)
    return env


def location(text: str, places: Places) -> str:
    """Where a location of the image is on this machine; others stay as they are."""
    if text.startswith(PROGRAMS):
        return str(places.drivers / text.removeprefix(PROGRAMS))
    if text.startswith(SPARK):
        return str(places.spark_home / text.removeprefix(SPARK))
    return text.removeprefix("local://") if text.startswith("local:///") else text


def _dependencies(deps: Mapping[str, Any], places: Places) -> list[str]:
    argv: list[str] = []
    for field, flag in DEPENDENCIES.items():
        if deps.get(field):
            argv += [flag, ",".join(location(entry, places) for entry in deps[field])]
    return argv
