"""The bridge that carries our address, kernel settings, and the rules that kube-proxy and kubelet leave."""

import json
import shutil
from pathlib import Path

from tests.stack.host.commands import run, succeeds
from tests.stack.layout import BRIDGE, BRIDGE_ADDRESS, RUNTIME

_SETTINGS_FILE = RUNTIME / "kernel-settings.json"
#: What we, kubelet and kube-proxy change; put back by `restore`.
_SETTINGS = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv4/vs/conntrack",
    "net/netfilter/nf_conntrack_max",
    "net/netfilter/nf_conntrack_tcp_be_liberal",
    "net/netfilter/nf_conntrack_tcp_timeout_established",
    "net/netfilter/nf_conntrack_tcp_timeout_close_wait",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
#: Chains of Kubernetes and of the CNI plugins begin so.
CHAIN_PREFIXES = ("KUBE-", "CNI-")


def ensure() -> None:
    """Make the bridge and let the kernel forward, remembering the settings that were."""
    if not _SETTINGS_FILE.exists():
        _SETTINGS_FILE.parent.mkdir(parents=True, exist_ok=True)
        _SETTINGS_FILE.write_text(json.dumps(settings(), indent=1))
    if not succeeds("ip", "link", "show", BRIDGE):
        run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "replace", f"{BRIDGE_ADDRESS}/32", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def is_changed() -> bool:
    """Whether `ensure` was called and not undone."""
    return _SETTINGS_FILE.exists()


def restore() -> None:
    """Undo `ensure` and what the parts did to the network."""
    for save, tables in (("iptables-save", "iptables"), ("ip6tables-save", "ip6tables")):
        if shutil.which(save):
            _remove_chains(save, tables)
    if succeeds("ip", "link", "show", BRIDGE):
        run("ip", "link", "delete", BRIDGE)
    if is_changed():
        for name, value in json.loads(_SETTINGS_FILE.read_text()).items():
            path = Path("/proc/sys") / name
            if path.exists() and path.read_text().strip() != value:
                path.write_text(value)
        _SETTINGS_FILE.unlink()


def settings() -> dict[str, str]:
    """The kernel settings that the stack may change, as they are now."""
    paths = {name: Path("/proc/sys") / name for name in _SETTINGS}
    return {name: path.read_text().strip() for name, path in paths.items() if path.exists()}


def rules() -> list[str]:
    """Every packet filter rule and chain that somebody made, with its table; built-in chains are nobody's."""
    found = []
    for save in ("iptables-save", "ip6tables-save"):
        table = ""
        for line in run(save).splitlines() if shutil.which(save) else []:
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith("-A") or (line.startswith(":") and " - [" in line):
                found.append(f"{save} {table} {line.partition(' [')[0] if line.startswith(':') else line}")
    return found


def _remove_chains(save: str, tables: str) -> None:
    """Delete our chains and the rules that lead to them, a whole table at once."""
    saved: dict[str, list[str]] = {}
    for line in run(save).splitlines():
        if line.startswith("*"):
            saved[line[1:]] = []
        elif saved:
            saved[next(reversed(saved))].append(line)
    for table, lines in saved.items():
        chains = [
            line[1:].split()[0] for line in lines if line.startswith(tuple(f":{p}" for p in CHAIN_PREFIXES))
        ]
        if not chains:
            continue
        entries = [line for line in lines if line.startswith("-A") and not line.startswith(_APPENDED)]
        leading = [
            f"-D{line[2:]}" for line in entries if any(f"-j {prefix}" in line for prefix in CHAIN_PREFIXES)
        ]
        orders = [*leading, *(f"-F {chain}" for chain in chains), *(f"-X {chain}" for chain in chains)]
        run(f"{tables}-restore", "--noflush", stdin="\n".join([f"*{table}", *orders, "COMMIT", ""]))


_APPENDED = tuple(f"-A {prefix}" for prefix in CHAIN_PREFIXES)
