"""Where a page of jobs ended. Opaque to callers, and of a form that is checked before it reaches SQL.

A cursor holds nothing secret and grants nothing, so it carries no signature.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from archer.domain.identifiers import is_job_id
from archer.errors import InvalidCursor

Sort = Literal["newest", "longest"]

LONGEST_TEXT: Final = 256
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
LATEST_US: Final = 253_402_300_799_000_000  # the end of the year 9999, where datetime stops
KEYS: Final[dict[Sort, tuple[str, ...]]] = {"newest": ("s", "i"), "longest": ("s", "i", "a", "d")}


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last job of a page; for the longest first also its duration, and the time it was measured at."""

    sort: Sort
    job_id: str
    as_of: datetime | None = None
    duration: timedelta | None = None

    def encode(self) -> str:
        """Text for the wire."""
        document: dict[str, Any] = {"s": self.sort, "i": self.job_id}
        if self.as_of is not None and self.duration is not None:
            document["a"] = (self.as_of - EPOCH) // MICROSECOND
            document["d"] = self.duration // MICROSECOND
        packed = json.dumps(document, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode(text: str, sort: Sort) -> Cursor:
    """Read a cursor of a list that is sorted by *sort*.

    Raises:
        InvalidCursor: The text is not one that ``encode`` made for this order.
    """
    refusal = InvalidCursor("The cursor is not one that this list gave. Start again without it.")
    if len(text) > LONGEST_TEXT:
        raise refusal
    try:
        packed = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
        )
        document = json.loads(packed)
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        raise refusal from None
    if not isinstance(document, dict) or tuple(document) != KEYS[sort] or document["s"] != sort:
        raise refusal
    job_id = document["i"]
    if not isinstance(job_id, str) or not is_job_id(job_id):
        raise refusal
    if sort == "newest":
        return Cursor(sort, job_id)
    as_of, duration = document["a"], document["d"]
    if type(as_of) is not int or type(duration) is not int or not 0 <= duration <= as_of <= LATEST_US:
        raise refusal
    return Cursor(sort, job_id, EPOCH + as_of * MICROSECOND, duration * MICROSECOND)
