"""Until when a driver may wait for its image, and what the kubelet said of it."""

from alembic import op

from archer.store.migrations import statements

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for statement in statements("0002_pre_driver_images"):
        op.get_bind().exec_driver_sql(statement)
