"""The filters of `moka list`, as options and as the API's query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from archer.cli.exits import CommandError
from archer.cli.target import Format, Output

SECONDS_PER: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LENGTH: Final = re.compile(r"([0-9]{1,9})([smhd]?)\Z")
TIME_HELP: Final = "A time such as 2026-01-31T08:00:00Z, or an age such as 2h."


class Sort(StrEnum):
    """The orders that the API keeps an index for."""

    NEWEST = "newest"
    LONGEST = "longest"


def seconds_of(text: str, flag: str) -> int:
    """Read a length of time such as ``90``, ``90s``, ``30m``, ``2h`` or ``1d``."""
    match = LENGTH.match(text)
    if match is None:
        raise CommandError(f"{flag} {text!r} is not a length of time such as 90s, 30m, 2h or 1d")
    return int(match[1]) * SECONDS_PER[match[2] or "s"]


@dataclass
class Filters:
    """What `moka list` takes."""

    state: Annotated[list[str] | None, typer.Option(help="Repeat it, or part several by commas.")] = None
    queue: Annotated[str | None, typer.Option(help="Full path, such as root.etl.")] = None
    tenant: Annotated[str | None, typer.Option()] = None
    owner: Annotated[str | None, typer.Option()] = None
    cluster: Annotated[str | None, typer.Option()] = None
    name: Annotated[str | None, typer.Option(help="How the name begins.")] = None
    label: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE")] = None
    created_after: Annotated[str | None, typer.Option(help=TIME_HELP)] = None
    created_before: Annotated[str | None, typer.Option(help=TIME_HELP)] = None
    sort: Annotated[Sort, typer.Option()] = Sort.NEWEST
    limit: Annotated[int, typer.Option(min=1, help="Jobs per page.")] = 50
    everything: Annotated[bool, typer.Option("--all", help="Every page, not the first alone.")] = False
    output: Output = Format.TABLE

    def query(self) -> dict[str, Any]:
        """Build the API's parameters."""
        states = [state for given in self.state or [] for state in given.split(",") if state]
        return {
            "state": states or None,
            "queue": self.queue,
            "tenant": self.tenant,
            "owner": self.owner,
            "cluster": self.cluster,
            "name": self.name,
            # the API parts key and value by a colon, submit's --label by "="; both are taken here
            "label": [label.replace("=", ":", 1) for label in self.label or []] or None,
            "created_after": _moment(self.created_after, "--created-after"),
            "created_before": _moment(self.created_before, "--created-before"),
            "sort": self.sort.value,
            "limit": self.limit,
        }


def _moment(text: str | None, flag: str) -> str | None:
    if text is None or LENGTH.match(text) is None:
        return text
    try:
        moment = datetime.now(UTC) - timedelta(seconds=seconds_of(text, flag))
    except OverflowError as error:
        raise CommandError(f"{flag} {text} is before the calendar") from error
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
