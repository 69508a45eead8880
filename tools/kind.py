"""Kubernetes in Docker for Moka: ``kind.py {up,down} [--print]``. Needs Docker, kind, kubectl and Helm 3.

Every step may be repeated; what is there already is left or brought up to date. All files of it are in
``.kind/``, a kubeconfig of its own among them: the one in the home folder is not touched. ``--print`` shows
the commands and runs none. KIND_CLUSTERS is how many clusters (1 to 3), KIND_NODE_IMAGE another node image.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = Path("examples/kind")  # everything runs at the root of the checkout, so that --print reads well
STATE = Path(".kind")
PYTHON = ".venv/bin/python"
IMAGE = "moka-spark:3.5.9"
SPARK_OPERATOR = ("spark-operator", "https://kubeflow.github.io/spark-operator", "2.5.0")
YUNIKORN = ("yunikorn", "https://apache.github.io/yunikorn-release", "1.8.0")
MAX_CLUSTERS = 3  # each takes about 2 GB of memory before a job runs
ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
HOW_TO_GET = {
    "docker": "https://docs.docker.com/get-started/get-docker/",
    "kind": "https://kind.sigs.k8s.io/docs/user/quick-start/",
    "kubectl": "https://kubernetes.io/docs/tasks/tools/",
    "helm": "https://helm.sh/docs/intro/install/",
}
MISSING = 2
NEXT = """
Moka's clusters run: {clusters}. Start Archer and Moka UI against them with

  {python} -m archer.dev --clusters {state}/clusters.yaml

and submit a job from another terminal:

  .venv/bin/moka submit --follow --queue root.tier2.etl local:///opt/moka/examples/pi.py 20

Look into a cluster:  kubectl --kubeconfig {state}/kubeconfig --context kind-{first} -n moka-jobs get pods
Remove all of it:     make kind-down
"""


class CannotRun(Exception):
    """Something is missing on this machine; the message is the one sentence that is shown."""


@dataclass(frozen=True)
class Step:
    """One command, and the question whose yes makes it unnecessary."""

    title: str
    command: Sequence[str]
    is_done: Callable[[], bool] = lambda: False


def main(arguments: Sequence[str]) -> int:
    """Do what *arguments* ask for; 0 when all is so."""
    words = [word for word in arguments if word != "--print"]
    if len(words) != 1 or words[0] not in ("up", "down"):
        sys.stderr.write("usage: kind.py {up,down} [--print]\n")
        return MISSING
    only_print = "--print" in arguments
    os.chdir(ROOT)
    try:
        clusters = names(os.environ)
        if not only_print:
            check_tools(["docker", "kind"] if words[0] == "down" else list(HOW_TO_GET))
        if words[0] == "down":
            run(down(clusters), only_print=only_print)
            remove_state(only_print=only_print)
            return 0
        write_files(clusters, only_print=only_print)
        run(up(clusters, os.environ), only_print=only_print)
        if not only_print:
            print(NEXT.format(clusters=", ".join(clusters), first=clusters[0], state=STATE, python=PYTHON))
    except CannotRun as missing:
        sys.stderr.write(f"moka: {missing}\n")
        return MISSING
    except subprocess.CalledProcessError as failed:
        sys.stderr.write(f"moka: this failed, see above: {shlex.join(map(str, failed.cmd))}\n")
        return 1
    return 0


def names(environment: Mapping[str, str]) -> list[str]:
    """Names of the clusters: moka, moka-2, moka-3."""
    wanted = environment.get("KIND_CLUSTERS", "1")
    if wanted not in map(str, range(1, MAX_CLUSTERS + 1)):
        raise CannotRun(f"KIND_CLUSTERS is {wanted!r}; it may be 1 to {MAX_CLUSTERS}")
    return ["moka", *(f"moka-{number}" for number in range(2, int(wanted) + 1))]


def check_tools(tools: Sequence[str]) -> None:
    """Raise when a program is missing, or Docker does not answer."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        where = "; ".join(f"{tool}: {HOW_TO_GET[tool]}" for tool in missing)
        needed = ", ".join(HOW_TO_GET)
        raise CannotRun(
            f"{' and '.join(missing)} cannot be found, and `make kind` needs all of {needed} ({where})"
        )
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False)
    except subprocess.TimeoutExpired:
        raise CannotRun("Docker did not answer within 30 s; is it starting?") from None
    if asked.returncode:
        raise CannotRun("Docker is installed, but its daemon does not answer; start it, then try again")


def up(clusters: Sequence[str], environment: Mapping[str, str]) -> Iterator[Step]:
    """Steps from a machine with Docker to clusters that run Spark jobs."""
    context = STATE / "image"
    yield Step("the image's files", [PYTHON, "-m", "tests.stack", "context", str(context)])
    # beside Archer's own driver of SQL jobs; so `local:///opt/moka/examples/pi.py` is there for trials
    yield Step("the examples", ["cp", "-R", "examples/jobs", str(context / "opt" / "examples")])
    yield Step("the bucket's maker", ["cp", str(FILES / "bucket.py"), str(context / "opt")])
    yield Step("the image of Spark", ["docker", "build", "--tag", IMAGE, str(context)])
    image = environment.get("KIND_NODE_IMAGE")
    for name in clusters:
        create = ["kind", "create", "cluster", "--name", name, "--config", str(FILES / "cluster.yaml")]
        create += ["--kubeconfig", str(STATE / "kubeconfig"), "--wait", "180s"]
        create += ["--image", image] if image else []
        yield Step(f"cluster {name}", create, lambda name=name: name in existing())
        # a cluster of an earlier run may have lost its entry with the folder
        export = ["kind", "export", "kubeconfig", "--name", name, "--kubeconfig", str(STATE / "kubeconfig")]
        yield Step(f"the way to {name}", export)
        yield Step(f"the image in {name}", ["kind", "load", "docker-image", IMAGE, "--name", name])
        yield from _parts(name)


