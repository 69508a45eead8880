"""Programs that come from the system's packages."""

import shutil
from pathlib import Path

from tests.stack.host.commands import polite, run
from tests.stack.host.processes import StackError

#: A program, or the pattern of a file, that shows whether its package is there -> the Debian package.
PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "openssl": "openssl",
    "gcc": "gcc",
    "/usr/lib/*/libc.a": "libc6-dev",
    "java": "openjdk-17-jre-headless",
}


def ensure() -> None:
    """Install what is missing. Needs root and apt."""
    missing = sorted({package for program, package in PACKAGES.items() if not _is_there(program)})
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise StackError(f"missing and no apt-get to install them: {', '.join(missing)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", environment=quiet)
    run(*polite("apt-get", "install", "-y", "--no-install-recommends", *missing), environment=quiet)


def _is_there(program: str) -> bool:
    if program.startswith("/"):
        return any(Path("/").glob(program.removeprefix("/")))
    return shutil.which(program) is not None
