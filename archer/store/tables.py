"""The columns that filters and reads name. The migrations make the tables; a test compares the two."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP, UUID

metadata = MetaData()
_TIME = TIMESTAMP(timezone=True)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text),
    Column("type", Text),
    Column("state", Text),
    Column("reason", Text),
    Column("fault", Text),
    Column("tenant", Text),
    Column("owner", Text),
    Column("queue", Text),
    Column("tier", SmallInteger),
    Column("arch", Text),
    Column("spark_version", Text),
    Column("cluster", Text),
    Column("attempt", SmallInteger),
    Column("version", Integer),
    Column("priority", SmallInteger),
    Column("labels", JSONB),
    Column("correlation_id", Text),
    Column("waiting", Text),
    Column("run_after", _TIME),
    Column("claimed_by", UUID),
    Column("claim_epoch", Integer),
    Column("claim_expires_at", _TIME),
    Column("cancel_requested_at", _TIME),
    Column("cancel_reason", Text),
    Column("deadline_at", _TIME),
    Column("created_at", _TIME),
    Column("started_at", _TIME),
    Column("ended_at", _TIME),
)

job_specs = Table(
    "job_specs",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("request", Text),
    Column("fingerprint", BYTEA),
)

attempts = Table(
    "attempts",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("number", SmallInteger, primary_key=True),
    Column("cluster", Text),
    Column("namespace", Text),
    Column("application", Text),
    Column("uid", Text),
    Column("rank", SmallInteger),
    Column("application_state", Text),
    Column("spark_app_id", Text),
    Column("driver_pod", Text),
    Column("placement", JSONB),
    Column("manifest", Text),
    Column("spec_sha256", Text),
    Column("exit_code", Integer),
    Column("reason", Text),
    Column("fault", Text),
    Column("message", Text),
    Column("evidence", JSONB),
    Column("executors_running", Integer),
    Column("executors_failed", Integer),
    Column("executors_completed", Integer),
    Column("placed_at", _TIME),
    Column("submitted_at", _TIME),
    Column("scheduled_at", _TIME),
    Column("started_at", _TIME),
    Column("ended_at", _TIME),
    Column("image_failure", Text),
    Column("image_deadline_at", _TIME),
    Column("absent_since", _TIME),
)

job_events = Table(
    "job_events",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at", _TIME),
    Column("attempt", SmallInteger),
    Column("kind", Text),
    Column("state", Text),
    Column("message", Text),
)

clusters = Table(
    "clusters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("adapter", Text),
    Column("state", Text),
    Column("weight", Integer),
    Column("capabilities", JSONB),
    Column("version", Text),
    Column("message", Text),
    Column("last_seen_at", _TIME),
    Column("wanted_state", Text),
    Column("wanted_by", Text),
    Column("wanted_at", _TIME),
    Column("wanted_reason", Text),
    Column("is_reachable", Boolean),
    Column("removed_at", _TIME),
)

queues = Table(
    "queues",
    metadata,
    Column("path", Text, primary_key=True),
    Column("tier", SmallInteger),
    Column("description", Text),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("job_id", Text),
    Column("fingerprint", BYTEA),
    Column("created_at", _TIME),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("resource_version", Text),
    Column("recorded_at", _TIME),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("at", _TIME),
    Column("principal", Text),
    Column("action", Text),
    Column("object", Text),
    Column("tenant", Text),
    Column("decision", Text),
    Column("reason", Text),
    Column("fingerprint", BYTEA),
    Column("method", Text),
    Column("ip", Text),
    Column("request_id", Text),
    Column("queue", Text),
    Column("times", Integer),
)
