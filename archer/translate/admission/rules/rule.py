"""One rule of admission."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """An expression that must be true of an application, and what is said when it is not."""

    expression: str
    message: str
