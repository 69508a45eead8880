"""The audit says from where and of which queue, and can be thinned out without being readable."""

from alembic import op

from archer.store.migrations import statements

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for statement in statements("0005_pre_audit"):
        op.get_bind().exec_driver_sql(statement)
