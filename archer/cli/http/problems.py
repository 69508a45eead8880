"""Archer's refusals in words: RFC 9457 problem+json becomes a short list, and an exit code."""

from __future__ import annotations

import json
from typing import Any, Final

from archer.cli import exits
from archer.cli.exits import CommandError, TryAgain

AGAIN: Final = frozenset({429, 502, 503, 504})
EXIT_OF: Final = {401: exits.DENIED, 403: exits.DENIED, 404: exits.NOT_FOUND}
MAX_SHOWN: Final = 50


def code_of(problem: dict[str, Any]) -> str:
    """Stable code of a problem: the last part of its ``type``."""
    return str(problem.get("type", "")).replace("#", "/").rstrip("/").rsplit("/", 1)[-1]


def problem_of(content_type: str, text: str) -> dict[str, Any] | None:
    """Read a problem document; None when the answer is none."""
    if content_type.partition(";")[0].strip().lower() != "application/problem+json":
        return None
    try:
        problem = json.loads(text)
    except ValueError:
        return None
    return problem if isinstance(problem, dict) else None


def error_of(
    status: int, problem: dict[str, Any] | None, *, url: str, retry_after_seconds: float | None = None
) -> CommandError:
    """Turn an answer of 400 or above into the error that ends the command."""
    if status in AGAIN or (status >= 500 and problem is None):
        what = _title(problem) or "is not ready"
        return TryAgain(f"Archer at {url}: {what} ({status})", retry_after_seconds=retry_after_seconds)
    if problem is None:
        return _not_archer(status, url)
    code = code_of(problem)
    return CommandError(
        f"{_title(problem)} ({status} {code})",
        EXIT_OF.get(status, exits.UNREACHABLE if status >= 500 else exits.REFUSED),
        details=_faults(problem),
        hint="Name a token with --token or MOKA_TOKEN; the one of `moka dev` is in its data folder."
        if status == 401
        else None,
        code=code,
    )


def _not_archer(status: int, url: str) -> CommandError:
    if status in (401, 403):
        return CommandError(f"{url} does not let you in ({status})", exits.DENIED)
    return CommandError(
        f"{url} answers {status}, but not as Archer does",
        exits.UNREACHABLE,
        hint="Is --url (MOKA_URL) the address of Archer's API, and not of Moka UI or a proxy?",
    )


def _title(problem: dict[str, Any] | None) -> str:
    return str((problem or {}).get("detail") or (problem or {}).get("title") or "")


def _faults(problem: dict[str, Any]) -> list[str]:
    faults = [fault for fault in problem.get("errors") or [] if isinstance(fault, dict)]
    shown = [_fault(fault) for fault in faults[:MAX_SHOWN]]
    return [*shown, f"and {len(faults) - MAX_SHOWN} more"] if len(faults) > MAX_SHOWN else shown


def _fault(fault: dict[str, Any]) -> str:
    line = f"{fault.get('field') or 'request'}: {fault.get('message') or fault.get('rule')}"
    allowed = fault.get("allowed")
    if allowed is None:
        return line
    words = ", ".join(map(str, allowed)) if isinstance(allowed, list) else str(allowed)
    return f"{line} (allowed: {words})"
