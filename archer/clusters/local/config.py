"""How one local cluster is set up, and where it keeps what."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

import archer.drivers
from archer.errors import ClusterUnavailable


@dataclass(frozen=True, slots=True)
class LocalConfig:
    """Settings of one local cluster.

    Args:
        name: What routing and people call it.
        root: Directory that holds everything; created when absent.
        slots: Drivers that run at once.
        spark_home: Spark to run; the installed pyspark package when None.
        java_home: Java to run it with; JAVA_HOME or the search path when None.
        max_cores: Upper bound of ``n`` in ``local[n]``.
        cancel_grace_seconds: Time between SIGTERM and SIGKILL.
        poll_seconds: How often files are looked at.
        bookmark_seconds: Silence after which a watch says where it stands.
    """

    name: str
    root: Path
    slots: int = 2
    spark_home: Path | None = None
    java_home: Path | None = None
    max_cores: int = 2
    cancel_grace_seconds: float = 10.0
    poll_seconds: float = 0.1
    bookmark_seconds: float = 5.0

    @property
    def spark(self) -> Path:
        """Directory that holds ``bin/spark-submit``. Raises ``ClusterUnavailable`` when there is no Spark."""
        if self.spark_home is not None:
            return self.spark_home.absolute()
        spec = importlib.util.find_spec("pyspark")
        if spec is None or not spec.submodule_search_locations:
            raise ClusterUnavailable("no Spark here: install pyspark, or set spark_home")
        return Path(spec.submodule_search_locations[0]).absolute()

    @property
    def java(self) -> Path | None:
        """Directory that holds ``bin/java``; None leaves the choice to the search path."""
        inherited = os.environ.get("JAVA_HOME")
        return self.java_home or (Path(inherited) if inherited else None)

    @property
    def drivers(self) -> Path:
        """Directory that stands for ``/opt/moka`` of the Spark image."""
        return Path(archer.drivers.__path__[0]).absolute()

    @property
    def layout(self) -> Layout:
        """Where files are."""
        return Layout(self.root.absolute())


@dataclass(frozen=True, slots=True)
class Layout:
    """The directories and files below the root."""

    root: Path

    @property
    def apps(self) -> Path:
        """One directory for each application that exists."""
        return self.root / "apps"

    @property
    def deleted(self) -> Path:
        """The same directories after deletion, so that names stay taken and logs readable."""
        return self.root / "deleted"

    @property
    def assembly(self) -> Path:
        """Applications in the making; nothing in it exists yet."""
        return self.root / "assembly"

    @property
    def events(self) -> Path:
        """Spark's event logs."""
        return self.root / "events"

    @property
    def spark_conf(self) -> Path:
        """Spark's configuration directory: how much drivers log."""
        return self.root / "conf"

    @property
    def home(self) -> Path:
        """HOME of drivers, shared, so that downloaded packages are kept."""
        return self.root / "home"

    @property
    def life(self) -> Path:
        """Random word of this root; another root by the same path has another."""
        return self.root / "life"

    @property
    def journal(self) -> Path:
        """The order of all changes."""
        return self.root / "journal"

    @property
    def journal_lock(self) -> Path:
        """Held while something changes, shared while it is read."""
        return self.root / "journal.lock"

    @property
    def operator_lock(self) -> Path:
        """Held by the one process that starts drivers."""
        return self.root / "operator.lock"
