"""Clusters as people see them: one symbol for each state, and how old the last word of each is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from archer.cli.show.output import plain
from archer.cli.show.tables import cell, new_table
from archer.cli.show.words import span, time_of

SYMBOL_OF: Final = {"active": "●", "cordoned": "◐", "drained": "○", "unreachable": "✗"}
STYLE_OF: Final = {"active": "green", "cordoned": "yellow", "drained": "dim", "unreachable": "bold red"}

Document = Mapping[str, Any]


def clusters_table(page: Document, wide: bool) -> RenderableType:
    """All clusters, a line each."""
    headings = ["name", "state", "last seen", "live jobs", "asked", "message"]
    if wide:
        headings[-1:] = ["weight", "architectures", "spark_versions", "queues", "version", "message"]
    table = new_table(headings)
    for cluster in page.get("items", [page]):
        able = cluster.get("capabilities") or {}
        cells = [cluster["name"], state_text(cluster), last_seen(cluster), live_jobs(cluster), asked(cluster)]
        if wide:
            lists = (able.get(name) or ["any"] for name in ("architectures", "spark_versions", "queues"))
            cells += [cluster.get("weight"), *(", ".join(map(str, each)) for each in lists)]
            cells.append(cluster.get("version"))
        table.add_row(*(cell(value) for value in [*cells, cluster.get("message")]))
    return table


def state_text(cluster: Document) -> Text:
    """The state, never by colour alone; that a cluster which takes no jobs is silent, too."""
    state = str(cluster["state"])
    words = f"{SYMBOL_OF.get(state, '·')} {plain(state)}"
    if cluster.get("is_reachable") is False and state != "unreachable":
        words += ", unreachable"
    if cluster.get("removed_at"):
        words += ", removed"
    return Text(words, style=STYLE_OF.get(state, ""))


def last_seen(cluster: Document) -> str:
    """How old the last word of the cluster is."""
    at = time_of(cluster.get("last_seen_at"))
    return f"{span((datetime.now(UTC) - at).total_seconds())} ago" if at else "never"


def live_jobs(cluster: Document) -> str:
    """How many live jobs it holds, of how many."""
    most = (cluster.get("capabilities") or {}).get("max_live_jobs")
    return f"{cluster.get('live_jobs', '')}" + (f" of {most}" if most else "")


def asked(cluster: Document) -> str:
    """Who asked for its state, when and why; empty when nobody has."""
    at = time_of(cluster.get("wanted_at"))
    if at is None:
        return ""
    words = f"by {cluster.get('wanted_by')}, {span((datetime.now(UTC) - at).total_seconds())} ago"
    return words + (f": {cluster['wanted_reason']}" if cluster.get("wanted_reason") else "")


def sentence(cluster: Document) -> str:
    """Where the cluster stands, in one line."""
    held = cluster.get("live_jobs", 0)
    jobs = "1 live job" if held == 1 else f"{held} live jobs"
    return f"{state_text(cluster).plain}: {cluster['name']}, {jobs}, {asked(cluster) or 'as it was'}"
