"""``moka token``: make a static token, and print what an access file knows it by."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Final

import typer

PREFIX: Final = "moka_"  # Archer takes no static token without it
BYTES: Final = 32


def token(
    name: Annotated[str, typer.Argument(help="Who is to have it.")],
    tenant: Annotated[str, typer.Option(help="Where it may submit; `*` is every tenant.")] = "default",
    role: Annotated[str, typer.Option(help="view, submit or admin.")] = "submit",
) -> None:
    """Make a token for a caller, and the entry of Archer's access file that lets it in.

    The token is shown once and kept nowhere; the entry holds its hash only.
    """
    from archer.cli.exits import CommandError
    from archer.cli.show.output import say, write

    if role not in ("view", "submit", "admin"):
        raise CommandError(f"{role!r} is not a role: view, submit, admin")
    made = PREFIX + secrets.token_urlsafe(BYTES)
    say("For the caller, as MOKA_TOKEN; it is not shown again:")
    write(f"{made}\n")
    say("For the access file, below `tokens`:")
    digest = hashlib.sha256(made.encode()).hexdigest()
    say(f'  - name: {name}\n    sha256: {digest}\n    roles: {{ "{tenant}": {role} }}')
