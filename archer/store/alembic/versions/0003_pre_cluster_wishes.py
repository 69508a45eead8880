"""What people ask of a cluster, by whom, when and why, beside whether it answers; and which were removed."""

from alembic import op

from archer.store.migrations import statements

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for statement in statements("0003_pre_cluster_wishes"):
        op.get_bind().exec_driver_sql(statement)
