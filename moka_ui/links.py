"""Where the things of a job are found. Pure: strings from strings."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from archer.domain.identifiers import is_job_id

APPLICATION: Final = re.compile(
    r"(?P<job>j[0-9a-z]{26})-(?P<attempt>[1-9][0-9]{0,4})(?:-(?:driver|exec-[0-9]+))?\Z"
)


def job_links(job: str, archer_url: str) -> dict[str, str]:
    """Addresses that belong to one job: pages and data of Moka UI, and Archer's own resource."""
    data = f"/api/jobs/{quote(job)}"
    return {
        "self": data,
        "page": f"/jobs/{quote(job)}",
        "attempts": f"{data}/attempts",
        "events": f"{data}/events",
        "logs": f"{data}/logs",
        "archer": f"{archer_url.rstrip('/')}/v1/jobs/{quote(job)}",
    }


def job_of(text: str) -> str | None:
    """The job id that *text* names: a job id, an application's name, or the name of one of its pods."""
    word = text.strip().lower()
    if is_job_id(word):
        return word
    match = APPLICATION.match(word)
    return match["job"] if match and is_job_id(match["job"]) else None
