"""A job in words: its state's symbol, how long it took, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

FINAL: Final = frozenset({"succeeded", "failed", "cancelled"})
SYMBOL_OF: Final = {
    "queued": "○",
    "dispatching": "◔",
    "submitted": "◑",
    "running": "●",
    "cancelling": "◌",
    "succeeded": "✓",
    "failed": "✗",
    "cancelled": "⊘",
}
MAX_EVIDENCE: Final = 12

Document = Mapping[str, Any]


def is_final(job: Document) -> bool:
    """Whether the job will not change any more; holds for final states of a newer Archer, too."""
    return job["state"] in FINAL or job.get("ended_at") is not None


def symbol_of(state: str) -> str:
    """One sign for a state, so that it shows without colour."""
    return SYMBOL_OF.get(state, "·")


def time_of(text: str | None) -> datetime | None:
    """Read a time of the API's; None when there is none or it is of another form."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def span(seconds: float) -> str:
    """A length of time as people say it: ``8.2s``, ``4m 5s``, ``3h 20m``, ``2d 4h``."""
    seconds = max(seconds, 0.0)
    if seconds < 60:
        return f"{seconds:.1f}s"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    if whole < 86_400:
        return f"{whole // 3600}h {whole % 3600 // 60}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3600}h"


def lasted(job: Document) -> str:
    """How long the job has run, or ran; empty before it started."""
    start, end = time_of(job.get("started_at")), time_of(job.get("ended_at"))
    return span(((end or datetime.now(UTC)) - start).total_seconds()) if start else ""


def sentence(job: Document) -> str:
    """Where the job stands, in one line."""
    state = job["state"]
    words = f"{symbol_of(state)} {job['id']} {state}"
    if state == "running" and job.get("cluster"):
        words += f" on {job['cluster']}"
    took = lasted(job) if is_final(job) else ""
    if took:
        words += f" after {took}"
    if job.get("reason") and state != "succeeded":
        words += f": {job['reason']}" + (f" (fault: {job['fault']})" if job.get("fault") else "")
    return words


def explanation(job: Document) -> list[str]:
    """Why a job failed: what its last attempt says, and the lines that show it."""
    attempts = job.get("attempts") or []
    last = attempts[-1] if attempts else {}
    lines = [str(last["message"])] if last.get("message") else []
    evidence = [str(line) for line in last.get("evidence") or []]
    return [*lines, *evidence[-MAX_EVIDENCE:]]
