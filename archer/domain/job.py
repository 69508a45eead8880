"""What became of a submit, in the words that callers read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Submitted:
    """The job of a submit: new, or the one that the same key or correlation met. *fields* as listed."""

    fields: dict[str, Any]
    created: bool


def rfc3339(time: datetime | None) -> str | None:
    """Write a time in UTC with milliseconds, as it is on the wire."""
    if time is None:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
