"""What a misspelt word was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

MOST: Final = 10  # hints of one request: each compares with every known word
LONGEST: Final = 100  # of a word that is compared
LIKENESS: Final = 0.75  # of difflib's ratio; at 0.6, its own default, it calls most paths of one tree alike


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of *known* that *word* is nearly, or None."""
    if not 0 < len(word) <= LONGEST:
        return None
    return next(iter(get_close_matches(word, known, n=1, cutoff=LIKENESS)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence that names the nearest word; empty where none is near."""
    found = nearest(word, known)
    return f"; did you mean {found}?" if found else ""
