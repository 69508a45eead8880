"""A manifest under construction that remembers which layer of configuration set each of its lines.

A later put replaces an earlier one. What a dispatcher needs is the tree; where each line came from, and what
it replaced, is worked out of the puts when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
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
Step = tuple[Path, tuple[str, ...] | None, Source]  # of one line, or of many keys below a path


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
    _steps: list[Step] = field(default_factory=list)
    _said: list[tuple[Any, str | None]] = field(
        default_factory=list
    )  # values and request's field, step by step

    def put(self, path: Path, value: Any, source: Source, from_field: str | None = None) -> None:
        """Set the line at *path*; a list is one. Absent values (None and empty containers) are left out."""
        if value is None or value in ({}, []):
            return
        node = self.tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1]] = value
        self._steps.append((path, None, source))
        self._said.append((value, from_field))

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
        self._steps.append((path, tuple(values), source))
        self._said.append((values, from_field))

    @property
    def origins(self) -> list[Origin]:
        """Where every line came from, in the order of its path."""
        told = (
            Origin(pointer, self._steps[steps[-1]][2], self._field(steps[-1], key), self._gone(steps, key))
            for pointer, key, steps in _history(tuple(self._steps))[1]
        )
        return sorted(told, key=lambda origin: origin.path)

    def layers(self) -> dict[str, Any]:
        """The same in few bytes, to be kept beside the manifest; ``origins_of`` reads it.

        Returns:
            ``lines``: a letter for each line, in the manifest's order; ``replaced``: by path, what gave way.
        """
        letters, lines = _history(tuple(self._steps))
        replaced = {
            pointer: [[gone.source, gone.value] for gone in self._gone(steps, key)]
            for pointer, key, steps in lines
            if len(steps) > 1
        }
        return {"lines": letters, "replaced": replaced}

    def _gone(self, steps: Sequence[int], key: str) -> tuple[Replaced, ...]:
        return tuple(
            Replaced(self._steps[step][2], masked(self._value(step, key), key=key))
            for step in reversed(steps[:-1])
        )

    def _value(self, step: int, key: str) -> Any:
        value = self._said[step][0]
        return value if self._steps[step][1] is None else value[key]

    def _field(self, step: int, key: str) -> str | None:
        from_field = self._said[step][1]
        return f"{from_field}.{key}" if from_field and self._steps[step][1] is not None else from_field


@lru_cache(maxsize=1024)  # jobs are of few shapes, and a dispatcher asks this of each one
def _history(steps: tuple[Step, ...]) -> tuple[str, list[tuple[str, str, tuple[int, ...]]]]:
    """All lines that *steps* make, in the manifest's order: letters; pointer, last key and steps of each."""
    root: dict[str, Any] = {}
    for number, (path, keys, _) in enumerate(steps):
        node = root
        for step in path if keys is not None else path[:-1]:
            node = node.setdefault(step, {})
        for key in (path[-1],) if keys is None else keys:
            node.setdefault(key, []).append(number)
    lines = [(_pointer(path), path[-1], tuple(numbers)) for path, numbers in _lines(root)]
    return "".join(LETTER_OF[steps[numbers[-1]][2]] for _, _, numbers in lines), lines


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


def _pointer(path: Path) -> str:
    return "/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in path)  # RFC 6901
