"""Brings a database to the newest schema, forward only and one process at a time.

Each migration is one SQL file beside its Alembic revision: ``NNNN_{pre,post}_name.sql``, where *pre* runs
while the previous release still serves. Statements are separated by lines that hold only ``--;``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

SCRIPTS: Final = Path(__file__).parent / "alembic"
MIGRATION_LOCK: Final = 0x6D6F6B61  # "moka"; an arbitrary number that nothing else in the database uses

TABLE_LOCK_TIMEOUT: Final = "4s"


def statements(migration: str) -> list[str]:
    """Statements of the migration file *migration*, in order."""
    text = (SCRIPTS / "versions" / f"{migration}.sql").read_text(encoding="utf-8")
    return [part.strip() for part in text.split("\n--;\n") if part.strip()]


def migrate(dsn: str) -> None:
    """Upgrade the database at *dsn* to the newest schema, under an advisory lock.

    Args:
        dsn: libpq connection string of a role that may create tables and roles.
    """
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(dsn, options="-c lock_timeout=0 -c statement_timeout=0"),
    )
    try:
        with engine.connect() as connection:
            # for another migrator any time, for a table not: whatever comes later would wait behind us
            connection.exec_driver_sql("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
            connection.exec_driver_sql(f"SET lock_timeout = '{TABLE_LOCK_TIMEOUT}'")
            connection.exec_driver_sql("SET statement_timeout = '60s'")
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (MIGRATION_LOCK,))
            connection.commit()
    finally:
        engine.dispose()
