"""A manifest under construction that remembers where each of its fields came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Source = Literal["platform", "cluster", "request", "derived", "default"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one field of a manifest came from; *field* is the request's field, where it was one."""

    path: str
    source: Source
    field: str | None


@dataclass(slots=True)
class Draft:
    """Fields are put one by one, each with its source. A later put replaces an earlier one."""

    tree: dict[str, Any] = field(default_factory=dict)
    _origins: dict[tuple[str, ...], tuple[Source, str | None]] = field(default_factory=dict)

    def put(self, path: tuple[str, ...], value: Any, source: Source, from_field: str | None = None) -> None:
        """Set the field at *path*. Absent values (None and empty containers) are left out."""
        if value is None or value in ({}, []):
            return
        node = self.tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1]] = value
        self._origins[path] = (source, from_field)

    @property
    def origins(self) -> list[Origin]:
        """Every field that was put, in the order of its path."""
        pointers = {_pointer(path): origin for path, origin in self._origins.items()}
        return [Origin(path, *pointers[path]) for path in sorted(pointers)]


def _pointer(path: tuple[str, ...]) -> str:
    return "/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in path)  # RFC 6901
