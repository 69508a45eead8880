"""A request from a file or standard input, in JSON or YAML."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from archer.cli.exits import CommandError

MAX_BYTES: Final = 256 * 1024  # what Archer reads at most
STDIN: Final = Path("-")


def read(path: Path) -> dict[str, Any]:
    """Read one request.

    Raises:
        CommandError: It cannot be read, is too large, or is not one mapping with each key once.
    """
    name = "standard input" if path == STDIN else str(path)
    try:
        text = _bytes(path).decode()
    except OSError as error:
        raise CommandError(f"-f {name}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"-f {name}: is not UTF-8") from error
    if len(text) > MAX_BYTES:
        raise CommandError(f"-f {name}: larger than the 256 KiB that Archer takes")
    try:
        document = _parse(text)
        json.dumps(document, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise CommandError(f"-f {name}: {why}") from error
    if not isinstance(document, dict):
        raise CommandError(f"-f {name}: is not one job request (a mapping of fields)")
    return document


def _bytes(path: Path) -> bytes:
    if path == STDIN:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _parse(text: str) -> Any:
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text, object_pairs_hook=_once)
        except json.JSONDecodeError:
            pass  # a YAML flow mapping begins with a brace, too
    import yaml

    try:
        return yaml.load(text, Loader=_loader())  # noqa: S506  a SafeLoader below
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if not isinstance(key, str):
            raise ValueError(f"the key {key!r} is not a text")
        if key in found:
            raise DuplicateKey(f"the key {key!r} comes twice")
        found[key] = value
    return found


class DuplicateKey(ValueError):
    """One of two values would be lost in silence."""


def _loader() -> Any:
    """Make a safe YAML loader for which ``on`` and ``2026-01-31`` are words, and each key comes once."""
    import re

    import yaml

    class Loader(yaml.SafeLoader):
        pass

    dropped = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
    Loader.yaml_implicit_resolvers = {
        first: [(tag, form) for tag, form in resolvers if tag not in dropped]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(dropped[0], re.compile(r"(?:true|false|True|False)\Z"), list("tTfF"))

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        loader.flatten_mapping(node)
        return _once(
            (loader.construct_object(key, deep=True), loader.construct_object(value, deep=True))
            for key, value in node.value
        )

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    return Loader
