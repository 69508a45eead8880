"""The Spark and the Java that are installed here already, for what runs outside containers."""

import importlib.util
import os
import shutil
from pathlib import Path

from tests.stack.host.processes import StackError


def pyspark_home() -> Path:
    """The pyspark distribution that the running Python has installed: it is a SPARK_HOME."""
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise StackError("this Python has no pyspark: install the project's embedded requirements first")
    return Path(found.origin).parent


def java_home() -> Path:
    java = shutil.which("java")
    if java is None:
        raise StackError("no java: `python -m tests.stack build` installs it")
    return Path(os.path.realpath(java)).parents[1]
