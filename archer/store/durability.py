"""What a commit survives, as Postgres is set up."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

SETTINGS = text("""
    SELECT current_setting('synchronous_commit') AS commits,
           current_setting('synchronous_standby_names') AS standbys
""")


async def rpo(tx: AsyncConnection) -> Literal["zero", "async"]:
    """Whether a committed job survives the loss of the primary: ``zero`` when a standby confirms each commit."""
    row = (await tx.execute(SETTINGS)).one()
    return "zero" if row.standbys and row.commits not in ("off", "local") else "async"
