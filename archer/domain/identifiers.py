"""Names that are derived, never invented: job ids, SparkApplication names and pod names.

A job id is ``j`` and the 26 Crockford base32 characters of a UUIDv7, lower case: it sorts by time, is a legal
DNS-1035 name, and leaves room for Spark's longest suffixes (24 characters, SPARK-48669) within 63.
"""

from __future__ import annotations

import re
from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
JOB_ID: Final = re.compile(r"j[0-7][0-9a-hjkmnp-tv-z]{25}\Z")
UUID_VERSION_7: Final = 0x7 << 76  # RFC 9562, 5.7
UUID_VARIANT: Final = 0b10 << 62
RANDOM_BYTES: Final = 10


def job_id(unix_ms: int, random: bytes) -> str:
    """Make a job id from a time and ten random bytes.

    Args:
        unix_ms: Milliseconds since 1970; the first 48 bits.
        random: Ten bytes, of which 74 bits are used.

    Source: RFC 9562, 5.7.
    """
    noise = int.from_bytes(random[:RANDOM_BYTES], "big")
    high = (noise >> 68) & 0xFFF
    low = noise & ((1 << 62) - 1)
    number = (unix_ms & ((1 << 48) - 1)) << 80 | UUID_VERSION_7 | high << 64 | UUID_VARIANT | low
    return "j" + "".join(ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def is_job_id(text: str) -> bool:
    """Whether *text* has the form of a job id."""
    return JOB_ID.match(text) is not None


def application_name(job: str, attempt: int) -> str:
    """Name of the SparkApplication of one attempt; at most 36 characters."""
    return f"{job}-{attempt}"


def driver_pod_name(application: str) -> str:
    """Name that the operator gives to the driver pod."""
    return f"{application}-driver"
