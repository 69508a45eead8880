"""Logs on stdout, one line an event: JSON in a cluster, colours on a terminal. And the metrics."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from prometheus_client import Counter, Gauge, Histogram

from archer.domain.masking import masked, masked_text

SUBMITS: Final = Counter("archer_submits", "Submits answered, by outcome.", ["outcome"])
REFUSED_TOKENS: Final = Counter(
    "archer_refused_tokens", "Requests whose token was not taken, by the check that failed.", ["check"]
)
LOST_DENIALS: Final = Counter("archer_lost_denials", "Denied calls that are missing in the audit.")
DISPATCHES: Final = Counter(
    "archer_dispatches", "Dispatch tries, by cluster and outcome.", ["cluster", "outcome"]
)
LANE_WINDOW: Final = Gauge(
    "archer_dispatch_window_applications", "Applications that may wait for a cluster's operator.", ["cluster"]
)
LANE_IS_OPEN: Final = Gauge(
    "archer_dispatch_breaker_open", "1 while a cluster does not answer and is asked rarely.", ["cluster"]
)
ENDINGS: Final = Counter(
    "archer_attempt_endings", "Attempts that ended, by state and reason.", ["state", "reason"]
)
WATCH_AGE: Final = Gauge(
    "archer_watch_last_event_timestamp_seconds", "When a cluster was last heard.", ["cluster"]
)
ROUND: Final = Gauge("archer_loop_last_round_timestamp_seconds", "Last good round of a loop.", ["loop"])
REQUEST_SECONDS: Final = Histogram(
    "archer_http_request_seconds",
    "Time to answer, by route and status class.",
    ["route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


def without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what looks like a secret in all that is logged, tracebacks too."""
    return {key: masked(value, key=key) for key, value in event.items()}


class _Formatter(logging.Formatter):
    """Does the same for what others log, such as uvicorn."""

    def format(self, record: logging.LogRecord) -> str:
        return masked_text(super().format(record))


def configure_logs(log_format: str = "auto", *, level: int = logging.INFO) -> None:
    """Set up structlog for this process; ``auto`` is colours on a terminal, JSON elsewhere."""
    console = log_format == "console" or (log_format == "auto" and sys.stdout.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if console:
        renderer: Any = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), pad_event_to=0)
    else:
        renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        # tracebacks are plain text before they are looked through; pretty ones print the values of locals
        processors=[*shared, structlog.processors.format_exc_info, without_secrets, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    others = logging.StreamHandler()
    others.setFormatter(_Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[others], force=True)
