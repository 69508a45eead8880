"""The issuer's keys: kept for an hour while it is down; after that nobody of it is let in."""

from __future__ import annotations

import asyncio
import json
import warnings

import httpx2
import pytest
from joserfc.jwk import OctKey, RSAKey

from archer.api.auth.issuers import IssuedTokens, Unverified
from archer.api.auth.keys import AGAIN_SECONDS, FRESH_SECONDS, MAX_AGE_SECONDS, PAUSE_SECONDS, Keys
from archer.api.auth.refusal import Refusal
from archer.errors import IdentityUnavailable
from archer.site.access import Issuer
from archer.store.engine import Database
from tests.api.auth.people import JWKS_URL, Idp, bearer, open_guarded, signed
from tests.api.rig import problem


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(idp: Idp, clock: Clock):
    http = idp.http()
    made = Keys(JWKS_URL, http, clock=clock)
    yield made
    await made.close()
    await http.aclose()


async def settled(keys: Keys) -> None:
    """Let a fetch that goes on behind a caller's back come to its end."""
    await keys._fetched()


async def test_keys_are_asked_for_once_by_many_at_a_time(keys: Keys, idp: Idp):
    found = await asyncio.gather(*(keys.get("k1") for _ in range(50)))
    assert {key.kid for key in found if key} == {"k1"}
    assert idp.asked == 1


async def test_young_keys_are_used_as_they_are(keys: Keys, idp: Idp, clock: Clock):
    await keys.get("k1")
    idp.is_up = False
    clock.now += FRESH_SECONDS - 1
    assert await keys.get("k1")
    assert idp.asked == 1


async def test_cached_keys_last_an_hour_and_then_nobody_is_let_in(keys: Keys, idp: Idp, clock: Clock):
    await keys.get("k1")
    idp.is_up = False
    for _ in range(11):
        clock.now += MAX_AGE_SECONDS / 12
        assert await keys.get("k1")
        await settled(keys)
    clock.now += MAX_AGE_SECONDS / 12 + 1
    with pytest.raises(IdentityUnavailable):
        await keys.get("k1")
    idp.is_up = True
    clock.now += PAUSE_SECONDS + 1
    assert await keys.get("k1")


async def test_an_issuer_that_never_answered_lets_nobody_in_and_is_not_stormed(
    keys: Keys, idp: Idp, clock: Clock
):
    idp.is_up = False
    for _ in range(20):
        with pytest.raises(IdentityUnavailable):
            await keys.get("k1")
    assert idp.asked == 1
    clock.now += PAUSE_SECONDS + 1
    with pytest.raises(IdentityUnavailable):
        await keys.get("k1")
    assert idp.asked == 2


async def test_an_unknown_key_is_looked_for_at_most_once_in_a_while(keys: Keys, idp: Idp, clock: Clock):
    await keys.get("k1")
    for _ in range(20):
        assert await keys.get("k2") is None
    assert idp.asked == 1  # the keys are seconds old: it would answer the same
    clock.now += AGAIN_SECONDS + 1
    for number in range(20):
        assert await keys.get(f"k{number + 2}") is None
    assert idp.asked == 2


async def test_a_new_key_is_found(keys: Keys, idp: Idp, clock: Clock):
    await keys.get("k1")
    idp.add("k2")
    clock.now += AGAIN_SECONDS + 1
    assert await keys.get("k2")


async def test_a_key_that_was_withdrawn_is_not_used_any_more(keys: Keys, idp: Idp, clock: Clock):
    await keys.get("k1")
    idp.keys[:] = []
    idp.add("k2")
    clock.now += FRESH_SECONDS + 1
    await keys.get("k1")
    await settled(keys)
    assert await keys.get("k1") is None


async def test_an_unknown_key_of_an_issuer_that_is_down_is_not_the_same_as_none(
    keys: Keys, idp: Idp, clock: Clock
):
    await keys.get("k1")
    idp.is_up = False
    clock.now += AGAIN_SECONDS + 1
    with pytest.raises(IdentityUnavailable):
        await keys.get("k2")
    assert await keys.get("k1")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [1, null, {"kty": "RSA"}]}',
        b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}]}',
        b" " * (300 * 1024),
    ],
    ids=lambda answer: answer[:30].decode(),
)
async def test_an_answer_without_keys_is_none_and_keeps_those_before(
    keys: Keys, idp: Idp, clock: Clock, answer: bytes
):
    await keys.get("k1")
    idp.answer = answer
    clock.now += FRESH_SECONDS + 1
    await keys.get("k1")
    await settled(keys)
    assert await keys.get("k1")


async def test_only_public_keys_for_signatures_are_taken(keys: Keys, idp: Idp, signing_key: RSAKey):
    with warnings.catch_warnings(action="ignore"):
        small = RSAKey.generate_key(1024, {"kid": "small"}).as_dict(private=False)
    secret = OctKey.generate_key(256, {"kid": "secret"}).as_dict()
    encrypting = signing_key.as_dict(private=False) | {"use": "enc", "kid": "encrypting"}
    good = signing_key.as_dict(private=False)
    idp.answer = json.dumps({"keys": [small, secret, encrypting, good]}).encode()
    assert await keys.get("k1")
    for kid in ("small", "secret", "encrypting"):
        assert await keys.get(kid) is None


async def test_a_redirect_is_not_followed(idp: Idp):
    def redirect(request: httpx2.Request) -> httpx2.Response:
        assert str(request.url) == JWKS_URL
        return httpx2.Response(302, headers={"Location": "http://169.254.169.254/"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(redirect)) as http:
        with pytest.raises(IdentityUnavailable):
            await Keys(JWKS_URL, http).get("k1")


async def test_callers_of_an_issuer_that_is_down_are_answered_503_and_others_as_ever(
    one_database: Database, idp: Idp, signing_key: RSAKey
):
    idp.is_up = False
    async with open_guarded(one_database, idp.callers()) as rig:
        answer = await rig.client.get("/v1/jobs", headers=bearer(signed(signing_key)))
        problem(answer, 503, "identity-unavailable")
        assert answer.headers["retry-after"]
        forged = await rig.client.get("/v1/jobs", headers=bearer(signed(signing_key, {"alg": "PS256"})))
        problem(forged, 401)


async def test_time_passes_for_a_token_too(keys: Keys, idp: Idp, signing_key: RSAKey):
    clock = Clock()
    tokens = IssuedTokens(Issuer.model_validate(idp.entry()), keys, clock=clock)
    token = signed(signing_key, exp=1060, iat=1000)
    parts = Unverified.of(token)
    assert (await tokens.principal(token, parts)).name == "oidc:amara"
    clock.now = 1119.0
    assert (await tokens.principal(token, parts)).name == "oidc:amara"
    clock.now = 1120.0
    with pytest.raises(Refusal, match="expired"):
        await tokens.principal(token, parts)
