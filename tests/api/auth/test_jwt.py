"""JSON Web Tokens: those of the issuer are taken, and every other is answered 401 in the same words."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, RSAKey

from archer.store.engine import Database
from tests.api.auth.people import ISSUER, OURS, Idp, bearer, claims, open_guarded, signed, token_of
from tests.api.rig import Rig, job, problem

Forge = Callable[[RSAKey], str]


@pytest.fixture
async def rig(one_database: Database, idp: Idp) -> AsyncIterator[Rig]:
    async with open_guarded(one_database, idp.callers()) as opened:
        yield opened


async def test_a_token_of_the_issuer_is_taken(rig: Rig, signing_key: RSAKey):
    headers = bearer(signed(signing_key))
    made = await rig.client.post("/v1/jobs", json=job(tenant=OURS), headers=headers)
    assert (made.status_code, made.json()["owner"]) == (201, "oidc:amara")
    refused = await rig.client.post("/v1/jobs", json=job(tenant="finance"), headers=headers)
    problem(refused, 403, "forbidden")


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": ["other", "archer"]},
        {"exp": -30},  # within the leeway
        {"nbf": 30},
        {"iat": None},
        {"groups": [1, {}, None, "nobody", "ads-eng"]},
    ],
    ids=str,
)
async def test_what_is_allowed_in_claims(rig: Rig, signing_key: RSAKey, changed: dict[str, Any]):
    now = int(time.time())  # when it is sent: the tests before it may take longer than the leeway
    said = {name: now + value if name in ("exp", "nbf") else value for name, value in changed.items()}
    answer = await rig.client.get("/v1/jobs", headers=bearer(signed(signing_key, **said)))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "groups",
    [None, [], "ads-eng", ["nobody"], [1, {}, None], {"ads-eng": 1}, ["ADS-ENG", "ads-eng "]],
    ids=str,
)
@pytest.mark.parametrize("path", ["/v1/clusters", "/v1/queues", "/metrics", "/readyz?verbose", "/v1/jobs"])
async def test_a_subject_that_is_granted_nothing_is_nobody(
    rig: Rig, signing_key: RSAKey, groups: object, path: str
):
    answer = await rig.client.get(path, headers=bearer(signed(signing_key, groups=groups)))
    problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize(
    ("verified", "status"),
    [(True, 200), (False, 401), (None, 401), ("true", 401), (1, 401)],
    ids=str,
)
async def test_an_address_is_a_name_once_the_issuer_has_verified_it(
    one_database: Database, idp: Idp, signing_key: RSAKey, verified: object, status: int
):
    async with open_guarded(one_database, idp.callers(name_claim="email")) as rig:
        token = signed(signing_key, email="amara@example.com", email_verified=verified)
        assert (await rig.client.get("/v1/jobs", headers=bearer(token))).status_code == status


async def test_a_token_made_by_hand_is_as_good_as_any(rig: Rig, signing_key: RSAKey):
    answer = await rig.client.get("/v1/jobs", headers=bearer(by_hand(signing_key, {"typ": "at+jwt", "x": 1})))
    assert answer.status_code == 200


async def test_roles_of_several_groups_and_a_name_add_up(
    one_database: Database, idp: Idp, signing_key: RSAKey
):
    idp_entry = {
        "groups": {"a": {"ads": "view"}, "b": {"ads": "submit", "finance": "view"}},
        "names": {"amara": {"finance": "submit"}},
    }
    async with open_guarded(one_database, idp.callers(**idp_entry)) as rig:
        headers = bearer(signed(signing_key, groups=["b", "a"]))
        for tenant in ("ads", "finance"):
            answer = await rig.client.post("/v1/jobs", json=job(tenant=tenant), headers=headers)
            assert answer.status_code == 201


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unsigned(key: RSAKey, alg: str = "none") -> str:
    return f"{encoded({'alg': alg, 'kid': key.kid})}.{encoded(claims())}."


def by_hand(key: RSAKey, header: dict[str, Any], body: Any = None) -> str:
    """A token with a good signature under a header that the library would not sign."""
    signing = f"{encoded({'alg': 'RS256', 'kid': key.kid} | header)}.{encoded(body or claims())}"
    assert key.private_key is not None
    signature = key.private_key.sign(signing.encode(), PKCS1v15(), SHA256())
    return f"{signing}.{encoded(signature)}"


def by_hmac(key: RSAKey, secret: bytes, alg: str = "HS256") -> str:
    signing = f"{encoded({'alg': alg, 'kid': key.kid})}.{encoded(claims())}"
    return f"{signing}.{encoded(hmac.digest(secret, signing.encode(), hashlib.sha256))}"


def flipped(key: RSAKey) -> str:
    token = signed(key)
    head, _, signature = token.split(".")
    return f"{head}.{encoded(claims(groups=['ads-eng'], sub='root'))}.{signature}"


STRANGER = RSAKey.generate_key(2048, {"kid": "k1"})
STRANGERS_JWK = STRANGER.as_dict(private=False)
EC = ECKey.generate_key("P-256", {"kid": "k1"})
BAD: dict[str, Forge] = {
    "B220 empty": lambda key: "",
    "B220 a space": lambda key: " ",
    "B221 none": unsigned,
    "B221 None": lambda key: unsigned(key, "None"),
    "B221 none with a signature": lambda key: unsigned(key) + encoded(b"x"),
    "B221 no alg": lambda key: f"{encoded({'kid': 'k1'})}.{encoded(claims())}.{encoded(b'x')}",
    "B221 alg is a list": lambda key: by_hand(key, {"alg": ["RS256"]}),
    "B223 HS256 by the public key as PEM": lambda key: by_hmac(key, key.as_pem(private=False)),
    "B223 HS256 by the public key as DER": lambda key: by_hmac(key, key.as_der(private=False)),
    "B223 HS256 by the public key as JWK": lambda key: by_hmac(
        key, json.dumps(key.as_dict(private=False)).encode()
    ),
    "B223 HS256 by nothing": lambda key: by_hmac(key, b""),
    "B223 RS512, which the issuer's entry does not name": lambda key: signed(key, {"alg": "RS512"}),
    "B223 PS256": lambda key: signed(key, {"alg": "PS256"}),
    "B223 ES256 by a key of one's own": lambda key: signed(EC, {"alg": "ES256"}),
    "B224 kid is a path": lambda key: signed(key, {"kid": "../../dev/null"}),
    "B224 kid is SQL": lambda key: signed(key, {"kid": "x' UNION SELECT 'k"}),
    "B224 kid is a number": lambda key: by_hand(key, {"kid": 1}),
    "B224 kid of another key": lambda key: signed(STRANGER),
    "B226 jku": lambda key: signed(STRANGER, {"jku": "https://idp.evil/keys", "kid": "evil"}),
    "B226 jku with the known kid": lambda key: signed(STRANGER, {"jku": "https://idp.evil/keys"}),
    "B226 jwk": lambda key: signed(STRANGER, {"jwk": STRANGERS_JWK, "kid": None}),
    "B227 x5u": lambda key: signed(STRANGER, {"x5u": "https://idp.evil/cert.pem"}),
    "B227 x5c": lambda key: signed(STRANGER, {"x5c": ["MIIB"]}),
    "B229 an issuer that begins alike": lambda key: signed(key, iss=ISSUER + ".evil.com"),
    "B229 a part of the issuer": lambda key: signed(key, iss="https://idp.evil"),
    "B229 the issuer with a slash": lambda key: signed(key, iss=ISSUER + "/"),
    "B229 in capitals": lambda key: signed(key, iss=ISSUER.upper()),
    "B229 no issuer": lambda key: signed(key, iss=None),
    "B229 a list of issuers": lambda key: signed(key, iss=[ISSUER]),
    "aud of another": lambda key: signed(key, aud="grafana"),
    "aud that begins alike": lambda key: signed(key, aud="archer-dev"),
    "aud is missing": lambda key: signed(key, aud=None),
    "aud is a list without it": lambda key: signed(key, aud=["grafana", ["archer"]]),
    "B230 expired": lambda key: signed(key, exp=int(time.time()) - 90),
    "B230 no end": lambda key: signed(key, exp=None),
    "B230 an end that is a text": lambda key: signed(key, exp="9999999999"),
    "B230 an end that is true": lambda key: signed(key, exp=True),
    "B230 an end that is no number": lambda key: signed(key, exp=float("nan")),
    "B230 an endless end": lambda key: signed(key, exp=float("inf")),
    "B230 an end of 400 digits": lambda key: signed(key, exp=10**400),
    "not before the future": lambda key: signed(key, nbf=int(time.time()) + 90),
    "issued in the future": lambda key: signed(key, iat=int(time.time()) + 90),
    "B232 crit": lambda key: by_hand(key, {"crit": ["x"], "x": 1}),
    "B232 crit of nothing": lambda key: by_hand(key, {"crit": []}),
    "B232 crit b64": lambda key: by_hand(key, {"crit": ["b64"], "b64": True}),
    "B232 64 KiB": lambda key: signed(key, padding="x" * 64 * 1024),
    "another's claims under a good signature": flipped,
    "claims are a list": lambda key: by_hand(key, {}, [claims()]),
    "a part too few": lambda key: signed(key).rpartition(".")[0],
    "a part too many": lambda key: signed(key) + ".AAAA",
    "of JWE's form": lambda key: f"{encoded({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.a.b.c.d",
    "deep": lambda key: f"{encoded(b'[' * 4000)}.{encoded(claims())}.AAAA",
    "no name": lambda key: signed(key, sub=None),
    "a name with a newline": lambda key: signed(key, sub="a\nb"),
    "a name of another script": lambda key: signed(key, sub="аmara"),  # noqa: RUF001
    "a name of 300 characters": lambda key: signed(key, sub="x" * 300),
    "not base64": lambda key: "a.b.c",
    "dots": lambda key: "..",
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_token_is_answered_like_every_other(rig: Rig, signing_key: RSAKey, name: str):
    token = BAD[name](signing_key)
    answer = await rig.client.get("/v1/jobs", headers=bearer(token))
    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    nothing = await rig.client.get("/v1/jobs")
    assert answer.text == nothing.text


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Basic YTpi")],
        [("Authorization", "moka_viewer_" + "x" * 30)],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer a b")],
        [("Authorization", "Bearer\tx")],
        [("Authorization", f"Bearer {token_of('viewer')} x")],
        [("Authorization", f"Bearer {token_of('viewer')}")] * 2,
        [("Authorization", f"Bearer {token_of('viewer')}"), ("Authorization", "Bearer x")],
        [("Authorization", f"Bearer {token_of('viewer')[:-1]}")],
        [("Authorization", f"Bearer {token_of('viewer').upper()}")],
        [("Authorization", "Bearer moka_")],
        [("Authorization", b"Bearer moka_\xff")],
        [("Authorization", b"Bearer \xc2\xa0moka_viewer")],
        [("Cookie", f"token={token_of('viewer')}")],
        [("X-Forwarded-User", "viewer")],
    ],
)
async def test_a_header_that_is_not_of_its_form_is_nobodys(rig: Rig, headers: list[tuple[str, Any]]):
    problem(await rig.client.get("/v1/jobs", headers=headers), 401, "unauthenticated")


async def test_a_token_in_the_address_is_none(rig: Rig):
    problem(await rig.client.get(f"/v1/jobs?access_token={token_of('viewer')}"), 401)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_has_no_case(rig: Rig, scheme: str):
    answer = await rig.client.get("/v1/jobs", headers={"Authorization": f"{scheme} {token_of('viewer')}"})
    assert answer.status_code == 200


async def test_the_log_says_which_check_failed_and_holds_no_token(
    rig: Rig, signing_key: RSAKey, capfd: pytest.CaptureFixture[str]
):
    token = signed(signing_key, aud="grafana")
    await rig.client.get("/v1/jobs", headers=bearer(token))
    await rig.client.get("/v1/jobs", headers=bearer("moka_of_nobody"))
    said = "".join(capfd.readouterr())
    assert "check='audience'" in said
    assert "check='unknown'" in said
    assert not [part for part in (*token.split("."), "moka_of") if part in said]
