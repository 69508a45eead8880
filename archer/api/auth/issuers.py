"""JSON Web Tokens of the configured issuers. Nothing in a token decides how it is checked.

The issuer's entry says which algorithms, whose keys, which issuer and which audience; of the header only
``alg`` and ``kid`` are looked at. Source: RFC 8725, 3.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from archer.api.auth.keys import Keys
from archer.api.auth.refusal import Refusal
from archer.domain.tenancy.principal import Principal, principal_of, united
from archer.site.access import Issuer

LEEWAY_SECONDS: Final = 60
MAX_TIME: Final = 2**53
MAX_GROUPS: Final = 1_000
NAME: Final = re.compile(r"[!-~]{1,253}\Z")


class _Registry(JWSRegistry):
    max_header_length = 8 * 1024  # the whole token is no longer; some issuers put certificates into it


@dataclass(frozen=True, slots=True)
class Unverified:
    """The parts of a token before anybody has checked them: good for choosing whom to ask, no more."""

    header: dict[str, Any]
    claims: dict[str, Any]

    @classmethod
    def of(cls, token: str) -> Unverified:
        """Take a token apart. Raises ``Refusal``."""
        parts = token.split(".")
        if len(parts) != 3 or not all(parts):
            raise Refusal("form", "not three parts")
        return cls(_document(parts[0]), _document(parts[1]))


class IssuedTokens:
    """The tokens of one issuer."""

    def __init__(self, entry: Issuer, keys: Keys, *, clock: Callable[[], float] = time.time) -> None:
        self._entry = entry
        self._keys = keys
        self._clock = clock
        self._registry = _Registry(algorithms=list(entry.algorithms), strict_check_header=False)

    async def principal(self, token: str, parts: Unverified) -> Principal:
        """Who has *token*.

        Raises:
            Refusal: A check failed.
            IdentityUnavailable: The issuer's keys are not to be had.
        """
        entry, header = self._entry, parts.header
        if header.get("alg") not in entry.algorithms:
            raise Refusal("algorithm")
        if "crit" in header:
            raise Refusal("crit")
        kid = header.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise Refusal("kid")
        key = await self._keys.get(kid)
        if key is None:
            raise Refusal("key", "no such key of the issuer")
        try:
            payload = jws.deserialize_compact(token, key, registry=self._registry).payload
            claims = json.loads(payload)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise Refusal("signature", type(error).__name__) from None
        if not isinstance(claims, dict):
            raise Refusal("claims")
        self._check(claims)
        return self._known(claims)

    def _check(self, claims: dict[str, Any]) -> None:
        now = self._clock()
        if claims.get("iss") != self._entry.issuer:
            raise Refusal("issuer")
        audience = claims.get("aud")
        if self._entry.audience not in (audience if isinstance(audience, list) else [audience]):
            raise Refusal("audience")
        if not _is_time(claims.get("exp")) or claims["exp"] <= now - LEEWAY_SECONDS:
            raise Refusal("expired")
        for name in ("nbf", "iat"):
            if name in claims and not (_is_time(claims[name]) and claims[name] <= now + LEEWAY_SECONDS):
                raise Refusal("future", name)

    def _known(self, claims: dict[str, Any]) -> Principal:
        value = claims.get(self._entry.name_claim)
        if not isinstance(value, str) or NAME.match(name := self._entry.name_prefix + value) is None:
            raise Refusal("name")
        # an address that nobody has verified is what its holder says it is. Source: OpenID Connect Core, 5.7
        if self._entry.name_claim == "email" and claims.get("email_verified") is not True:
            raise Refusal("email", "not verified by the issuer")
        listed = claims.get(self._entry.groups_claim)
        groups = listed[:MAX_GROUPS] if isinstance(listed, list) else []
        grants = [
            self._entry.groups[one] for one in groups if isinstance(one, str) and one in self._entry.groups
        ]
        return principal_of(name, "oidc", united([*grants, self._entry.names.get(value, {})]))


def _is_time(value: Any) -> bool:
    # neither true, nor NaN, which is before and after nothing
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MAX_TIME


def _document(part: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise Refusal("form", "a part is not JSON in base64url") from None
    if not isinstance(found, dict):
        raise Refusal("form", "a part is no object")
    return found
