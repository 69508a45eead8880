"""The commands that show clusters, and that cordon, drain and activate one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from archer.cli.target import Format, Output, connect

Cluster = Annotated[str, typer.Argument(metavar="CLUSTER", help="Its name, as `moka clusters` shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; everybody who looks at the cluster sees it.")]


def clusters(context: typer.Context, output: Output = Format.TABLE) -> None:
    """Show the clusters: whether they take jobs and answer, and how many live jobs they hold."""
    from archer.cli.show.clusters import clusters_table
    from archer.cli.show.output import say, show

    with connect(context) as archer:
        page = archer.get("/v1/clusters")
    show(page, output, table=clusters_table)
    if not page["items"] and output in (Format.TABLE, Format.WIDE):
        say("No cluster is known yet.")


def cordon(
    context: typer.Context, cluster: Cluster, reason: Reason = "", output: Output = Format.TABLE
) -> None:
    """Give a cluster no new jobs; what is placed there goes on."""
    _ask(context, cluster, "cordoned", reason, output)


def drain(
    context: typer.Context, cluster: Cluster, reason: Reason = "", output: Output = Format.TABLE
) -> None:
    """Cordon a cluster, and move away what is placed there but proven not to be created; what runs stays."""
    _ask(context, cluster, "drained", reason, output)


def activate(
    context: typer.Context, cluster: Cluster, reason: Reason = "", output: Output = Format.TABLE
) -> None:
    """Let a cluster take jobs again."""
    _ask(context, cluster, "active", reason, output)


def _ask(context: typer.Context, name: str, state: str, reason: str, output: Format) -> None:
    from archer.cli.http.connection import cluster_path
    from archer.cli.show.clusters import clusters_table, sentence
    from archer.cli.show.output import say, show

    change: dict[str, Any] = {"state": state} | ({"reason": reason} if reason else {})
    with connect(context) as archer:
        cluster = archer.patch(cluster_path(name), change)
    if output in (Format.TABLE, Format.WIDE):
        say(sentence(cluster))
    else:
        show(cluster, output, table=clusters_table)
