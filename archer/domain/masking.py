"""Hides what looks like a secret before a manifest is stored for reading.

The pattern is Spark's own redaction pattern (``spark.redaction.regex``) with ``access.key`` in full.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

SECRET_KEY: Final = re.compile(r"secret|password|passwd|token|credential|access[._-]?key", re.IGNORECASE)
USERINFO: Final = re.compile(r"(?<=://)[^/@\s]+@")
MASK: Final = "*****"


def masked(value: Any, *, key: str = "") -> Any:
    """Copy *value* with secrets replaced: values under telling keys, every env value, user info in URLs."""
    if isinstance(value, Mapping):
        if set(value) == {"name", "value"}:  # an env entry of a container
            return {"name": value["name"], "value": MASK}
        return {k: masked(v, key=str(k)) for k, v in value.items()}
    if isinstance(value, list):
        return [masked(v, key=key) for v in value]
    if isinstance(value, str):
        return MASK if SECRET_KEY.search(key) else USERINFO.sub(f"{MASK}@", value)
    return value
