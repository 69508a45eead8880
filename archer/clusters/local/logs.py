"""A driver's log on disk: parts of it, and the application id that Spark writes there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from archer.clusters.port import LogChunk

LOG: Final = "driver.log"
# Source: Spark SingleEventLogFileWriter and RollingEventLogFilesWriter, "Logging events to <path>".
APP_ID: Final = re.compile(rb"Logging events to \S*?/(?:eventlog_v2_)?(local-[0-9]+)(?:[./\s]|\Z)")
HEAD_BYTES: Final = 64 * 1024  # Spark names the id within its first lines
TAIL_BYTES: Final = 64 * 1024
CONFIGURATION: Final = """\
# Written at start. Spark's own words from warnings on, and the two lines that name the version and the id.
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}{UTC} %p %c{1}: %m%n%ex
logger.events.name = org.apache.spark.deploy.history
logger.events.level = info
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
"""


def read(path: Path, *, offset: int, limit: int, has_ended: bool) -> LogChunk:
    """Read a part of a log; a negative *offset* counts from the end."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = min(max(0, size + offset if offset < 0 else offset), size)
        file.seek(start)
        data = file.read(max(0, min(limit, size - start)))
    end = start + len(data)
    return LogChunk(data=data, offset=start, next_offset=end, size=size, complete=has_ended and end >= size)


def tail(directory: Path) -> bytes:
    """Read the last part of a driver's log; empty when there is none."""
    try:
        return read(directory / LOG, offset=-TAIL_BYTES, limit=TAIL_BYTES, has_ended=False).data
    except FileNotFoundError:
        return b""


def spark_app_id(directory: Path) -> str | None:
    """Find the application id that Spark gave itself; None when it is not there (yet)."""
    try:
        with (directory / LOG).open("rb") as file:
            match = APP_ID.search(file.read(HEAD_BYTES))
    except FileNotFoundError:
        return None
    return match[1].decode() if match else None
