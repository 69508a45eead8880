"""Data on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from archer.cli.target import Format

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
UNBOUNDED: Final = 10_000  # columns; a pipe has no edge where a table would have to be cut


def say(line: str) -> None:
    """Tell a person something that is not data."""
    print(plain(line), file=sys.stderr, flush=True)


def plain(text: object) -> str:
    """Text without control characters, which could steer a terminal."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text))


def write(text: str) -> None:
    """Write data at once, so that a reader of a pipe sees it."""
    sys.stdout.write(text)
    sys.stdout.flush()


def console() -> Console:
    """Open a console on standard output: colour on a terminal only, and never with NO_COLOR."""
    from rich.console import Console

    colour = None if os.environ.get("NO_COLOR") else "auto"
    width = None if sys.stdout.isatty() else UNBOUNDED
    return Console(
        file=sys.stdout, color_system=colour, width=width, highlight=False, markup=False, emoji=False
    )


def show(
    document: Mapping[str, Any], form: Format, *, table: Callable[[Mapping[str, Any], bool], RenderableType]
) -> None:
    """Write one answer of Archer's in the form that was asked for."""
    if form is Format.JSON:
        write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    elif form is Format.YAML:
        write(yaml_text(document))
    elif form is Format.NAME:
        items = document.get("items", [document])
        write("".join(f"{item.get('id', item.get('name', item.get('seq', '')))}\n" for item in items))
    else:
        screen = console()
        with screen.capture() as captured:  # rich would end the process itself when a pipe breaks
            screen.print(table(document, form is Format.WIDE))
        write(captured.get())


def yaml_text(document: Mapping[str, Any]) -> str:
    """Write a document as YAML, in the order that Archer gave it."""
    import yaml

    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=False)
