"""Memory in Spark's notation: read, bounded, never less than asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archer.domain.quantities import MAX_MEMORY_MIB, memory_mib, memory_text

BYTES = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


@given(st.integers(1, MAX_MEMORY_MIB))
def test_what_was_written_reads_the_same(mib):
    assert memory_mib(memory_text(mib)) == mib


@given(st.integers(1, 9_999_999), st.sampled_from(sorted(BYTES)))
def test_no_one_gets_less_than_asked_nor_a_mib_more(number, unit):
    asked = number * BYTES[unit]
    if asked > MAX_MEMORY_MIB * 2**20:
        with pytest.raises(ValueError, match="at most 4t"):
            memory_mib(f"{number}{unit}")
    else:
        assert 0 <= memory_mib(f"{number}{unit}") * 2**20 - asked < 2**20


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("512m", 512),
        ("4g", 4096),
        ("1t", 1048576),
        ("4gb", 4096),
        ("1k", 1),
        ("1025k", 2),
        ("4t", MAX_MEMORY_MIB),
    ],
)
def test_memory_is_read(text, mib):
    assert memory_mib(text) == mib


@pytest.mark.parametrize(
    "text",
    ["", "4", "4G", "4 g", " 4g", "4g\n", "-4g", "+4g", "0g", "04g", "4.5g", "4e3m", "4gi", "٤g", "4p", "b"],
)
def test_what_is_not_memory(text):
    with pytest.raises(ValueError, match="must be a number and a unit"):
        memory_mib(text)


@pytest.mark.parametrize("text", ["5t", "4097g", "4194305m", "9999999g"])
def test_more_than_any_machine_has_is_refused(text):
    with pytest.raises(ValueError, match="at most 4t"):
        memory_mib(text)
