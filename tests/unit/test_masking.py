"""No secret is stored for reading, wherever it stands."""

from __future__ import annotations

import json

import pytest

from archer.domain.masking import MASK, masked


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "spark.hadoop.fs.s3a.secret.key",
        "fs.s3a.access.key",
        "accessKey",
        "AUTH_TOKEN",
        "x-api-key",
        "fs.azure.account.key",
        "private_key",
        "credentials",
    ],
)
def test_values_under_telling_keys_are_hidden(key):
    assert masked({key: "hunter2"}) == {key: MASK}


@pytest.mark.parametrize("key", ["spark.sql.shuffle.partitions", "name", "monkey", "keys", "image"])
def test_other_values_stay(key):
    assert masked({key: "hunter2"}) == {key: "hunter2"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("s3a://AKIA:hunter2@bucket/a", f"s3a://{MASK}@bucket/a"),
        ("jdbc:postgresql://me:hunter2@db/x", f"jdbc:postgresql://{MASK}@db/x"),
        ("https://h/a?x=1&token=hunter2&y=2", f"https://h/a?x=1&token={MASK}&y=2"),
        ("https://h/a?X-Amz-Signature=hunter2", f"https://h/a?X-Amz-Signature={MASK}"),
        ("--db-password=hunter2", f"--db-password={MASK}"),
        (
            "-Djavax.net.ssl.trustStorePassword=hunter2 -Dx=1",
            f"-Djavax.net.ssl.trustStorePassword={MASK} -Dx=1",
        ),
        ("s3a://bucket/key=value/a@b", "s3a://bucket/key=value/a@b"),
        ("mail me@example.org", "mail me@example.org"),
    ],
)
def test_secrets_within_a_value_are_hidden(value, shown):
    assert masked({"x": value}) == {"x": shown}


def test_what_follows_a_telling_flag_is_hidden():
    arguments = ["--user", "amara", "--password", "hunter2", "--token", "hunter2", "words"]
    assert masked({"arguments": arguments})["arguments"] == [
        "--user",
        "amara",
        "--password",
        MASK,
        "--token",
        MASK,
        "words",
    ]


def test_env_values_are_hidden_whatever_they_are_called():
    env = [{"name": "GREETING", "value": "hunter2"}, {"name": "FROM", "valueFrom": {"fieldRef": "x"}}]
    assert masked({"env": env}) == {"env": [{"name": "GREETING", "value": MASK}, env[1]]}


def test_secrets_are_found_at_any_depth_and_the_original_stays():
    tree = {"a": [{"b": {"password": "hunter2", "n": 7, "flag": None}}]}
    before = json.dumps(tree)
    assert masked(tree) == {"a": [{"b": {"password": MASK, "n": 7, "flag": None}}]}
    assert json.dumps(tree) == before