def _parts(name: str) -> Iterator[Step]:
    for what, file in (("jobs", "jobs.yaml"), ("queues", "queues.yaml"), ("an S3 server", "s3.yaml")):
        yield Step(f"{what} in {name}", _kubectl(name, "apply", "-f", str(FILES / file)))
    yield Step(f"the keys of S3 in {name}", _kubectl(name, "apply", "-f", str(STATE / "keys.json")))
    for chart in (YUNIKORN, SPARK_OPERATOR):
        yield Step(f"{chart[0]} in {name}", _helm(name, *chart))
    wait = ["wait", "--namespace", "moka-s3", "--for=condition=complete", "--timeout=300s", "job/bucket"]
    yield Step(f"the bucket in {name}", _kubectl(name, *wait))


def down(clusters: Sequence[str]) -> Iterator[Step]:
    """Steps that remove the clusters; those of a larger KIND_CLUSTERS too."""
    for name in dict.fromkeys([*clusters, *names({"KIND_CLUSTERS": str(MAX_CLUSTERS)})]):
        delete = ["kind", "delete", "cluster", "--name", name, "--kubeconfig", str(STATE / "kubeconfig")]
        yield Step(f"cluster {name}", delete, lambda name=name: name not in existing())


def existing() -> list[str]:
    """Clusters of kind on this machine, Moka's and others."""
    asked = ["kind", "get", "clusters"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()


def _kubectl(name: str, *words: str) -> list[str]:
    return ["kubectl", "--kubeconfig", str(STATE / "kubeconfig"), "--context", f"kind-{name}", *words]


def _helm(name: str, chart: str, repository: str, version: str) -> list[str]:
    return [
        *("helm", "upgrade", "--install", chart, chart, "--repo", repository, "--version", version),
        *("--kubeconfig", str(STATE / "kubeconfig"), "--kube-context", f"kind-{name}"),
        *("--namespace", chart, "--create-namespace", "--values", str(FILES / f"{chart}.yaml")),
        *("--wait", "--timeout", "10m"),
    ]


def run(steps: Iterator[Step], *, only_print: bool) -> None:
    """Carry out steps one by one, or only show their commands."""
    for step in steps:
        if only_print:
            print(shlex.join(step.command))
        elif step.is_done():
            print(f"{step.title}: there already", flush=True)
        else:
            print(f"{step.title} …", flush=True)
            subprocess.run(step.command, check=True)


def write_files(clusters: Sequence[str], *, only_print: bool) -> None:
    """Write what the commands and Archer read: the keys of S3, kept if they are there, and clusters.yaml."""
    if only_print:
        print(f"# writes {STATE}/keys.json and {STATE}/clusters.yaml")
        return
    STATE.mkdir(exist_ok=True)
    shutil.rmtree(STATE / "image", ignore_errors=True)
    keys = STATE / "keys.json"
    if not keys.exists():
        keys.touch(mode=0o600)
        keys.write_text(
            json.dumps(key_secrets("moka" + secrets.token_hex(8), secrets.token_hex(20)), indent=1)
        )
    (STATE / "clusters.yaml").write_text(clusters_file(clusters))


def key_secrets(access_key: str, secret_key: str) -> dict[str, object]:
    """Manifests of one secret in the server's namespace and in that of the jobs."""
    data = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": data}
    places = ("moka-s3", "moka-jobs")
    items = [secret | {"metadata": {"name": "moka-s3", "namespace": place}} for place in places]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def clusters_file(clusters: Sequence[str]) -> str:
    """Text of the clusters file for Archer on this machine; its queues are those of queues.yaml."""
    entries = [
        {
            "name": name,
            "adapter": "kubernetes",
            "kubeconfig": str(ROOT / STATE / "kubeconfig"),
            "context": f"kind-{name}",
            "namespace": "moka-jobs",
            "service_account": "spark",
            "image": IMAGE,
            "image_pull_policy": "Never",
            "secrets": ["moka-s3"],
            "millicores_per_core": 250,
            "architectures": [ARCHITECTURES.get(platform.machine(), "amd64")],
            "spark_versions": [IMAGE.rpartition(":")[2]],
            "event_log": "s3a://moka/events",
            "s3": {"endpoint": "http://s3.moka-s3.svc:7070"},
        }
        for name in clusters
    ]
    queues = [
        {"path": path, "tier": tier}
        for path, tier in (
            ("root.default", 3),
            ("root.tier1.ads", 1),
            ("root.tier2.etl", 2),
            ("root.tier3.adhoc", 3),
        )
    ]
    document = json.dumps({"clusters": entries, "queues": queues}, indent=2)  # JSON is YAML
    return f"# Written by tools/kind.py at each `make kind`.\n{document}\n"


def remove_state(*, only_print: bool) -> None:
    """Remove the folder of files."""
    if only_print:
        print(f"rm -rf {STATE}")
    else:
        shutil.rmtree(STATE, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
