"""Clusters and queues as rows: what may be chosen, what is shown, and how each cluster does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from archer.domain.cluster import ClusterFacts, ClusterProfile, ClusterState

# The state of a known cluster is its operators': a restart must not activate a cordoned one.
REGISTER_CLUSTER = text("""
    INSERT INTO clusters (name, adapter, weight, capabilities)
    VALUES (:name, :adapter, :weight, CAST(:capabilities AS jsonb))
        ON CONFLICT (name) DO UPDATE SET adapter = excluded.adapter, weight = excluded.weight,
                                         capabilities = excluded.capabilities
""")
REGISTER_QUEUE = text("""
    INSERT INTO queues (path, tier, description) VALUES (:path, :tier, :description)
        ON CONFLICT (path) DO UPDATE SET tier = excluded.tier, description = excluded.description
""")
FACTS = text("""
    SELECT c.name, c.state,
           (SELECT count(*) FROM jobs j
             WHERE j.cluster = c.name
               AND j.state IN ('dispatching', 'submitted', 'running', 'cancelling')) AS live
      FROM clusters c
""")
HEARD = text("""
    UPDATE clusters
       SET last_seen_at = archer_now(), version = coalesce(:version, version), message = '',
           state = CASE WHEN state = 'unreachable' THEN 'active' ELSE state END
     WHERE name = :name
""")
SILENT = text("""
    UPDATE clusters
       SET message = :message, state = CASE WHEN state = 'active' THEN 'unreachable' ELSE state END
     WHERE name = :name
""")
CLUSTERS = text("""
    SELECT name, adapter, state, weight, capabilities, version, message, last_seen_at
      FROM clusters ORDER BY name
""")
QUEUES = text("SELECT path, tier, description FROM queues ORDER BY path")


async def register(
    tx: AsyncConnection, profiles: Sequence[ClusterProfile], queues: Mapping[str, tuple[int, str]]
) -> None:
    """Make the configured clusters and queues known; what the rows say beside stays."""
    for profile in profiles:
        await tx.execute(
            REGISTER_CLUSTER,
            {
                "name": profile.name,
                "adapter": profile.adapter,
                "weight": profile.weight,
                "capabilities": json.dumps(profile.capabilities()),
            },
        )
    for path, (tier, description) in queues.items():
        await tx.execute(REGISTER_QUEUE, {"path": path, "tier": tier, "description": description})


async def facts(tx: AsyncConnection, profiles: Mapping[str, ClusterProfile]) -> list[ClusterFacts]:
    """What routing needs to know of each configured cluster, now."""
    rows = await tx.execute(FACTS)
    return [
        ClusterFacts(profiles[row.name], ClusterState(row.state), row.live)
        for row in rows
        if row.name in profiles
    ]


async def heard(tx: AsyncConnection, name: str, *, version: str | None = None) -> None:
    """Note that the cluster answered."""
    await tx.execute(HEARD, {"name": name, "version": version})


async def silent(tx: AsyncConnection, name: str, *, message: str) -> None:
    """Note that the cluster could not be asked; an active one becomes unreachable."""
    await tx.execute(SILENT, {"name": name, "message": message})


async def clusters(tx: AsyncConnection) -> list[RowMapping]:
    """Every cluster, as shown."""
    return list((await tx.execute(CLUSTERS)).mappings())


async def queues(tx: AsyncConnection) -> list[RowMapping]:
    """Every queue, as shown."""
    return list((await tx.execute(QUEUES)).mappings())


async def queue_tiers(tx: AsyncConnection) -> dict[str, int]:
    """Tier of each queue by its full path."""
    rows: list[Any] = list(await tx.execute(QUEUES))
    return {row.path: row.tier for row in rows}
