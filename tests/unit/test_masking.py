"""No secret is stored for reading, wherever it stands."""

from __future__ import annotations

import json

import pytest

from archer.domain.diagnosis import diagnose
from archer.domain.identifiers import job_id
from archer.domain.masking import MASK, masked, masked_text, without_tokens
from archer.translate.pending import waits_for


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


@pytest.mark.parametrize(
    "token",
    [
        "AKIA{}IOSFODNN7EXAMPLE",
        "ASIA{}IOSFODNN7EXAMPLE",
        "ghp_{}abcdefghijklmnopqrstuvwxyz0123456789",
        "glpat-{}abcdefghijklmnopqrst",
        "xoxb-{}1234567890-abcdefghij",
        "moka_{}abcdefghijklmnopqrstuvwx",
        "eyJhbGciOiJIUzI1NiJ9.{}eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl",
        "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\ncut",
    ],
)
def test_a_credential_of_a_known_kind_is_hidden_anywhere(token: str):
    token = token.replace("{}", "")  # written apart, since no such thing may stand in a repository
    assert masked_text(token) == without_tokens(token) == MASK
    assert masked({"a": [{"b": f"x {token}"}]}) == {"a": [{"b": f"x {MASK}"}]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY1", MASK),
        ("key wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY1 end", f"key {MASK} end"),
        ("Authorization: Bearer abcdefgh12", f"Authorization: Bearer {MASK}"),
        ('{"user": "me", "password": "swordfish"}', f'{{"user": "me", "password": "{MASK}"}}'),
        ("password: hunter2", f"password: {MASK}"),
    ],
)
def test_a_secret_of_no_known_kind_is_told_by_its_place_or_its_looks(text: str, shown: str):
    assert masked_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        job_id(1_790_000_000_000, bytes(range(10))),
        f"{job_id(1_790_000_000_000, bytes(range(10)))}-1-driver",
        "spark-4f1c2d3e4b5a69788796a5b4c3d2e1f0",
        "registry.example.com/spark@sha256:" + "0123456789abcdef" * 4,
        "7f0c9d1e-52a4-4b7c-9d0e-3c1f2a4b5c6d",
        "org.apache.spark.sql.execution.datasources.parquet.ParquetFileFormat2",
        "s3a://bucket/Data/2026/11/22/Some/Long/Path/Of/Words/part-00000.parquet",
        "/opt/spark/Work/Dir2026/Some/Long/Path/Of/Words/More",
        "AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view `a`.`b` cannot be found.",
        "SecretManager$InvalidToken: The provided token has expired.",
        "failed to fetch anonymous token: unexpected status",
        "spark.sql.shuffle.partitions=200",
        "thisIsAVeryLongNameOfAMethodWithoutDigits",
        "task_eyJ monkey_x AKIA",
    ],
)
def test_ids_paths_and_sentences_stay_what_they_are(text: str):
    assert masked_text(text) == text


def test_what_a_program_printed_is_hidden_in_its_evidence():
    log = ["Traceback (most recent call last):", "ValueError: no login with password=hunter2 ghp_" + "a" * 30]
    found = diagnose(exit_code=1, signal=None, container_reason="", error_message="", log_tail=log)
    told = " ".join([found.message, *found.evidence])
    assert "ValueError: no login with" in told
    assert "hunter2" not in told
    assert "aaaa" not in told


def test_what_a_kubelet_quotes_is_hidden_too():
    message = "Head https://me:hunter2@registry.example.com/v2/: denied"
    found = waits_for(reason="ErrImagePull", message=message, image="registry.example.com/x")
    assert "hunter2" not in f"{found.words} {found.image_failure}"
    assert "denied" in str(found.words)
