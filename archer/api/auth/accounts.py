"""Service accounts of Kubernetes: their API server says whose a token is, which is kept for a moment."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Final

from archer.api.auth.issuers import Unverified
from archer.api.auth.refusal import Refusal
from archer.domain.tenancy.principal import Principal, principal_of
from archer.errors import ClusterError, IdentityUnavailable
from archer.site.access import Kubernetes

KNOWN_SECONDS: Final = 60.0  # for so long a deleted account is still let in
UNKNOWN_SECONDS: Final = 10.0
MAX_ANSWERS: Final = 10_000
MAX_ASKING: Final = (
    64  # tokens that nobody has seen before; a flood of them is not passed on to the API server
)
USER_PREFIX: Final = "system:serviceaccount:"  # Source: apiserver pkg/authentication/serviceaccount, util.go

#: Asks an API server about a token for an audience: the user's name, or None when it is not good.
Review = Callable[[str, str], Awaitable[str | None]]


class AccountTokens:
    """The tokens of one cluster's service accounts."""

    def __init__(
        self, entry: Kubernetes, review: Review, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._entry = entry
        self._review = review
        self._clock = clock
        self._answers: dict[bytes, tuple[float, str | None]] = {}
        self._asking: dict[bytes, asyncio.Task[str | None]] = {}

    async def principal(self, token: str, parts: Unverified) -> Principal:
        """Who has *token*.

        Raises:
            Refusal: The API server does not know it, or it is for somebody else.
            IdentityUnavailable: The API server does not answer.
        """
        audience = parts.claims.get("aud")
        if self._entry.audience not in (audience if isinstance(audience, list) else [audience]):
            raise Refusal("audience")  # the API server would say the same
        user = await self._user(token)
        if user is None or not user.startswith(USER_PREFIX):
            raise Refusal("review")
        account = user.removeprefix(USER_PREFIX).replace(":", "/", 1)
        return principal_of(user, "kubernetes", self._entry.service_accounts.get(account, {}))

    async def _user(self, token: str) -> str | None:
        digest = hashlib.sha256(token.encode()).digest()
        until, user = self._answers.get(digest, (0.0, None))
        if self._clock() < until:
            return user
        asking = self._asking.get(digest)
        if asking is None:
            if len(self._asking) >= MAX_ASKING:
                raise IdentityUnavailable("Too many tokens are being looked up.")
            asking = asyncio.create_task(self._ask(digest, token), name="a token review")
            self._asking[digest] = asking
            asking.add_done_callback(lambda done: self._asked(digest, done))
        try:
            return await asyncio.shield(asking)
        except ClusterError as error:
            raise IdentityUnavailable("The API server that knows this token does not answer.") from error

    def _asked(self, digest: bytes, done: asyncio.Task[str | None]) -> None:
        self._asking.pop(digest, None)
        if not done.cancelled():
            done.exception()  # looked at, in case every caller went away

    async def _ask(self, digest: bytes, token: str) -> str | None:
        user = await self._review(token, self._entry.audience)
        while len(self._answers) >= MAX_ANSWERS:
            del self._answers[next(iter(self._answers))]  # the oldest
        self._answers.pop(digest, None)
        self._answers[digest] = (self._clock() + (KNOWN_SECONDS if user else UNKNOWN_SECONDS), user)
        return user
