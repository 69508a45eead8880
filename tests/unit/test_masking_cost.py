"""Whoever writes a text does not choose what masking it costs: the time grows as the text does."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from archer.domain.masking import (
    BEGINNINGS,
    MASK,
    WEB_TOKEN_BEGINNING,
    has_token,
    masked_text,
    without_tokens,
)

KIB = 1024
PIECES = [
    *BEGINNINGS,
    *(f"-{one}" for one in BEGINNINGS),
    f"-{WEB_TOKEN_BEGINNING}",
    "eyJ",
    "eyJ.",
    "eyJabcdefgh.-",
    "a eyJabcdefghi ",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY",
    "-----BEGIN PRIVATE KEY----------END ",
    "-----END A",
    "://",
    "://a",
    "@://",
    "a=",
    "a:",
    "token",
    "token ",
    'token"',
    "token: a",
    "tokens: ",
    "access",
    "private_",
    "passw",
    "--a.",
    "bearer ",
    "basic  a",
    "a/+",
    "Aa1/" * 32 + "=",
    "A",
    "-",
    " ",
    "\n",
]


@pytest.mark.parametrize("beginning", ["", "eyJ", "-----BEGIN "])
@pytest.mark.parametrize("piece", PIECES)
def test_a_text_four_times_as_long_costs_about_four_times_as_much(beginning: str, piece: str):
    def seconds(size: int, mask: Callable[[str], object]) -> float:
        text = (beginning + "@= :// Bearer password " + piece * (size // len(piece)))[:size]
        began = time.thread_time()
        mask(text)
        return time.thread_time() - began

    # A pattern that tries a run twice takes 16 times as long. No timing test: the host's pace cancels out,
    # and where both are too short to be compared, there is a bound that only a stopped API would reach.
    for mask in (without_tokens, masked_text):
        short = min(seconds(16 * KIB, mask) for _ in range(2))
        assert min(seconds(64 * KIB, mask) for _ in range(2)) < 10 * short + 0.1
    if not beginning:
        # no timing test either: what takes 20 ms would take a quarter of an hour, had it a quadratic pattern
        assert seconds(KIB * KIB, without_tokens) < 10


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x-eyJhbGciOiJIUzI1.eyJzdWIi.c2ln", f"x-{MASK}"),
        ("eyJ-eyJhbGciOiJIUzI1.eyJzdWIi", MASK),
        ("a_eyJhbGciOiJIUzI1.eyJzdWIi", "a_eyJhbGciOiJIUzI1.eyJzdWIi"),
        ("ghp_" + "a" * 30 + "-eyJhbGciOiJIUzI1.eyJzdWIi", f"{MASK}-{MASK}"),
        ("eyJhbGciOiJIUzI1.abc", "eyJhbGciOiJIUzI1.abc"),
    ],
)
def test_a_web_token_is_found_within_a_run_of_dashes(text: str, shown: str):
    assert without_tokens(text) == shown
    assert has_token(text) == (MASK in shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tokentokentoken=abc", f"tokentokentoken={MASK}"),
        ("a.b.password.c=abc&d=e", f"a.b.password.c={MASK}&d=e"),
        ("token" + "a" * 65 + "=abc", "token" + "a" * 65 + "=abc"),
        ("token" + "a" * 65 + ".token=abc", "token" + "a" * 65 + f".token={MASK}"),
        ('my-token" : "abc"', f'my-token" : "{MASK}"'),
    ],
)
def test_an_assignment_is_found_from_any_telling_word_before_it(text: str, shown: str):
    assert masked_text(text) == shown
