"""References of container images, taken apart: what a text looks like says little about where it leads.

Source: distribution/reference ``reference.go``, ``regexp.go``; a host is told from a path as Docker does it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_LENGTH: Final = 511  # a name of 255, a tag of 128, a digest of 71 and three marks leave room for both
NAME_LENGTH: Final = 255
_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST: Final = (
    r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]{1,5})?"
)
REFERENCE: Final = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?\Z"
)


@dataclass(frozen=True, slots=True)
class Image:
    """A reference in its parts; *repository* is host and path, the host always said."""

    repository: str
    tag: str
    digest: str


def parse_image(text: str) -> Image:
    """Take the reference *text* apart.

    Raises:
        ValueError: It is no reference, or its host is not said.
    """
    match = REFERENCE.match(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise ValueError(
            "must be an image as registry.example.com/team/spark:tag or ...@sha256:<64 hex digits>"
        )
    host = match["host"] or ""
    if not ("." in host or ":" in host or host == "localhost"):
        raise ValueError("must begin with the registry's host, such as registry.example.com")
    repository = f"{host.lower()}/{match['path']}"
    if len(repository) > NAME_LENGTH:
        raise ValueError(f"must have a name of at most {NAME_LENGTH} characters")
    return Image(repository, match["tag"] or "", match["digest"] or "")
