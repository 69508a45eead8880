"""Tokens of service accounts: the API server is asked, and its silence is no yes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from archer.api.auth import accounts
from archer.api.auth.accounts import KNOWN_SECONDS, UNKNOWN_SECONDS, AccountTokens
from archer.api.auth.callers import Callers
from archer.api.auth.issuers import Unverified
from archer.api.auth.refusal import Refusal
from archer.errors import ClusterUnavailable, IdentityUnavailable, Unauthenticated
from archer.site.access import AccessFile, Kubernetes
from tests.api.auth.people import access
from tests.api.auth.test_jwt import encoded

ISSUER = "https://kubernetes.default.svc.cluster.local"
ENTRY: dict[str, Any] = {
    "name": "jobs",
    "service_accounts": {"airflow/worker": {"ads": "submit"}},
}
USER = "system:serviceaccount:airflow:worker"


def token(number: int = 1, **claims: Any) -> str:
    given = {"iss": ISSUER, "aud": ["archer"], "n": number} | claims
    return f"{encoded({'alg': 'RS256'})}.{encoded(given)}.AAAA"


@dataclass
class ApiServer:
    """Answers token reviews as a test wants."""

    user: str | None = USER
    is_up: bool = True
    asked: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.gate.set()

    async def review(self, token: str, audience: str) -> str | None:
        assert audience == "archer"
        self.asked += 1
        await self.gate.wait()
        if not self.is_up:
            raise ClusterUnavailable("no answer in time")
        return self.user

    def tokens(self) -> AccountTokens:
        return AccountTokens(Kubernetes.model_validate(ENTRY), self.review, clock=lambda: self.now)


async def ask(tokens: AccountTokens, text: str = "") -> Any:
    text = text or token()
    return await tokens.principal(text, Unverified.of(text))


async def test_an_account_is_asked_about_once_in_a_minute():
    server = ApiServer()
    tokens = server.tokens()
    *_, principal = [await ask(tokens) for _ in range(5)]
    assert (principal.name, principal.method, principal.may_submit("ads")) == (USER, "kubernetes", True)
    assert server.asked == 1
    server.now = KNOWN_SECONDS
    server.user = None  # its account was deleted
    with pytest.raises(Refusal):
        await ask(tokens)
    assert server.asked == 2


async def test_a_refusal_is_kept_for_a_moment():
    server = ApiServer(user=None)
    tokens = server.tokens()
    for _ in range(5):
        with pytest.raises(Refusal):
            await ask(tokens)
    assert server.asked == 1
    server.user, server.now = USER, UNKNOWN_SECONDS
    assert await ask(tokens)


async def test_silence_is_no_answer_and_is_not_kept():
    server = ApiServer(is_up=False)
    tokens = server.tokens()
    with pytest.raises(IdentityUnavailable):
        await ask(tokens)
    server.is_up = True
    assert await ask(tokens)


async def test_an_account_that_was_let_in_stays_so_for_its_minute_while_the_api_server_is_away():
    server = ApiServer()
    tokens = server.tokens()
    await ask(tokens)
    server.is_up, server.now = False, KNOWN_SECONDS - 1
    assert await ask(tokens)
    server.now = KNOWN_SECONDS
    with pytest.raises(IdentityUnavailable):
        await ask(tokens)


async def test_many_calls_at_once_ask_once():
    server = ApiServer()
    server.gate.clear()
    tokens = server.tokens()
    asking = [asyncio.create_task(ask(tokens)) for _ in range(20)]
    await asyncio.sleep(0)
    asking[0].cancel()
    server.gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [one for one in found[1:] if isinstance(one, BaseException)] == []
    assert server.asked == 1


async def test_a_flood_of_tokens_is_not_passed_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(accounts, "MAX_ASKING", 3)
    server = ApiServer()
    server.gate.clear()
    tokens = server.tokens()
    asking = [asyncio.create_task(ask(tokens, token(number))) for number in range(10)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    server.gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert sum(isinstance(one, IdentityUnavailable) for one in found) == 7
    assert server.asked == 3


async def test_answers_are_kept_for_so_many_tokens_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(accounts, "MAX_ANSWERS", 3)
    server = ApiServer()
    tokens = server.tokens()
    for number in range(10):
        await ask(tokens, token(number))
    assert len(tokens._answers) == 3
    assert not [key for key in tokens._answers if b"eyJ" in key], "hashes, never tokens"


@pytest.mark.parametrize(
    "user",
    [
        "system:serviceaccount:airflow:other",
        "system:serviceaccount:airflow/worker:x",
        "system:serviceaccount:x",
    ],
)
async def test_an_account_that_nobody_named_is_nobody(user: str):
    server = ApiServer(user=user)
    callers = Callers(AccessFile(access(kubernetes=[ENTRY])), reviewer=lambda _: server.review)
    with pytest.raises(Unauthenticated):
        await callers.of([f"Bearer {token()}"])


@pytest.mark.parametrize("user", ["system:admin", "airflow:worker", ""])
async def test_a_user_that_is_no_service_account_is_nobody(user: str):
    with pytest.raises(Refusal):
        await ask(ApiServer(user=user).tokens())


async def test_the_api_server_is_not_asked_about_tokens_of_other_issuers_or_audiences():
    server = ApiServer()
    file = AccessFile(access(kubernetes=[ENTRY]))
    callers = Callers(file, reviewer=lambda _: server.review)
    for bad in (token(iss="https://other"), token(iss=None), token(aud="other"), token(aud=None), "a.b.c"):
        with pytest.raises(Unauthenticated):
            await callers.of([f"Bearer {bad}"])
    assert server.asked == 0
    assert (await callers.of([f"Bearer {token()}"])).name == USER
