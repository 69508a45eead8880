"""Names: sorted by time, of one form, short enough for everything that Spark appends."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archer.domain.identifiers import ALPHABET, application_name, driver_pod_name, is_job_id, job_id

TIMES = st.integers(0, 2**48 - 1)
NOISE = st.binary(min_size=10, max_size=10)
DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
LONGEST_SUFFIX = "-driver-podspec-conf-map"  # apache/spark#47039


@given(TIMES, NOISE)
def test_an_id_has_its_form(unix_ms, noise):
    made = job_id(unix_ms, noise)
    assert is_job_id(made)
    assert len(made) == 27
    assert made[0] == "j"
    assert set(made[1:]) <= set(ALPHABET)
    assert DNS_1035.match(made)


@given(TIMES, NOISE, TIMES, NOISE)
def test_ids_sort_by_time(one_ms, one_noise, other_ms, other_noise):
    if one_ms != other_ms:
        assert (job_id(one_ms, one_noise) < job_id(other_ms, other_noise)) == (one_ms < other_ms)


@given(TIMES, NOISE)
def test_an_id_is_a_uuid_of_version_7(unix_ms, noise):
    number = 0
    for letter in job_id(unix_ms, noise)[1:]:
        number = number << 5 | ALPHABET.index(letter)
    assert number >> 80 == unix_ms
    assert number >> 76 & 0xF == 7
    assert number >> 62 & 0b11 == 0b10


@given(NOISE, NOISE)
def test_74_random_bits_tell_ids_of_one_millisecond_apart(one, other):
    used = (1 << 80) - (1 << 68) | (1 << 62) - 1  # 12 bits beside the version, 62 beside the variant
    bits = [int.from_bytes(noise, "big") & used for noise in (one, other)]
    assert (job_id(0, one) == job_id(0, other)) == (bits[0] == bits[1])


@given(TIMES, NOISE, st.integers(1, 999))
def test_names_are_short_enough_for_what_spark_appends(unix_ms, noise, attempt):
    name = application_name(job_id(unix_ms, noise), attempt)
    assert len(name) <= 36
    assert DNS_1035.match(name)
    assert len(name + LONGEST_SUFFIX) <= 63
    assert driver_pod_name(name) == f"{name}-driver"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "j",
        "j" + "0" * 25,
        "j" + "0" * 27,
        "j8" + "0" * 25,  # more than 128 bits
        "J" + "0" * 26,
        "j" + "0" * 25 + "u",
        "j" + "0" * 26 + "\n",
        "k" + "0" * 26,
    ],
)
def test_what_is_not_an_id(text):
    assert not is_job_id(text)
