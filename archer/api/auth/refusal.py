"""A token that is not taken, and why: for Archer's log and its metrics, never for the caller."""

from __future__ import annotations


class Refusal(Exception):
    """Which check a token failed. The words hold nothing of the token."""

    def __init__(self, check: str, words: str = "") -> None:
        super().__init__(words or check)
        self.check = check
