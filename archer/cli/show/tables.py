"""What people see of jobs and events: tables, one symbol and one colour for each state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archer.cli.show.output import plain
from archer.cli.show.words import lasted, span, symbol_of, time_of

STYLE_OF: Final = {
    "queued": "cyan",
    "dispatching": "cyan",
    "submitted": "blue",
    "running": "bold blue",
    "cancelling": "yellow",
    "succeeded": "green",
    "failed": "bold red",
    "cancelled": "magenta",
}
ID_WIDTH: Final = 27  # "j" and 26 characters
ATTEMPT_FIELDS: Final = (
    "cluster",
    "namespace",
    "application",
    "application_state",
    "spark_app_id",
    "driver_pod",
    "executors_running",
    "exit_code",
    "reason",
    "fault",
    "message",
)

Document = Mapping[str, Any]


def state_text(state: str) -> Text:
    """A state as people see it: never by colour alone."""
    return Text(f"{symbol_of(state)} {plain(state)}", style=STYLE_OF.get(state, ""))


def jobs_table(page: Document, wide: bool) -> RenderableType:
    """A page of jobs, a line each."""
    headings = ["id", "name", "state", "queue", "cluster", "age", "took"]
    if wide:
        headings += ["type", "tenant", "owner", "tier", "attempt", "reason", "fault", "created_at"]
    table = new_table(headings)
    for job in page["items"]:
        now = datetime.now(UTC)
        created = time_of(job.get("created_at"))
        age = span((now - created).total_seconds()) if created else ""
        cells = [job["id"], job.get("name"), state_text(job["state"]), job.get("queue"), job.get("cluster")]
        rest = [job.get(name) for name in headings[7:]]
        table.add_row(*(cell(value) for value in [*cells, age, lasted(job), *rest]))
    return table


def job_card(job: Document, wide: bool) -> RenderableType:
    """One job with its attempts; wide adds why it runs where it runs, and the request."""
    from archer.cli.show.output import yaml_text

    card = _card(_job_rows(job))
    parts: list[RenderableType] = [card]
    for attempt in job.get("attempts") or []:
        parts += [Text(f"\nattempt {attempt.get('number')}", style="bold"), _card(_attempt_rows(attempt))]
        parts += [Text(f"    {plain(line)}") for line in attempt.get("evidence") or []]
    if wide:
        for name in ("placement", "request"):
            if job.get(name):
                parts += [Text(f"\n{name}", style="bold"), Text(plain(yaml_text(job[name])).rstrip())]
    return Group(*parts)


def events_table(page: Document, wide: bool) -> RenderableType:
    """What happened to a job, oldest first."""
    del wide
    table = new_table(["seq", "at", "attempt", "kind", "state", "message"])
    for event in page["items"]:
        state = state_text(event["state"]) if event.get("state") else None
        cells = [event.get("seq"), event.get("at"), event.get("attempt"), event.get("kind"), state]
        table.add_row(*(cell(value) for value in [*cells, event.get("message")]))
    return table


def _job_rows(job: Document) -> Iterable[tuple[str, Any]]:
    yield "id", job["id"]
    yield "name", job.get("name")
    yield "state", state_text(job["state"])
    for name in ("reason", "fault", "type", "tenant", "owner", "queue", "tier", "cluster", "attempt"):
        yield name, job.get(name)
    yield "labels", ", ".join(f"{key}={value}" for key, value in (job.get("labels") or {}).items())
    yield "correlation_id", job.get("correlation_id")
    yield "created_at", job.get("created_at")
    yield "started_at", job.get("started_at")
    yield "ended_at", job.get("ended_at")
    yield "took", lasted(job)
    yield "page", (job.get("links") or {}).get("ui")


def _attempt_rows(attempt: Document) -> Iterable[tuple[str, Any]]:
    return ((name, attempt.get(name)) for name in ATTEMPT_FIELDS)


def _card(rows: Iterable[tuple[str, Any]]) -> Table:
    card = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    card.add_column(style="dim", no_wrap=True)
    card.add_column(overflow="fold")
    for name, value in rows:
        if value not in (None, ""):
            card.add_row(name, cell(value))
    return card


def new_table(headings: Iterable[str]) -> Table:
    """An empty table; only its messages may be wrapped."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        # an id that is cut cannot be copied into the next command
        table.add_column(
            heading.replace("_", " ").upper(),
            no_wrap=heading != "message",
            min_width=ID_WIDTH if heading == "id" else None,
            overflow="ellipsis",
        )
    return table


def cell(value: Any) -> Text:
    """One value as text that cannot steer a terminal."""
    return value if isinstance(value, Text) else Text("" if value is None else plain(value))


def provenance_table(rendered: Document) -> RenderableType:
    """Where each field of a manifest came from."""
    table = new_table(["path", "source", "field"])
    for line in rendered.get("provenance") or []:
        table.add_row(*(cell(line.get(name)) for name in ("path", "source", "field")))
    return table
