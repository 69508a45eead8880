"""The first schema: jobs, their specs, attempts and events, clusters, queues, and views for Moka UI."""

from alembic import op

from archer.store.migrations import statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    for statement in statements("0001_pre_jobs"):
        op.get_bind().exec_driver_sql(statement)
