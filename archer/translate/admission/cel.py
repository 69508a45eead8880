"""Small words of CEL, the language of admission policies.

``object`` is read without a schema, so that the keys of every part can be gone through.
Source: Kubernetes docs, "Common Expression Language in Kubernetes".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

END: Final = r"\Z"  # RE2 does not know it


def literal(value: Any) -> str:
    """Write texts, numbers, lists and maps of them as CEL."""
    if isinstance(value, dict):
        items = (f"{literal(key)}: {_element(item)}" for key, item in sorted(value.items()))
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_element(item) for item in value) + "]"
    return json.dumps(value)  # of texts, numbers and truths, JSON is CEL


def _element(value: Any) -> str:
    # the API server wants all elements of one type, or said to be of any
    return literal(value) if isinstance(value, str) else f"dyn({literal(value)})"


def one_of(what: str, values: Iterable[Any]) -> str:
    """Whether *what* is one of *values*."""
    listed = list(values)
    return f"{what} in {literal(sorted(set(listed)) if all(isinstance(v, str) for v in listed) else listed)}"


def absent_or(path: str, rule: str) -> str:
    """Whether the field at *path* is not there, or keeps *rule*."""
    return f"(!has({path}) || ({rule}))"


def keys_of(path: str, known: Iterable[str]) -> str:
    """Whether the object at *path*, if it is there, has none but *known* fields."""
    return absent_or(path, f"{path}.all(k, {one_of('k', known)})")


def all_of(*rules: str) -> str:
    """Whether every one of *rules* is kept."""
    return " && ".join(f"({rule})" for rule in rules)


def matches(what: str, pattern: re.Pattern[str] | str) -> str:
    """Whether all of the text *what* has the form of *pattern*."""
    text = pattern.pattern if isinstance(pattern, re.Pattern) else pattern
    inner = text.replace(END, "").removesuffix("$").removeprefix("^")
    return f"{what}.matches({literal(f'^(?:{inner})$')})"


def holds(what: str, pattern: re.Pattern[str]) -> str:
    """Whether *pattern* is found anywhere in the text *what*."""
    return f"{what}.matches({literal(pattern.pattern.replace(END, '$'))})"


def starts_with(what: str, prefixes: Iterable[str]) -> str:
    """Whether the text *what* begins with one of *prefixes*."""
    return f"{literal(sorted(set(prefixes)))}.exists(p, {what}.startsWith(p))"
