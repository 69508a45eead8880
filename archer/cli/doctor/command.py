"""`moka doctor`, the command: gathers findings, shows them, and says whether one is a fault."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archer.cli import exits
from archer.cli.target import Format, Output, Target, connect

if TYPE_CHECKING:
    from archer.cli.doctor.findings import Finding


def doctor(
    context: typer.Context,
    ui_url: Annotated[
        str, typer.Option(envvar="MOKA_UI_URL", help="Where Moka UI should answer.")
    ] = "http://127.0.0.1:8090",
    data: Annotated[Path, typer.Option(help="Where `moka dev` would keep everything.")] = Path(".moka"),
    output: Output = Format.TABLE,
) -> None:
    """Check this machine and the services; each line says what to do next."""
    from archer.cli.doctor import machine, services
    from archer.cli.doctor.findings import Level
    from archer.cli.http.connection import is_loopback
    from archer.cli.show.output import show

    target: Target = context.obj
    with connect(context) as archer:
        there = list(services.findings(archer, ui_url, chosen=target.chosen))
    # what only `moka dev` needs is no fault on a machine that talks to an Archer elsewhere
    here = [found if is_loopback(target.url) else _softened(found) for found in machine.findings(data)]
    found = [*here, *there]
    show({"items": [finding.document() for finding in found]}, output, table=_table)
    if any(finding.level is Level.FAIL for finding in found):
        raise typer.Exit(exits.JOB_FAILED)


def _softened(finding: Finding) -> Finding:
    from dataclasses import replace

    from archer.cli.doctor.findings import Level

    if finding.level is not Level.FAIL or finding.subject == "Python":
        return finding
    return replace(finding, level=Level.WARN, next=f"Needed for `moka dev` only. {finding.next}")


def _table(document: Any, _wide: bool) -> Any:
    from rich.table import Table
    from rich.text import Text

    from archer.cli.doctor.findings import STYLE_OF, SYMBOL_OF, Level
    from archer.cli.show.output import plain

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for item in document["items"]:
        level = Level(item["level"])
        message = Text(plain(item["message"]))
        if item["next"]:
            message.append(f"\n→ {plain(item['next'])}", style="dim")
        table.add_row(
            Text(f"{SYMBOL_OF[level]} {level:<4}", style=STYLE_OF[level]), Text(item["subject"]), message
        )
    return table
