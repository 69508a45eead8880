"""YAML of Archer's files of settings, in which no key stands twice."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

import yaml

MERGE: Final = "tag:yaml.org,2002:merge"  # the key `<<`, whose keys may stand again: that is what it is for


def parse(content: bytes) -> Any:
    """Parse one document strictly.

    Raises:
        yaml.YAMLError: It is not YAML, or a key stands twice in one mapping.
        UnicodeDecodeError: It is not UTF-8.
        RecursionError: It is nested too deep.
    """
    return yaml.load(content.decode("utf-8"), Loader=_StrictLoader)  # noqa: S506  (a SafeLoader)


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice: the second would silently win, and open what the first closed."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != MERGE]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice} stands there twice", node.start_mark
            )
        return super().construct_mapping(node, deep)
