"""What Moka UI reads from its environment."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
STATIC: Final = Path(__file__).parent / "static"


class Settings(BaseSettings):
    """Settings of the `moka-ui` process; the environment only."""

    model_config = SettingsConfigDict(env_prefix="MOKA_UI_", frozen=True, extra="forbid")

    database: str = Field(description="libpq URL of a login that is a member of the role `moka_ui_ro`.")
    database_connections: PositiveInt = Field(
        default=10, le=100, description="Most connections to Postgres at once."
    )
    statement_timeout_seconds: PositiveFloat = Field(
        default=5, le=60, description="A query that takes longer is given up; the page then says so."
    )
    archer_url: str = Field(
        default="http://127.0.0.1:8080",
        pattern=r"^https?://[^\s]+$",
        description="Archer's HTTP API. Moka UI asks it for logs only; people see it in `curl` commands.",
    )
    archer_token: SecretStr = Field(
        default=SecretStr(""), description="Archer's token for Moka UI: the role `view` in every tenant."
    )
    archer_timeout_seconds: PositiveFloat = Field(
        default=10, description="Longest wait for the first byte of a log."
    )
    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on. Moka UI has no login: beyond loopback only with `trusted_proxy`.",
    )
    port: int = Field(default=8090, ge=0, le=65535, description="Port to listen on.")
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Host names that requests may carry. Empty: loopback names; beyond loopback required.",
    )
    trusted_proxy: bool = Field(
        default=False,
        description="Whether a proxy that asks for a login is the only one that reaches Moka UI.",
    )
    static_dir: Path = Field(default=STATIC, description="The built page.")

    @property
    def hosts(self) -> frozenset[str]:
        """Host names that are answered. A stranger's name on loopback is DNS rebinding."""
        return frozenset(self.allowed_hosts) or LOOPBACK

    @model_validator(mode="after")
    def _has_a_login_before_it(self) -> Self:
        if self.host in LOOPBACK:
            return self
        if not self.trusted_proxy:
            raise ValueError(
                f"on {self.host} everybody would see all jobs: MOKA_UI_TRUSTED_PROXY=true says that a proxy"
                " with a login is in front; without one Moka UI listens on loopback only"
            )
        if not self.allowed_hosts:
            raise ValueError(f"on {self.host} MOKA_UI_ALLOWED_HOSTS has to name the hosts of the proxy")
        return self
