"""The servers, built from the Go modules under ``tools/`` that pin them."""

import importlib.util
import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.stack.build.cache import fingerprint, folder
from tests.stack.host.commands import announce, polite, run
from tests.stack.layout import TOOLS

KUBERNETES_VERSION = "v1.34.4"
_VERSION_PACKAGE = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Module:
    """One folder of ``tools/`` and the commands that come from it."""

    name: str
    commands: dict[str, str]
    ldflags: str = ""
    #: Folders of the module's source that are wanted beside the binary: ours -> (module path, theirs).
    data: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: The stack runs without it; built when somebody asks for the command.
    on_request: bool = False


_KUBERNETES = [
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
]
MODULES = {
    module.name: module
    for module in (
        Module("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
        Module(
            "kubernetes",
            {name: f"k8s.io/kubernetes/cmd/{name}" for name in _KUBERNETES},
            # Without these the API server calls itself v0.0.0 and clients refuse features.
            ldflags=f"-X {_VERSION_PACKAGE}.gitVersion={KUBERNETES_VERSION} -X {_VERSION_PACKAGE}.gitMajor=1 "
            f"-X {_VERSION_PACKAGE}.gitMinor=34 -X {_VERSION_PACKAGE}.gitTreeState=clean",
        ),
        Module("versitygw", {"versitygw": "github.com/versity/versitygw/cmd/versitygw"}),
        Module("coredns", {"coredns": "github.com/coredns/coredns"}),
        Module(
            "spark-operator",
            {"spark-operator": "github.com/kubeflow/spark-operator/v2/cmd/operator"},
            data={"crds": ("github.com/kubeflow/spark-operator/v2", "config/crd/bases")},
        ),
        Module(
            "yunikorn",
            {"yunikorn": "github.com/apache/yunikorn-k8shim/pkg/cmd/shim"},
            ldflags="-X github.com/apache/yunikorn-k8shim/pkg/conf.buildVersion=1.8.0",
        ),
        Module(
            "kwok",
            {"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
            data={"stages": ("sigs.k8s.io/kwok", "kustomize/stage")},
        ),
        Module("toxiproxy", {"toxiproxy": "github.com/Shopify/toxiproxy/v2/cmd/server"}),
        Module("helm", {"helm": "helm.sh/helm/v3/cmd/helm"}, on_request=True),
    )
}


COMMANDS = sorted(command for module in MODULES.values() for command in module.commands)


@cache
def go() -> str:
    """The machine's Go, or the one that ``tools/bootstrap.py stack`` has installed."""
    package = importlib.util.find_spec("go")
    if shutil.which("go") or package is None or package.origin is None:
        return "go"
    return str(Path(package.origin).parent / "bin" / "go")


@cache
def built(name: str) -> Path:
    """The folder that holds the module's commands in ``bin`` and its data; built unless cached."""
    module = MODULES[name]
    source = TOOLS / name
    compiler = run(go(), "env", "GOVERSION", cwd=source)
    key = fingerprint(
        source / "go.mod", source / "go.sum", repr((module.commands, module.ldflags, module.data)), compiler
    )
    return folder(name, key, lambda target: _build(module, source, target))


def binary(command: str) -> Path:
    """The path of one command, such as ``kubelet``."""
    for module in MODULES.values():
        if command in module.commands:
            return built(module.name) / "bin" / command
    raise KeyError(command)


def _build(module: Module, source: Path, target: Path) -> None:
    announce(f"building {module.name}: {', '.join(module.commands)}")
    for command, package in module.commands.items():
        output = target / "bin" / command
        flags = ["-trimpath", "-ldflags", f"-s -w {module.ldflags}", "-o", output]
        run(*polite(go(), "build", *flags, package), environment={"CGO_ENABLED": "0"}, cwd=source)
    for ours, (path, theirs) in module.data.items():
        directory = Path(run(go(), "list", "-m", "-f", "{{.Dir}}", path, cwd=source).strip())
        shutil.copytree(directory / theirs, target / ours)
        _make_writable(target / ours)


def _make_writable(tree: Path) -> None:
    """Go keeps its modules read-only; a cache that cannot be deleted is a nuisance."""
    for path in [tree, *tree.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
