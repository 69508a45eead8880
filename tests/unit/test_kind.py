"""`make kind`, without Docker: what it would run, what it writes, and what it says when something is missing.

The programs are stubs that write down how they were called; the script, its files and its order are real.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from archer.domain.request import DEFAULT_SPARK_VERSION
from archer.settings import load_inventory

ROOT = Path(__file__).parents[2]
FILES = ROOT / "examples" / "kind"
TOOLS = ("docker", "kind", "kubectl", "helm")
STUB = """\
#!/bin/sh
echo "{tool} $*" >> "{calls}"
case "{tool} $1 $2" in
  "docker info ") exit {daemon};;
  "kind get clusters") cat "{clusters}";;
  "kind create cluster") echo "$4" >> "{clusters}";;
  "kind delete cluster") grep -v "^$4\\$" "{clusters}" > "{clusters}.new"; mv "{clusters}.new" "{clusters}";;
  "{fails}"*) exit 7;;
esac
"""
# The script itself needs these; nothing else of the machine is on its path.
OF_THE_MACHINE = ("cp", "cat", "grep", "mkdir", "mv", "sh", "touch")


class Checkout:
    """A copy of what the script reads, with stubs for the programs that it calls."""

    def __init__(
        self, root: Path, *, tools: tuple[str, ...] = TOOLS, daemon: int = 0, fails: str = "-"
    ) -> None:
        self.root, self.calls, self.clusters = root, root / "calls", root / "clusters"
        self.path = root / "bin"
        shutil.copytree(FILES, root / "examples" / "kind")
        shutil.copytree(ROOT / "examples" / "jobs", root / "examples" / "jobs")
        for folder in (root / "tools", self.path, root / ".venv" / "bin"):
            folder.mkdir(parents=True)
        shutil.copy(ROOT / "tools" / "kind.py", root / "tools")
        self.calls.touch()
        self.clusters.touch()
        for tool in tools:
            self._program(self.path / tool, tool, daemon, fails)
        # `-m tests.stack context FOLDER`
        python = root / ".venv" / "bin" / "python"
        python.write_text(f'#!/bin/sh\necho "python $*" >> "{self.calls}"\nmkdir -p "$4/opt"\n')
        python.chmod(0o755)
        for name in OF_THE_MACHINE:
            (self.path / name).symlink_to(shutil.which(name) or name)

    def _program(self, file: Path, tool: str, daemon: int, fails: str) -> None:
        places = {"calls": self.calls, "clusters": self.clusters}
        file.write_text(STUB.format(tool=tool, daemon=daemon, fails=fails, **places))
        file.chmod(0o755)

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(self.root / "tools" / "kind.py"), *words]
        return subprocess.run(
            command, env={"PATH": str(self.path), **environment}, capture_output=True, text=True, check=False
        )

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()


@pytest.mark.parametrize("missing", TOOLS)
def test_a_missing_program_is_one_sentence_and_exit_code_2(tmp_path, missing):
    there = tuple(tool for tool in TOOLS if tool != missing)
    ended = Checkout(tmp_path, tools=there).run("up")
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(
        f"moka: {missing} cannot be found, and `make kind` needs all of docker, kind, kubectl"
    )
    assert not (tmp_path / ".kind").exists()


def test_all_that_is_missing_is_told_at_once(tmp_path):
    ended = Checkout(tmp_path, tools=("kubectl",)).run("up")
    assert "docker and kind and helm cannot be found" in ended.stderr
    assert ended.stderr.count("https://") == 3


def test_a_docker_that_does_not_run_is_one_sentence_and_exit_code_2(tmp_path):
    checkout = Checkout(tmp_path, daemon=1)
    ended = checkout.run("up")
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert "its daemon does not answer" in line
    assert checkout.called() == ["docker info"]


@pytest.mark.parametrize("words", [[], ["sideways"], ["up", "down"]])
def test_what_it_does_not_know_is_told(tmp_path, words):
    ended = Checkout(tmp_path).run(*words)
    assert (ended.returncode, ended.stderr) == (2, "usage: kind.py {up,down} [--print]\n")


@pytest.mark.parametrize("number", ["0", "4", "two", "-1", ""])
def test_only_a_few_clusters_are_made(tmp_path, number):
    ended = Checkout(tmp_path).run("up", KIND_CLUSTERS=number)
    assert ended.returncode == 2
    assert f"KIND_CLUSTERS is {number!r}; it may be 1 to 3" in ended.stderr


KUBECTL = "kubectl --kubeconfig .kind/kubeconfig --context kind-{name}"
HELM = "--kubeconfig .kind/kubeconfig --kube-context kind-{name}"
IMAGE_COMMAND = "docker build --tag moka-spark:3.5.9 .kind/image"
CLUSTER_COMMANDS = f"""\
kind create cluster --name {{name}} --config examples/kind/cluster.yaml --kubeconfig .kind/kubeconfig \
--wait 180s
kind export kubeconfig --name {{name}} --kubeconfig .kind/kubeconfig
kind load docker-image moka-spark:3.5.9 --name {{name}}
{KUBECTL} apply -f examples/kind/jobs.yaml
{KUBECTL} apply -f examples/kind/queues.yaml
{KUBECTL} apply -f examples/kind/s3.yaml
{KUBECTL} apply -f .kind/keys.json
helm upgrade --install yunikorn yunikorn --repo https://apache.github.io/yunikorn-release --version 1.8.0 \
{HELM} --namespace yunikorn --create-namespace --values examples/kind/yunikorn.yaml --wait --timeout 10m
helm upgrade --install spark-operator spark-operator --repo https://kubeflow.github.io/spark-operator \
--version 2.5.0 {HELM} --namespace spark-operator --create-namespace \
--values examples/kind/spark-operator.yaml --wait --timeout 10m
{KUBECTL} wait --namespace moka-s3 --for=condition=complete --timeout=300s job/bucket
"""


def expected(*names: str) -> list[str]:
    each = (CLUSTER_COMMANDS.format(name=name).splitlines() for name in names)
    return [IMAGE_COMMAND, *(command for commands in each for command in commands)]


def of_programs(lines: list[str]) -> list[str]:
    """Calls that change something, of the programs that the test stands in for."""
    asked = ("docker info", "kind get clusters")
    return [line for line in lines if line.startswith(TOOLS) and line not in asked]


@pytest.mark.parametrize(("number", "names"), [("1", ["moka"]), ("2", ["moka", "moka-2"])])
def test_what_is_printed_is_what_is_run(tmp_path, number, names):
    checkout = Checkout(tmp_path)
    printed = checkout.run("up", "--print", KIND_CLUSTERS=number)
    assert printed.returncode == 0
    assert of_programs(printed.stdout.splitlines()) == expected(*names)
    assert checkout.called() == []
    assert not (tmp_path / ".kind").exists()
    ended = checkout.run("up", KIND_CLUSTERS=number)
    assert ended.returncode == 0, ended.stderr
    assert of_programs(checkout.called()) == expected(*names)


def test_printing_needs_no_program_at_all(tmp_path):
    assert Checkout(tmp_path, tools=()).run("up", "--print").returncode == 0


def test_the_end_says_how_to_go_on(tmp_path):
    ended = Checkout(tmp_path).run("up")
    assert ".venv/bin/python -m archer.dev --clusters .kind/clusters.yaml" in ended.stdout
    assert "moka submit --follow --queue root.tier2.etl local:///opt/moka/examples/pi.py" in ended.stdout
    assert (tmp_path / ".kind" / "image" / "opt" / "examples" / "pi.py").exists()
    assert (tmp_path / ".kind" / "image" / "opt" / "bucket.py").exists()


def test_a_second_time_leaves_cluster_and_keys_as_they_are(tmp_path):
    checkout = Checkout(tmp_path)
    assert checkout.run("up").returncode == 0
    keys = tmp_path / ".kind" / "keys.json"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    before = keys.read_text()
    checkout.calls.write_text("")
    again = checkout.run("up")
    assert again.returncode == 0, again.stderr
    assert "cluster moka: there already" in again.stdout
    assert of_programs(checkout.called()) == [
        line for line in expected("moka") if "create cluster" not in line
    ]
    assert keys.read_text() == before


def test_a_command_that_fails_is_named(tmp_path):
    ended = Checkout(tmp_path, fails="helm upgrade").run("up")
    assert ended.returncode == 1
    assert "moka: this failed, see above: helm upgrade --install yunikorn" in ended.stderr


def test_down_removes_what_up_made_and_nothing_else(tmp_path):
    checkout = Checkout(tmp_path)
    assert checkout.run("up", KIND_CLUSTERS="2").returncode == 0
    with checkout.clusters.open("a") as others:
        others.write("somebody-elses\n")
    assert checkout.run("down").returncode == 0
    assert checkout.clusters.read_text().split() == ["somebody-elses"]
    assert not (tmp_path / ".kind").exists()
    assert checkout.run("down").returncode == 0  # nothing is left to remove


def test_another_node_image_may_be_named(tmp_path):
    printed = Checkout(tmp_path).run("up", "--print", KIND_NODE_IMAGE="kindest/node:v1.33.4")
    assert "--wait 180s --image kindest/node:v1.33.4" in printed.stdout


# --- files -------------------------------------------------------------------------------------------------


def documents(name: str) -> list[dict]:
    return list(yaml.safe_load_all((FILES / name).read_text()))


def one(name: str, kind: str) -> dict:
    (found,) = [document for document in documents(name) if document["kind"] == kind]
    return found


def leaves(queue: dict, path: str = "") -> list[str]:
    whole = f"{path}.{queue['name']}" if path else queue["name"]
    children = [leaf for child in queue.get("queues", []) for leaf in leaves(child, whole)]
    return children or [whole]


def test_archer_reads_the_clusters_file_and_its_queues_are_yunikorns(tmp_path):
    assert Checkout(tmp_path).run("up", KIND_CLUSTERS="3").returncode == 0
    inventory = load_inventory(tmp_path / ".kind" / "clusters.yaml")
    assert [cluster.name for cluster in inventory.clusters] == ["moka", "moka-2", "moka-3"]
    assert [cluster.context for cluster in inventory.clusters] == ["kind-moka", "kind-moka-2", "kind-moka-3"]
    first = inventory.clusters[0]
    assert first.kubeconfig == tmp_path / ".kind" / "kubeconfig"
    queues = yaml.safe_load(one("queues.yaml", "ConfigMap")["data"]["queues.yaml"])
    assert leaves(queues["partitions"][0]["queues"][0]) == [queue.path for queue in inventory.queues]
    assert inventory.default_queue in [queue.path for queue in inventory.queues]
    # what it names is there
    account = one("jobs.yaml", "ServiceAccount")["metadata"]
    assert (first.namespace, first.service_account) == (account["namespace"], account["name"])
    service = one("s3.yaml", "Service")
    port = service["spec"]["ports"][0]["port"]
    assert first.s3 is not None
    assert first.s3.endpoint == f"http://s3.{service['metadata']['namespace']}.svc:{port}"
    keys = json.loads((tmp_path / ".kind" / "keys.json").read_text())["items"]
    assert [(key["metadata"]["namespace"], key["metadata"]["name"]) for key in keys] == [
        ("moka-s3", "moka-s3"),
        (first.namespace, first.secrets[0]),
    ]
    bucket, _, folder = first.event_log.removeprefix("s3a://").partition("/")
    made = one("s3.yaml", "Job")["spec"]["template"]["spec"]["containers"][0]
    assert made["command"][2:] == [first.s3.endpoint, bucket, f"{folder}/"]
    assert made["image"] == first.image == f"moka-spark:{DEFAULT_SPARK_VERSION}"


def test_what_the_charts_are_told_fits_what_else_is_there():
    operator = documents("spark-operator.yaml")[0]
    assert operator["webhook"] == {"enable": False}
    assert operator["spark"]["jobNamespaces"] == [one("jobs.yaml", "Namespace")["metadata"]["name"]]
    assert (
        operator["spark"]["serviceAccount"]["name"] == one("jobs.yaml", "ServiceAccount")["metadata"]["name"]
    )
    assert documents("yunikorn.yaml")[0]["embedAdmissionController"] is False
    assert documents("cluster.yaml")[0]["kind"] == "Cluster"


@pytest.mark.parametrize(
    ("tool", "module", "place", "written"),
    [
        ("spark-operator", "github.com/kubeflow/spark-operator/v2", ROOT / "tools" / "kind.py", '"2.5.0"'),
        ("yunikorn", "github.com/apache/yunikorn-k8shim", ROOT / "tools" / "kind.py", '"1.8.0"'),
        ("versitygw", "github.com/versity/versitygw", FILES / "s3.yaml", "versitygw:v1.8.0"),
    ],
)
def test_it_runs_the_versions_that_the_stack_tests(tool, module, place, written):
    pinned = re.search(
        rf"^(?:require|\t|\s)*{re.escape(module)} v(\S+)",
        (ROOT / "tools" / tool / "go.mod").read_text(),
        re.MULTILINE,
    )
    assert pinned is not None
    assert pinned[1] in written
    assert written in place.read_text()
