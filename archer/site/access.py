"""The access file: who may call Archer, by which proof, and what each may do in which tenant.

Read again while Archer runs, as the clusters file is: a wrong content keeps the last good one.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import structlog
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from archer.domain.request import TENANT_FORM
from archer.domain.tenancy.principal import EVERY_TENANT, Role
from archer.errors import SettingsError
from archer.settings import parse_settings

log = structlog.get_logger(__name__)

MAX_BYTES: Final = 4 * 1024 * 1024
# What a JWT may be signed with: keys whose public half verifies, so that whoever can verify cannot sign.
# Source: RFC 7518, 3.1, and RFC 8725, 3.1 and 3.2.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
Tenant = Annotated[str, StringConstraints(pattern=rf"{TENANT_FORM}|^\{EVERY_TENANT}$")]
Grants = Annotated[dict[Tenant, Role], Field(description="Role by tenant; `*` is every tenant.")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@/-]{0,199}$")]
Claim = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
# Keys and tokens go over it, so it is encrypted, but for this machine itself, where tests and sidecars are.
KeysUrl = Annotated[
    str,
    StringConstraints(
        max_length=2000,
        pattern=r"^(https://[^\s@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?(/[^\s@]*)?)$",
    ),
]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StaticToken(_Strict):
    """A token that Archer knows by its hash. Two of one name may live at once, for a change."""

    name: Name = Field(description="Who has it: the owner of its jobs, and the name in the audit.")
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="Hash of the token, as `moka token` prints it."
    )
    roles: Grants
    expires_at: AwareDatetime | None = Field(default=None, description="From when on it is refused.")


class Issuer(_Strict):
    """An OpenID Connect issuer whose tokens are taken."""

    issuer: str = Field(min_length=1, max_length=500, description="Exactly as `iss` has it.")
    audience: str = Field(min_length=1, max_length=500, description="Archer's name there; `aud` has it.")
    algorithms: tuple[Algorithm, ...] = Field(
        default=("RS256",), min_length=1, description="What its tokens may be signed with."
    )
    jwks_url: KeysUrl = Field(description="Where its keys are. Nothing in a token leads elsewhere.")
    name_claim: str = Field(default="sub", min_length=1, max_length=100, description="Claim with the name.")
    name_prefix: str = Field(
        default="oidc:",
        pattern=r"^[!-~]{0,50}$",
        description="Put before each name, so that no two kinds of callers share one.",
    )
    groups_claim: str = Field(
        default="groups", min_length=1, max_length=100, description="Claim with a list of groups."
    )
    groups: dict[Claim, Grants] = Field(default={}, description="What each group may do.")
    names: dict[Claim, Grants] = Field(default={}, description="What single names may do besides.")


class Kubernetes(_Strict):
    """A cluster whose API server is asked about the tokens of its service accounts."""

    name: str = Field(pattern=r"^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$", description="What the log calls it.")
    kubeconfig: Path | None = Field(
        default=None, description="How it is reached; the pod's own service account when absent."
    )
    context: str | None = Field(default=None, description="Context of the kubeconfig.")
    issuer: str = Field(
        default="https://kubernetes.default.svc.cluster.local",
        min_length=1,
        max_length=500,
        description="`iss` of its tokens: its `--service-account-issuer`. It is asked about no others.",
    )
    audience: str = Field(
        default="archer", min_length=1, max_length=500, description="Which the token has to be made for."
    )
    service_accounts: dict[
        Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,63}/[a-z0-9.-]{1,253}$")], Grants
    ] = Field(min_length=1, description="What each `namespace/name` may do.")


class Access(_Strict):
    """The access file."""

    tokens: tuple[StaticToken, ...] = Field(default=(), description="Static tokens, known by their hash.")
    issuers: tuple[Issuer, ...] = Field(default=(), description="OpenID Connect issuers.")
    kubernetes: tuple[Kubernetes, ...] = Field(
        default=(), description="Clusters whose service accounts are callers."
    )

    @model_validator(mode="after")
    def _knows_everybody_once(self) -> Self:
        for what, given in (
            ("hash", [token.sha256 for token in self.tokens]),
            ("issuer", [one.issuer for one in (*self.issuers, *self.kubernetes)]),
            ("name_prefix", [one.name_prefix for one in self.issuers]),
            ("cluster", [one.name for one in self.kubernetes]),
        ):
            twice = sorted(one for one, count in Counter(given).items() if count > 1)
            if twice:
                raise ValueError(f"the {what} {twice[0]} stands there twice")
        if (self.tokens or self.kubernetes) and any(not one.name_prefix for one in self.issuers):
            raise ValueError("an issuer with an empty name_prefix and other callers would share names")
        live = Counter(
            t.name for t in self.tokens if t.expires_at is None or t.expires_at > datetime.now(UTC)
        )
        many = sorted(name for name, count in live.items() if count > 2)
        if many:
            raise ValueError(f"{many[0]} has more than two tokens: one to change, and the one after it")
        if not (self.tokens or self.issuers or self.kubernetes):
            raise ValueError("nobody could call Archer")
        return self


class AccessFile:
    """Follows the access file: its last good content, and what is wrong with the present one."""

    def __init__(self, access: Access, path: Path | None = None) -> None:
        self.current = access
        self.problem = ""
        self._path = path
        self._content = b""  # the last that was taken
        self._refused = ""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file at the start. Raises ``SettingsError``."""
        return cls(parse_access(_content(path), path), path)

    async def run(self, *, every_seconds: float, stop: asyncio.Event) -> None:
        """Look at the file until *stop* is set."""
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), every_seconds)
            except TimeoutError:
                await self.look()

    async def look(self) -> None:
        """Read the file again, and take what it says if that is right."""
        if self._path is None:
            return
        try:
            content = await asyncio.to_thread(_content, self._path)
            if content == self._content:  # the parser takes a hundred times what a comparison does
                self.problem = self._refused = ""
                return
            access = await asyncio.to_thread(parse_access, content, self._path)
        except Exception as error:  # whatever is wrong with it, the last good one goes on
            self.problem = f"the last good content goes on: {error}"
            if self._refused != str(error):
                self._refused = str(error)
                log.warning("the access file is wrong: the last good one goes on", error=str(error))
            return
        if access != self.current:
            self.current = access
            log.info("the access file changed")
        self._content = content
        self.problem = self._refused = ""


def parse_access(content: bytes, path: Path) -> Access:
    """Understand the content of the access file at *path*. Raises ``SettingsError``."""
    return parse_settings(Access, content, path)


def hash_of(token: str) -> str:
    """The hash that an access file knows a static token by."""
    return hashlib.sha256(token.encode()).hexdigest()


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path}: {error}") from error
    if len(content) > MAX_BYTES:
        raise SettingsError(f"{path}: it has more than {MAX_BYTES} bytes")
    return content
