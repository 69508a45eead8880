"""Everybody who may call, as the access file has it now: from a token to a principal.

All tokens that are not taken are answered alike. Which check failed is counted, and logged a few times a
second at most, without the token.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx2
import structlog

from archer.api.auth.accounts import AccountTokens, Review
from archer.api.auth.issuers import IssuedTokens, Unverified
from archer.api.auth.keys import Keys
from archer.api.auth.refusal import Refusal
from archer.domain.tenancy.principal import Principal, Role, principal_of
from archer.errors import Unauthenticated
from archer.limits.buckets import Buckets
from archer.site.access import Access, AccessFile, Kubernetes
from archer.telemetry import REFUSED_TOKENS

log = structlog.get_logger(__name__)

MAX_TOKEN_BYTES: Final = 8 * 1024
PREFIX: Final = "moka_"  # of static tokens, so that scanners of repositories know a leaked one
SCHEME: Final = "bearer "
LINES_PER_SECOND: Final = 2.0
WORDS: Final = "There is no token in this request that Archer takes."


@dataclass(frozen=True, slots=True)
class _Known:
    digest: bytes
    expires_at: float
    principal: Principal


class Callers:
    """From the header ``Authorization`` to a principal."""

    def __init__(
        self,
        file: AccessFile | None,
        *,
        owner: str = "local",
        reviewer: Callable[[Kubernetes], Review] | None = None,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._file = file
        self._everybody = Principal(owner, "loopback", everywhere=Role.ADMIN) if file is None else None
        self._reviewer = reviewer
        self._http = http
        self._seen: Access | None = None
        self._static: dict[bytes, _Known] = {}
        self._issuers: dict[str, IssuedTokens | AccountTokens] = {}
        self._keys: dict[str, Keys] = {}
        self._lines = Buckets(per_second=LINES_PER_SECOND, burst=10)
        if file is not None:
            self._take(file.current)

    @property
    def is_open(self) -> bool:
        """Whether everybody is the owner, since no access file says who may call."""
        return self._everybody is not None

    @property
    def problem(self) -> str | None:
        """What is wrong with the access file's present content; None where there is no such file."""
        return self._file.problem if self._file is not None else None

    async def of(self, headers: list[str]) -> Principal:
        """Who sends these ``Authorization`` headers.

        Raises:
            Unauthenticated: Nobody that the access file grants a role.
            IdentityUnavailable: Whoever knows does not answer.
        """
        if self._everybody is not None:
            return self._everybody
        try:
            principal = await self._principal(headers)
            if not principal.is_granted:
                raise Refusal("granted", f"{principal.name} has no role")
            return principal
        except Refusal as refusal:
            REFUSED_TOKENS.labels(refusal.check).inc()
            if not self._lines.take("", now=time.monotonic()):
                log.info("a token is not taken", check=refusal.check, why=str(refusal))
        raise Unauthenticated(WORDS)

    async def close(self) -> None:
        """Close the connections to issuers."""
        for keys in self._keys.values():
            await keys.close()
        if self._http is not None:
            await self._http.aclose()

    async def _principal(self, headers: list[str]) -> Principal:
        if self._file is not None and self._file.current is not self._seen:
            self._take(self._file.current)
        if len(headers) != 1:
            raise Refusal("missing" if not headers else "several")
        header = headers[0]
        if header[: len(SCHEME)].lower() != SCHEME:
            raise Refusal("scheme")
        token = header[len(SCHEME) :].strip(" ")
        if not token or len(token) > MAX_TOKEN_BYTES or not token.isascii():
            raise Refusal("form", "empty, too long, or not ASCII")
        if token.startswith(PREFIX):
            return self._of_static(token)
        parts = Unverified.of(token)
        issuer = parts.claims.get("iss")
        tokens = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if tokens is None:
            raise Refusal("issuer")
        return await tokens.principal(token, parts)

    def _of_static(self, token: str) -> Principal:
        digest = hashlib.sha256(token.encode()).digest()
        # found by what nobody can choose: a hash. Compared once more in constant time.
        known = self._static.get(digest)
        if known is None or not hmac.compare_digest(known.digest, digest):
            raise Refusal("unknown")
        if known.expires_at <= time.time():
            raise Refusal("expired")
        return known.principal

    def _take(self, access: Access) -> None:
        """Be as *access* says; keys of issuers that stay are kept."""
        self._seen = access
        self._static = {}
        for token in access.tokens:
            digest = bytes.fromhex(token.sha256)
            ends = (token.expires_at or datetime.max.replace(tzinfo=UTC)).timestamp()
            self._static[digest] = _Known(digest, ends, principal_of(token.name, "token", token.roles))
        if access.issuers and self._http is None:
            self._http = httpx2.AsyncClient()
        before, self._keys, self._issuers = self._keys, {}, {}
        for issuer in access.issuers:
            assert self._http is not None  # noqa: S101  (made above)
            url = issuer.jwks_url
            self._keys[url] = self._keys.get(url) or before.get(url) or Keys(url, self._http)
            self._issuers[issuer.issuer] = IssuedTokens(issuer, self._keys[url])
        for cluster in access.kubernetes:
            assert self._reviewer is not None, "no way to ask an API server"  # noqa: S101
            self._issuers[cluster.issuer] = AccountTokens(cluster, self._reviewer(cluster))
