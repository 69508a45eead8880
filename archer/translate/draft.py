"""A manifest under construction that remembers which layer of configuration set each of its lines.

A later put replaces an earlier one. What a dispatcher needs is the tree; where each line came from, and what
it replaced, is worked out of the puts when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from archer.domain.masking import masked

# In the order in which they speak, the last one wins; "derived" is worked out of several of them.
Source = Literal["default", "cluster", "derived", "version", "queue", "tenant", "request", "platform"]
LETTER_OF: Final[dict[Source, str]] = {
    "default": "d",
    "cluster": "c",
    "derived": "=",
    "version": "v",
    "queue": "q",
    "tenant": "t",
    "request": "r",
    "platform": "p",
}
SOURCE_OF: Final[dict[str, Source]] = {letter: source for source, letter in LETTER_OF.items()}
Path = tuple[str, ...]
Said = tuple[Source, str | None, Any]  # a layer, the request's field if it was one, the value


@dataclass(frozen=True, slots=True)
class Replaced:
    """A value that gave way to a later layer's; secrets are masked."""

    source: Source
    value: Any


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one line of a manifest came from, and what it replaced, the last value first.

    *field* is the request's field, where it was one.
    """

    path: str
    source: Source
    field: str | None
    replaced: tuple[Replaced, ...] = ()


@dataclass(slots=True)
class Draft:
    """Lines are put one by one, or many at once, each with the layer that says so."""

    tree: dict[str, Any] = field(default_factory=dict)
    _puts: list[tuple[Path, Mapping[str, Any], Source, str | None, str]] = field(default_factory=list)

    def put(self, path: Path, value: Any, source: Source, from_field: str | None = None) -> None:
        """Set the line at *path*; a list is one. Absent values (None and empty containers) are left out."""
        if value is None or value in ({}, []):
            return
        node = self.tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1]] = value
        self._puts.append((path[:-1], {path[-1]: value}, source, from_field, ""))

    def put_all(
        self, path: Path, values: Mapping[str, Any], source: Source, from_field: str | None = None
    ) -> None:
        """Set every key of *values* below *path*; each came from the key of that name in *from_field*."""
        if not values:
            return
        node = self.tree
        for step in path:
            node = node.setdefault(step, {})
        node.update(values)
        self._puts.append((path, values, source, None, f"{from_field}." if from_field else ""))

    @property
    def origins(self) -> list[Origin]:
        """Where every line came from, in the order of its path."""
        return sorted(
            (_origin(path, told) for path, told in _lines(self._history())), key=lambda origin: origin.path
        )

    def layers(self) -> dict[str, Any]:
        """The same in few bytes, to be kept beside the manifest; ``origins_of`` reads it.

        Returns:
            ``lines``: a letter for each line, in the manifest's order; ``replaced``: by path, what gave way.
        """
        letters: list[str] = []
        replaced: dict[str, list[list[Any]]] = {}
        for path, told in _lines(self._history()):
            letters.append(LETTER_OF[told[-1][0]])
            if len(told) > 1:
                origin = _origin(path, told)
                replaced[origin.path] = [[one.source, one.value] for one in origin.replaced]
        return {"lines": "".join(letters), "replaced": replaced}

    def _history(self) -> dict[str, Any]:
        """A tree of the manifest's shape and order, with all that was ever said of each line."""
        root: dict[str, Any] = {}
        for path, values, source, from_field, prefix in self._puts:
            node = root
            for step in path:
                node = node.setdefault(step, {})
            for key, value in values.items():
                named = f"{prefix}{key}" if prefix else from_field
                node.setdefault(key, []).append((source, named, value))
        return root


def origins_of(manifest: Mapping[str, Any], layers: Mapping[str, Any]) -> list[tuple[Origin, Any]]:
    """Read back what ``Draft.layers`` kept of *manifest*: each line's origin and value, in its order.

    The request's fields were not kept. Empty when the two do not belong together.
    """
    found = list(_lines(manifest))
    letters, replaced = layers.get("lines"), layers.get("replaced")
    if not isinstance(letters, str) or not isinstance(replaced, Mapping) or len(letters) != len(found):
        return []
    told: list[tuple[Origin, Any]] = []
    for (path, value), letter in zip(found, letters, strict=True):
        name = _pointer(path)
        gone = tuple(Replaced(source, before) for source, before in replaced.get(name, ()))
        told.append((Origin(name, SOURCE_OF[letter], None, gone), value))
    return told


def _lines(node: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, child in node.items():
        if isinstance(child, Mapping):
            yield from _lines(child, (*above, key))
        else:
            yield (*above, key), child


def _origin(path: Path, told: list[Said]) -> Origin:
    *before, (source, from_field, _) = told
    replaced = (Replaced(layer, masked(value, key=path[-1])) for layer, _, value in reversed(before))
    return Origin(_pointer(path), source, from_field, tuple(replaced))


def _pointer(path: Path) -> str:
    return "/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in path)  # RFC 6901
