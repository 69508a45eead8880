"""Hides what looks like a secret before a manifest is stored for reading.

The pattern is Spark's own redaction pattern (``spark.redaction.regex``), with a few more words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

SECRET_KEY: Final = re.compile(
    r"secret|passw(or)?d|passphrase|token|credential|(access|api|private|account)[._-]?key|signature",
    re.IGNORECASE,
)
USERINFO: Final = re.compile(r"(?<=://)[^/@\s]+@")
# NAME=VALUE, alone or in the query of a location: Spark's redactCommandLineArgs does the same with arguments.
ASSIGNMENT: Final = re.compile(r"(?P<name>[\w.-]+)=(?P<value>[^&\s]+)")
FLAG: Final = re.compile(r"--?[\w.-]+\Z")
MASK: Final = "*****"


def masked(value: Any, *, key: str = "") -> Any:
    """Copy *value* with secrets replaced.

    Replaced are: values under telling keys, every env value, user info and telling parameters in locations,
    and what follows a telling flag in a list of arguments.
    """
    if isinstance(value, Mapping):
        if set(value) == {"name", "value"}:  # an env entry of a container
            return {"name": value["name"], "value": MASK}
        return {k: masked(v, key=str(k)) for k, v in value.items()}
    if isinstance(value, list):
        return [
            MASK if isinstance(v, str) and _is_secret_flag(before) else masked(v, key=key)
            for before, v in zip([None, *value], value, strict=False)
        ]
    if isinstance(value, str):
        return MASK if _is_secret_key(key) else _without_secrets(value)
    return value


@lru_cache(maxsize=4096)  # the keys of manifests are nearly all the same
def _is_secret_key(key: str) -> bool:
    return SECRET_KEY.search(key) is not None


def _is_secret_flag(text: Any) -> bool:
    return isinstance(text, str) and FLAG.match(text) is not None and _is_secret_key(text)


def _without_secrets(text: str) -> str:
    if "@" in text:
        text = USERINFO.sub(f"{MASK}@", text)
    return ASSIGNMENT.sub(_masked_assignment, text) if "=" in text else text


def _masked_assignment(match: re.Match[str]) -> str:
    return f"{match['name']}={MASK}" if SECRET_KEY.search(match["name"]) else match[0]
