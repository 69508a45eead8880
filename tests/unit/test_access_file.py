"""The access file: what it may say, and that a wrong one changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archer.domain.tenancy.principal import Role, principal_of, united
from archer.errors import SettingsError
from archer.site.access import AccessFile, hash_of, parse_access

EXAMPLE = Path(__file__).parents[2] / "examples" / "access.yaml"
TOKEN: dict[str, Any] = {"name": "a", "sha256": hash_of("moka_a"), "roles": {"ads": "submit"}}
ISSUER: dict[str, Any] = {"issuer": "https://i", "audience": "archer", "jwks_url": "https://i/keys"}
CLUSTER: dict[str, Any] = {"name": "k", "service_accounts": {"a/b": {"ads": "view"}}}


def parsed(**content: Any):
    return parse_access(json.dumps(content).encode(), Path("access.yaml"))


def other(number: int) -> dict[str, Any]:
    return TOKEN | {"sha256": hash_of(f"moka_{number}")}


def test_the_example_is_right():
    access = AccessFile.read(EXAMPLE).current
    assert {token.name for token in access.tokens} == {"finance-nightly", "moka-ui"}
    assert access.issuers[0].groups["data-sre"] == {"*": Role.ADMIN}
    assert access.kubernetes[0].kubeconfig is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "nobody could call"),
        ({"tokens": [TOKEN], "more": 1}, "more"),
        ({"tokens": [TOKEN, TOKEN]}, "stands there twice"),
        ({"tokens": [other(1), other(2), other(3)]}, "more than two tokens"),
        ({"tokens": [TOKEN | {"sha256": "moka_the-token-itself"}]}, "tokens.0.sha256"),
        ({"tokens": [TOKEN | {"sha256": hash_of("a").upper()}]}, "tokens.0.sha256"),
        ({"tokens": [TOKEN | {"roles": {"ads": "root"}}]}, "tokens.0.roles.ads"),
        ({"tokens": [TOKEN | {"roles": {"a*": "view"}}]}, "tokens.0.roles"),
        ({"tokens": [TOKEN | {"roles": {"ADS": "view"}}]}, "tokens.0.roles"),
        ({"tokens": [TOKEN | {"name": "oidc:a"}]}, "tokens.0.name"),
        ({"tokens": [TOKEN | {"expires_at": "2027-01-01T00:00:00"}]}, "expires_at"),
        ({"issuers": [ISSUER | {"algorithms": ["HS256"]}]}, "algorithms"),
        ({"issuers": [ISSUER | {"algorithms": ["none"]}]}, "algorithms"),
        ({"issuers": [ISSUER | {"algorithms": []}]}, "algorithms"),
        ({"issuers": [ISSUER | {"jwks_url": "http://idp.example.com/keys"}]}, "jwks_url"),
        ({"issuers": [ISSUER | {"jwks_url": "https://user:pass@i/keys"}]}, "jwks_url"),
        ({"issuers": [ISSUER | {"jwks_url": "file:///etc/keys"}]}, "jwks_url"),
        ({"issuers": [ISSUER | {"jwks_url": "http://localhost.evil.com/keys"}]}, "jwks_url"),
        ({"issuers": [ISSUER, ISSUER]}, "issuer https://i stands there twice"),
        ({"issuers": [ISSUER, ISSUER | {"issuer": "https://j"}]}, "name_prefix oidc: stands there twice"),
        ({"tokens": [TOKEN], "issuers": [ISSUER | {"name_prefix": ""}]}, "share names"),
        ({"kubernetes": [CLUSTER], "issuers": [ISSUER | {"name_prefix": ""}]}, "share names"),
        ({"issuers": [ISSUER], "kubernetes": [CLUSTER | {"issuer": "https://i"}]}, "stands there twice"),
        ({"kubernetes": [CLUSTER | {"service_accounts": {"a": {"ads": "view"}}}]}, "service_accounts"),
        ({"kubernetes": [CLUSTER | {"service_accounts": {"*/*": {"ads": "view"}}}]}, "service_accounts"),
        ({"kubernetes": [CLUSTER | {"service_accounts": {}}]}, "service_accounts"),
    ],
)
def test_what_is_wrong_is_refused_in_words_that_hold_no_token(content: dict[str, Any], words: str):
    with pytest.raises(SettingsError) as caught:
        parsed(**content)
    assert words in str(caught.value)
    assert "the-token-itself" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "tokens: []\ntokens: [{TOKEN}]\n",
        "tokens: [{TOKEN}]\nissuers: []\ntokens: []\n",
        "tokens: [{name: a, sha256: HASH, roles: {ads: view, ads: admin}}]\n",
        'tokens: [{name: a, sha256: HASH, roles: {"*": view}, roles: {"*": admin}}]\n',
    ],
)
def test_a_key_that_stands_twice_is_refused(text: str):
    content = text.replace("{TOKEN}", json.dumps(TOKEN)).replace("HASH", hash_of("moka_a"))
    with pytest.raises(SettingsError, match="stands there twice"):
        parse_access(content.encode(), Path("access.yaml"))


def test_issuers_with_prefixes_of_their_own_are_taken():
    assert parsed(issuers=[ISSUER, ISSUER | {"issuer": "https://j", "name_prefix": "j:"}], tokens=[TOKEN])
    assert parsed(issuers=[ISSUER | {"name_prefix": ""}])


def test_an_old_token_beside_two_live_ones_is_no_third():
    assert parsed(tokens=[other(1), other(2), other(3) | {"expires_at": "2020-01-01T00:00:00Z"}])


def test_roles_rise_and_every_tenant_is_every_tenant():
    viewer = principal_of("v", "token", {"ads": Role.VIEW, "etl": Role.SUBMIT})
    assert [viewer.may_view("ads"), viewer.may_submit("ads")] == [True, False]
    assert [viewer.may_view("etl"), viewer.may_submit("etl")] == [True, True]
    assert viewer.visible == {"ads", "etl"}
    assert not viewer.may_view("finance")
    mixed = principal_of("m", "token", {"*": Role.VIEW, "ads": Role.ADMIN})
    assert mixed.visible is None
    assert [mixed.may_submit("ads"), mixed.may_submit("etl"), mixed.is_platform_admin] == [True, False, False]
    assert not principal_of("t", "token", {"ads": Role.ADMIN}).is_platform_admin
    assert principal_of("p", "token", {"*": Role.ADMIN}).is_platform_admin
    assert not viewer.may_view("*")


def test_of_several_grants_the_highest_counts():
    assert united([{"a": Role.VIEW, "b": Role.ADMIN}, {"a": Role.SUBMIT, "b": Role.VIEW}]) == {
        "a": Role.SUBMIT,
        "b": Role.ADMIN,
    }


async def test_a_change_is_taken_and_a_wrong_one_is_not(tmp_path: Path):
    path = tmp_path / "access.yaml"
    path.write_text(json.dumps({"tokens": [TOKEN]}))
    file = AccessFile.read(path)
    first = file.current
    await file.look()
    assert file.current is first
    for wrong in ("tokens: [", "{}", "\x00", "tokens: [{name: a}]"):
        path.write_text(wrong)
        await file.look()
        assert file.current is first
        assert "the last good content goes on" in file.problem
    path.unlink()
    await file.look()
    assert file.current is first
    assert file.problem
    path.write_text(json.dumps({"tokens": [TOKEN, other(1)]}))
    await file.look()
    assert len(file.current.tokens) == 2
    assert file.problem == ""
