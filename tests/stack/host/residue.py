"""What the stack left behind: the machine before the first ``up`` compared with the machine now."""

import json
from pathlib import Path

from tests.stack.host import network
from tests.stack.host.commands import run
from tests.stack.host.processes import marked
from tests.stack.layout import BRIDGE, RUNTIME

_BEFORE_FILE = RUNTIME / "before.json"


def remember() -> None:
    """Keep what the machine looks like now, for `difference` to compare with."""
    _BEFORE_FILE.parent.mkdir(parents=True, exist_ok=True)
    _BEFORE_FILE.write_text(json.dumps(snapshot(), indent=1))


def difference() -> list[str]:
    """One line for each thing that is new, or no longer as it was; empty when nothing is left.

    Never remembered means never started: then everything that bears our mark is left over.
    """
    now = snapshot()
    if not _BEFORE_FILE.exists():
        return [f"+ process {line}" for line in now["process"]]
    before = json.loads(_BEFORE_FILE.read_text())
    gained = [
        f"+ {kind} {entry}" for kind, entries in now.items() for entry in entries if entry not in before[kind]
    ]
    lost = [
        f"- {kind} {entry}" for kind, entries in before.items() for entry in entries if entry not in now[kind]
    ]
    return [line for line in gained + lost if not line.startswith("- process")]


def snapshot() -> dict[str, list[str]]:
    """Everything of which the stack makes new ones."""
    return {
        "process": [f"{pid} {command}" for pid, command in marked().items()],
        "mount": sorted(mount_points()),
        "link": [link["ifname"] for link in json.loads(run("ip", "-json", "link"))],
        "address": [line.split(" scope")[0] for line in run("ip", "-oneline", "-4", "address").splitlines()],
        "route": run("ip", "route").splitlines(),
        "network namespace": [path.name for path in Path("/run/netns").glob("*")],
        "rule": network.rules(),
        "kernel setting": [f"{name}={value}" for name, value in network.settings().items()],
        "cgroup": [str(path) for path in pod_cgroups()],
    }


def strangers() -> list[str]:
    """What shows that another Kubernetes runs here: its rules and groups could not be told from ours."""
    now = snapshot()
    rules = [rule for rule in now["rule"] if any(f" :{prefix}" in rule for prefix in network.CHAIN_PREFIXES)]
    return [*(name for name in now["link"] if name == BRIDGE), *rules, *now["cgroup"]]


def mount_points() -> list[str]:
    """Where something is mounted. Source: proc(5), mountinfo; blanks are written as \\040."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4].replace("\\040", " ") for line in lines]


def pod_cgroups() -> list[Path]:
    """The roots of what kubelet made, in both layouts of the file system."""
    return [*Path("/sys/fs/cgroup").glob("kubepods*"), *Path("/sys/fs/cgroup").glob("*/kubepods*")]
