"""What doctor found: one line each, with what to do next."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


SYMBOL_OF: Final = {Level.OK: "✓", Level.WARN: "!", Level.FAIL: "✗"}
STYLE_OF: Final = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


@dataclass(frozen=True)
class Finding:
    """One line of doctor's."""

    subject: str
    level: Level
    message: str
    next: str = ""

    def document(self) -> dict[str, Any]:
        """As data."""
        return asdict(self)


def ok(subject: str, message: str) -> Finding:
    """All is well."""
    return Finding(subject, Level.OK, message)


def warn(subject: str, message: str, then: str = "") -> Finding:
    """It works, or is not needed now."""
    return Finding(subject, Level.WARN, message, then)


def fail(subject: str, message: str, then: str) -> Finding:
    """It will not work."""
    return Finding(subject, Level.FAIL, message, then)
