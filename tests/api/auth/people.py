"""Callers of each kind, an issuer that signs their tokens, and Archer that knows them."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from joserfc import jws
from joserfc.jwk import RSAKey

from archer.api.auth.callers import Callers
from archer.site.access import Access, AccessFile, hash_of
from archer.store.engine import Database
from tests.api.rig import Rig, open_rig

ISSUER = "https://idp.example.com"
JWKS_URL = "https://idp.example.com/keys"
AUDIENCE = "archer"
OURS, THEIRS = "ads", "finance"
PAST = "2020-01-01T00:00:00Z"
GRANTS: dict[str, dict[str, str]] = {
    "roleless": {},
    "other": {THEIRS: "admin"},
    "viewer": {OURS: "view"},
    "submitter": {OURS: "submit", THEIRS: "view"},
    "owner": {OURS: "admin"},
    "watcher": {"*": "view"},
    "platform": {"*": "admin"},
}


def token_of(name: str) -> str:
    """The static token of one of the people; made up, and long enough to look like one."""
    return f"moka_{name}_{'x' * 30}"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def access(**more: Any) -> Access:
    """An access file with everybody in it."""
    tokens: list[dict[str, Any]] = [
        {"name": name, "sha256": hash_of(token_of(name)), "roles": roles} for name, roles in GRANTS.items()
    ]
    expired = {"name": "expired", "sha256": hash_of(token_of("expired")), "roles": {"*": "admin"}}
    return Access.model_validate({"tokens": [*tokens, expired | {"expires_at": PAST}], **more})


@dataclass
class Idp:
    """An OpenID Connect issuer whose keys are asked for; a test turns it off and changes its keys."""

    keys: list[RSAKey] = field(default_factory=list)
    is_up: bool = True
    asked: int = 0
    answer: bytes | None = None

    def add(self, kid: str) -> RSAKey:
        key = RSAKey.generate_key(2048, {"kid": kid})
        self.keys.append(key)
        return key

    def entry(self, **more: Any) -> dict[str, Any]:
        return {
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "jwks_url": JWKS_URL,
            "algorithms": ["RS256", "ES256"],
            "groups": {"ads-eng": {OURS: "submit"}},
        } | more

    def http(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        assert str(request.url) == JWKS_URL, "nothing in a token may lead elsewhere"
        self.asked += 1
        if not self.is_up:
            return httpx2.Response(503)
        if self.answer is not None:
            return httpx2.Response(200, content=self.answer)
        return httpx2.Response(200, json={"keys": [key.as_dict(private=False) for key in self.keys]})

    def callers(self, **more: Any) -> Callers:
        return Callers(AccessFile(access(issuers=[self.entry(**more)])), http=self.http())


def claims(**changed: Any) -> dict[str, Any]:
    """Claims that are taken; None leaves one out."""
    now = int(time.time())
    made = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "amara",
        "groups": ["ads-eng"],
        "iat": now,
        "exp": now + 600,
    } | changed
    return {name: value for name, value in made.items() if value is not None}


def signed(key: Any, header: dict[str, Any] | None = None, **changed: Any) -> str:
    """A token of *key*; header fields and claims may be changed."""
    head = {"alg": "RS256", "kid": key.kid} | (header or {})
    head = {name: value for name, value in head.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[head["alg"]], strict_check_header=False)
    registry.max_header_length = 100_000
    return jws.serialize_compact(head, json.dumps(claims(**changed)).encode(), key, registry=registry)


@asynccontextmanager
async def open_guarded(database: Database, callers: Callers | None = None, **more: Any) -> AsyncIterator[Rig]:
    """Archer that wants a token."""
    callers = callers or Callers(AccessFile(access()))
    async with open_rig(database, callers=callers, **more) as rig:
        yield rig
    await callers.close()
