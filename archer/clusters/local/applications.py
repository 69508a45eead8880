"""Applications of a local cluster as directories: read, placed, marked and moved away."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from archer.clusters.local import files
from archer.clusters.local.config import Layout
from archer.clusters.local.journal import Entry, Journal, disk_errors
from archer.errors import AlreadyExists
from archer.translate.observe import Application, from_resource

NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")  # DNS-1035, as the operator wants it


@dataclass(frozen=True, slots=True)
class Stored:
    """One application and its directory."""

    directory: Path
    resource: dict[str, Any]

    @property
    def application(self) -> Application:
        """The application as the port returns it."""
        return from_resource(self.resource)

    @property
    def uid(self) -> str:
        """The application's uid."""
        return self.resource["metadata"]["uid"]

    @property
    def is_deletion_asked(self) -> bool:
        """Whether somebody wants it gone."""
        return (self.directory / "delete.json").exists()


class Applications:
    """The directories below one root; changes are made under the journal's lock."""

    def __init__(self, layout: Layout, journal: Journal) -> None:
        self._layout = layout
        self._journal = journal

    def read(self, name: str) -> Stored | None:
        """Read one that exists; None when there is none."""
        return self._read(self._layout.apps / name) if NAME.match(name) else None

    def read_deleted(self, name: str) -> Stored | None:
        """Read one that was deleted; None when there is none."""
        return self._read(self._layout.deleted / name) if NAME.match(name) else None

    def all(self) -> list[Stored]:
        """Read all that exist."""
        with disk_errors("list its applications"):
            names = sorted(entry.name for entry in os.scandir(self._layout.apps))
        return [stored for name in names if (stored := self.read(name)) is not None]

    def changed(self, entry: Entry) -> Stored | None:
        """Read what a journal's line is about; None when nothing is left to say about it."""
        if entry.kind == "upserted":
            return self.read(entry.name)
        # announced but not done, when a crash came between
        return None if self.read(entry.name) else self.read_deleted(entry.name)

    def place(self, resource: Mapping[str, Any]) -> Stored:
        """Make a new application appear under its name, which nobody had before. Raises ``AlreadyExists``."""
        name, uid = resource["metadata"]["name"], resource["metadata"]["uid"]
        staged, home = self._layout.assembly / uid, self._layout.apps / name
        try:
            with disk_errors("store the application"):
                staged.mkdir(mode=0o700)
                files.write(staged / "application.json", json.dumps(resource).encode(), durable=True)
            with self._journal.changing():
                if home.exists() or (self._layout.deleted / name).exists():
                    raise AlreadyExists(f"the name {name} is taken")
                self._write_status(staged, version=self._journal.append("upserted", name), status={})
                with disk_errors("store the application"):
                    staged.rename(home)
                    files.sync_directory(self._layout.apps)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        stored = self._read(home)
        return stored or Stored(home, {**resource})

    def set_status(self, stored: Stored, status: Mapping[str, Any]) -> Stored:
        """Replace the status, with a new resource version."""
        with self._journal.changing():
            version = self._journal.append("upserted", stored.directory.name)
            self._write_status(stored.directory, version=version, status=status)
        metadata = {**stored.resource["metadata"], "resourceVersion": version}
        return Stored(stored.directory, {**stored.resource, "metadata": metadata, "status": dict(status)})

    def ask_deletion(self, stored: Stored, *, at: str) -> None:
        """Note durably that the application shall go."""
        with self._journal.changing():
            self._journal.append("upserted", stored.directory.name)
            if stored.directory.exists():
                with disk_errors("ask for the deletion"):
                    files.write(
                        stored.directory / "delete.json", json.dumps({"at": at}).encode(), durable=True
                    )

    def remove(self, stored: Stored) -> None:
        """Move an ended application to the deleted ones; its name stays taken."""
        with self._journal.changing():
            self._journal.append("deleted", stored.directory.name)
            with disk_errors("remove the application"):
                stored.directory.rename(self._layout.deleted / stored.directory.name)
                files.sync_directory(self._layout.deleted)
                files.sync_directory(self._layout.apps)

    def _write_status(self, directory: Path, *, version: str, status: Mapping[str, Any]) -> None:
        content = {"resourceVersion": version, "status": dict(status)}
        with disk_errors("store the status"):
            files.write(directory / "status.json", json.dumps(content).encode())

    def _read(self, directory: Path) -> Stored | None:
        with disk_errors("read the application"):
            resource = files.read_json(directory / "application.json")
            # absent or torn only after the machine's fall: the operator writes it anew
            status = files.read_json(directory / "status.json") or {}
            if resource is None or not directory.exists():
                return None
        metadata = {**resource["metadata"], "resourceVersion": status.get("resourceVersion", "")}
        return Stored(directory, {**resource, "metadata": metadata, "status": status.get("status", {})})
