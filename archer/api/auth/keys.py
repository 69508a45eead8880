"""The public keys of one issuer: from the configured address only, kept for a while when it is down.

Young keys are used as they are. Older ones are used while new ones are fetched, up to an hour; then nobody of
this issuer is let in until it answers. A key that is not known makes Archer look again, but not often.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Final

import httpx2
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from archer.errors import IdentityUnavailable

log = structlog.get_logger(__name__)

FRESH_SECONDS: Final = 300.0
MAX_AGE_SECONDS: Final = 3600.0
AGAIN_SECONDS: Final = 30.0  # between two looks for keys that are not known
PAUSE_SECONDS: Final = 5.0  # after a look that failed
FETCH_SECONDS: Final = 5.0
MAX_BYTES: Final = 256 * 1024
MAX_KEYS: Final = 100
RSA_BITS: Final = range(2048, 8192 + 1)  # shorter ones are broken, longer ones hold up the event loop

Key = RSAKey | ECKey


class Keys:
    """The keys behind one address, by their id."""

    def __init__(
        self, url: str, http: httpx2.AsyncClient, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._http = http
        self._clock = clock
        self._keys: dict[str | None, Key] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._sought_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def get(self, kid: str | None) -> Key | None:
        """The key of that id, or the only one there is; None when the issuer has no such key.

        Raises:
            IdentityUnavailable: The issuer has not answered for an hour, or not since that key may be there.
        """
        now = self._clock()
        age = now - self._fetched_at
        if age > FRESH_SECONDS and now - self._tried_at > PAUSE_SECONDS:
            self._fetch()
        if age > MAX_AGE_SECONDS:
            await self._fetched()
            if self._clock() - self._fetched_at > MAX_AGE_SECONDS:
                raise IdentityUnavailable("The issuer of this token does not answer.")
        found = self._find(kid)
        if found is not None:
            return found
        if now - max(self._sought_at, self._fetched_at) > AGAIN_SECONDS:
            self._sought_at = now
            self._fetch()
        await self._fetched()
        found = self._find(kid)
        if found is None and self._tried_at > self._fetched_at:  # could not ask: not the same as no such key
            raise IdentityUnavailable("The issuer of this token does not answer.")
        return found

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _find(self, kid: str | None) -> Key | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    def _fetch(self) -> None:
        """Begin to fetch the keys, unless somebody has."""
        if self._fetching is None:
            self._tried_at = self._clock()
            self._fetching = asyncio.create_task(self._replace(), name="keys of an issuer")

    async def _fetched(self) -> None:
        if self._fetching is not None:
            await asyncio.shield(self._fetching)  # a caller that goes away takes it from nobody

    async def _replace(self) -> None:
        try:
            self._keys = await self._read()
            self._fetched_at = self._clock()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TimeoutError) as error:
            log.warning("an issuer does not give its keys", url=self._url, error=str(error) or repr(error))
        except Exception:
            log.exception("an issuer's keys were not read", url=self._url)
        finally:
            self._fetching = None

    async def _read(self) -> dict[str | None, Key]:
        data = bytearray()
        async with (
            asyncio.timeout(FETCH_SECONDS),
            self._http.stream("GET", self._url, follow_redirects=False) as answer,
        ):
            if answer.status_code != httpx2.codes.OK:
                raise ValueError(f"it answers {answer.status_code}")
            async for piece in answer.aiter_bytes():
                data += piece
                if len(data) > MAX_BYTES:
                    raise ValueError(f"it answers more than {MAX_BYTES} bytes")
        document = json.loads(data)
        listed = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            raise ValueError("it answers no list of keys")
        keys = {key.kid: key for one in listed[:MAX_KEYS] if (key := _imported(one)) is not None}
        if not keys:
            raise ValueError("it has no key that may sign tokens")
        return keys


def _imported(one: Any) -> Key | None:
    """A public key for signatures; anything else, a shared secret above all, is left out."""
    if not isinstance(one, dict) or one.get("kty") not in ("RSA", "EC") or one.get("use", "sig") != "sig":
        return None
    if not isinstance(one.get("kid"), str | None):
        return None
    if one["kty"] == "RSA" and not _is_of_use(one.get("n")):
        return None
    try:
        key = JWKRegistry.import_key({name: value for name, value in one.items() if name != "key_ops"})
    except (JoseError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAKey | ECKey) else None


def _is_of_use(modulus: Any) -> bool:
    """Whether an RSA key's modulus, in base64url, is of a length that is taken; seen before the import."""
    return isinstance(modulus, str) and (len(modulus) * 6 // 8) * 8 in RSA_BITS
