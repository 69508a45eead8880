"""A queue for each cluster, and the proof of absence that lets a placed job move."""

from alembic import op

from archer.store.migrations import statements

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for statement in statements("0004_pre_lanes"):
        op.get_bind().exec_driver_sql(statement)
