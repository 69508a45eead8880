"""Clusters and queues as rows: what may be chosen, what is shown, and how each cluster does."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from archer.domain.cluster import ClusterFacts, ClusterProfile, ClusterState, WantedState, shown_state
from archer.domain.tenancy.principal import INSIDE, Origin

# What people asked of a known cluster is theirs: a restart must not activate a cordoned one.
REGISTER_CLUSTER = text("""
    INSERT INTO clusters (name, adapter, weight, capabilities)
    VALUES (:name, :adapter, :weight, CAST(:capabilities AS jsonb))
        ON CONFLICT (name) DO UPDATE SET adapter = excluded.adapter, weight = excluded.weight,
                                         capabilities = excluded.capabilities, removed_at = NULL
""")
REGISTER_QUEUE = text("""
    INSERT INTO queues (path, tier, description) VALUES (:path, :tier, :description)
        ON CONFLICT (path) DO UPDATE SET tier = excluded.tier, description = excluded.description
""")
FORGET_QUEUES = text("DELETE FROM queues WHERE path <> ALL(CAST(:paths AS text[]))")
REMOVED = text("""
    UPDATE clusters SET removed_at = archer_now()
     WHERE removed_at IS NULL AND name <> ALL(CAST(:names AS text[]))
    RETURNING name
""")
# The word that is shown: what people asked for, or that an active cluster is silent. As the view ui_clusters.
FACTS = text("""
    SELECT c.name, c.wanted_state, c.is_reachable,
           (SELECT count(*) FROM jobs j
             WHERE j.cluster = c.name
               AND j.state IN ('dispatching', 'submitted', 'running', 'cancelling')) AS live
      FROM clusters c
     WHERE c.removed_at IS NULL  -- another process may know of the removal before this one
""")
HEARD = text("""
    UPDATE clusters
       SET last_seen_at = archer_now(), version = coalesce(:version, version), message = '',
           is_reachable = true
     WHERE name = :name
""")
SILENT = text("UPDATE clusters SET message = :message, is_reachable = false WHERE name = :name")
# A repeat without a new reason changes nothing, so that who asked first, and when, stays.
ASK = text("""
    WITH asked AS (
        UPDATE clusters
           SET wanted_state = :state, wanted_reason = :reason, wanted_by = :principal,
               wanted_at = archer_now()
         WHERE name = :name AND (wanted_state <> :state OR (:reason <> '' AND wanted_reason <> :reason))
        RETURNING name
    ),
    told AS (
        INSERT INTO audit (at, principal, action, object, tenant, decision, reason, method, ip, request_id)
        SELECT archer_now(), :principal, :action, name, '', 'allowed', :reason, :method, :ip, :request_id
          FROM clusters WHERE name = :name
    )
    SELECT pg_notify('archer_work', '') FROM asked
""")
CLUSTER_COLUMNS = """
    SELECT c.name, c.adapter, c.wanted_state, c.is_reachable, c.wanted_by, c.wanted_at, c.wanted_reason,
           c.weight, c.capabilities, c.version, c.message, c.removed_at,
           greatest(c.last_seen_at, k.recorded_at) AS last_seen_at,
           (SELECT count(*) FROM jobs j
             WHERE j.cluster = c.name
               AND j.state IN ('dispatching', 'submitted', 'running', 'cancelling')) AS live_jobs
      FROM clusters c LEFT JOIN checkpoints k ON k.cluster = c.name
"""
CLUSTERS = text(CLUSTER_COLUMNS + "ORDER BY c.name")
CLUSTER = text(CLUSTER_COLUMNS + "WHERE c.name = :name")
LIVE = text("""
    SELECT name FROM unnest(CAST(:names AS text[])) AS n(name)
     WHERE EXISTS (SELECT FROM jobs j
                    WHERE j.cluster = n.name
                      AND j.state IN ('dispatching', 'submitted', 'running', 'cancelling'))
""")
QUEUES = text("SELECT path, tier, description FROM queues ORDER BY path")
ACTION_OF = {"active": "activate", "cordoned": "cordon", "drained": "drain"}


async def register(
    tx: AsyncConnection, profiles: Sequence[ClusterProfile], queues: Mapping[str, tuple[int, str]]
) -> list[str]:
    """Make the configured clusters and queues known; names of clusters that are configured no more.

    What people asked of a cluster stays, and so does the row of a removed one: jobs refer to it.
    """
    # in one order, whatever the file's: processes that read a new one register it at the same time
    for profile in sorted(profiles, key=lambda profile: profile.name):
        await tx.execute(
            REGISTER_CLUSTER,
            {
                "name": profile.name,
                "adapter": profile.adapter,
                "weight": profile.weight,
                "capabilities": json.dumps(profile.capabilities()),
            },
        )
    for path, (tier, description) in sorted(queues.items()):
        await tx.execute(REGISTER_QUEUE, {"path": path, "tier": tier, "description": description})
    await tx.execute(FORGET_QUEUES, {"paths": list(queues)})
    removed = await tx.execute(REMOVED, {"names": [profile.name for profile in profiles]})
    return [row.name for row in removed]


async def facts(tx: AsyncConnection, profiles: Mapping[str, ClusterProfile]) -> list[ClusterFacts]:
    """What routing needs to know of each configured cluster, now."""
    rows = await tx.execute(FACTS)
    return [
        ClusterFacts(profiles[row.name], _shown(row), row.live, is_reachable=row.is_reachable)
        for row in rows
        if row.name in profiles
    ]


async def heard(tx: AsyncConnection, name: str, *, version: str | None = None) -> None:
    """Note that the cluster answered."""
    await tx.execute(HEARD, {"name": name, "version": version})


async def silent(tx: AsyncConnection, name: str, *, message: str) -> None:
    """Note that the cluster could not be asked; what people asked of it stays."""
    await tx.execute(SILENT, {"name": name, "message": message})


async def ask(
    tx: AsyncConnection,
    name: str,
    *,
    state: WantedState,
    principal: str,
    reason: str,
    origin: Origin = INSIDE,
) -> bool:
    """Ask for a cluster's state, for *principal*; whether that changed anything. Audited either way."""
    wish = {"name": name, "state": state.value, "principal": principal, "reason": reason} | asdict(origin)
    rows = await tx.execute(ASK, wish | {"action": ACTION_OF[state.value]})
    return rows.first() is not None


async def clusters(tx: AsyncConnection) -> list[dict[str, Any]]:
    """Every cluster, as shown; removed ones too."""
    return [_with_state(row) for row in (await tx.execute(CLUSTERS)).mappings()]


async def cluster(tx: AsyncConnection, name: str) -> dict[str, Any] | None:
    """One cluster, as shown."""
    row = (await tx.execute(CLUSTER, {"name": name})).mappings().first()
    return _with_state(row) if row else None


async def with_live_jobs(tx: AsyncConnection, names: Collection[str]) -> set[str]:
    """Those of *names* that hold jobs which have not ended."""
    return {row.name for row in await tx.execute(LIVE, {"names": list(names)})}


async def queues(tx: AsyncConnection) -> list[RowMapping]:
    """Every queue, as shown."""
    return list((await tx.execute(QUEUES)).mappings())


async def queue_tiers(tx: AsyncConnection) -> dict[str, int]:
    """Tier of each queue by its full path."""
    rows: list[Any] = list(await tx.execute(QUEUES))
    return {row.path: row.tier for row in rows}


def _shown(row: Any) -> ClusterState:
    return shown_state(WantedState(row.wanted_state), is_reachable=row.is_reachable)


def _with_state(row: RowMapping) -> dict[str, Any]:
    return {**row, "state": _shown(row).value}
