"""Secrets to plant: each value once, so that wherever one shows up it is known which."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

_numbers = itertools.count()
PEM = "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----"


class Planted:
    """Makes secrets, and remembers what of them must show up nowhere."""

    def __init__(self) -> None:
        self.values: list[str] = []

    def _new(self, text: str) -> str:
        self.values.append(text)
        return text

    def plain(self) -> str:
        """A word that only its place tells to be a secret."""
        return self._new(f"hunter{_letters(8)}")

    def token(self, form: str) -> str:
        """A credential of a known kind; *form* has one hole."""
        secret = _letters(28)
        self.values.append(secret)
        return form.format(secret)

    def aws_id(self, head: str = "AKIA") -> str:
        """The id of an access key."""
        return self._new(head + _letters(16).upper())

    def random(self) -> str:
        """Forty characters without sense, such as AWS's secret keys."""
        digest = hashlib.sha256(str(next(_numbers)).encode()).hexdigest()
        letters = "ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789"
        drawn = [letters[int(digest[i : i + 2], 16) % len(letters)] for i in range(0, 64, 2)]
        return self._new("".join(drawn) + "Zq7Xw2Kp")


KINDS = (
    "ghp_{}",
    "gho_{}",
    "ghs_{}",
    "github_pat_{}",
    "glpat-{}",
    "xoxb-{}",
    "xoxp-{}",
    "moka_{}",
    "eyJhbGciOiJIUzI1NiJ9.{}.c2ln",
    "AIza{}abcdefg",
    "GOCSPX-{}",
    "sk_live_{}",
    "npm_{}abcdefgh",
    "pypi-{}",
    "hf_{}",
    "hvs.{}",
    "dop_v1_{}",
    PEM,
)


def request(planted: Planted) -> dict[str, Any]:
    """A job with secrets wherever a job may have them."""
    arguments = [planted.token(kind) for kind in KINDS]
    arguments += ["--password", planted.plain(), "--api-key", planted.plain()]
    arguments += [
        form.format(planted.plain())
        for form in (
            "--db-password={}",
            "-Dx.password={}",
            "-Djavax.net.ssl.trustStorePassword={}",
            "jdbc:postgresql://db/x?user=me&password={}",
            "https://h/a?token={}&x=1",
            "https://h/a?X-Amz-Signature={}",
            "postgresql://me:{}@db/x",
            '{{"user": "me", "password": "{}"}}',
            "Authorization: Bearer {}",
            "secret_key={}",
        )
    ]
    arguments += [planted.aws_id(), planted.aws_id("ASIA"), planted.random(), f"a {planted.random()} b"]
    conf = {
        "spark.user.password": planted.plain(),
        "spark.user.access.key": planted.plain(),
        "spark.user.api-key": planted.plain(),
        "spark.user.place": f"s3a://me:{planted.plain()}@bucket/x",
        "spark.user.options": f"-Dx.password={planted.plain()} -Dy=1",
        "spark.user.anything": planted.token("ghp_{}"),
        "spark.user.id": planted.aws_id(),
        "spark.user.key": planted.random(),
    }
    env = {f"A{number}": planted.plain() for number in range(5)}
    env |= {"GREETING": planted.token("glpat-{}"), "KEY": planted.token(PEM)}
    return {
        "name": "pi",
        "type": "python",
        "main_application_file": f"s3a://jobs/{planted.token('ghp_{}')}/pi.py",
        "arguments": arguments,
        "spark_conf": conf,
        "env": env,
        "deps": {
            "files": [f"s3a://jobs/{planted.aws_id()}.csv"],
            "archives": [f"s3a://jobs/x/password={planted.plain()}/e.zip#e"],
        },
    }


def refused(planted: Planted) -> list[dict[str, Any]]:
    """Jobs that are refused for a secret, or for something beside it."""
    job = {"name": "pi", "type": "python", "main_application_file": "s3a://jobs/pi.py"}
    shown = [
        {"name": planted.token("ghp_{}")},
        {"correlation_id": planted.token(KINDS[8])},
        {"labels": {"team": planted.aws_id()}},
        {"labels": {planted.token("ghp_{}"): "x"}},
        {"annotations": {"note": planted.token("glpat-{}")}},
        {"env": {planted.token("ghp_{}"): "x"}},
        {"spark_conf": {f"spark.user.{planted.token('npm_{}abcdefgh')}": "x"}},
    ]
    wrong = [
        {"queue": planted.token("ghp_{}")},
        {"tenant": planted.token("ghp_{}")},
        {"type": planted.token("ghp_{}")},
        {"priority": planted.plain()},
        {planted.token("ghp_{}"): "x"},
        {"driver": {"memory": planted.token("ghp_{}"), "java_options": [f"-Dx.password={planted.plain()}"]}},
        {"image": f"https://me:{planted.plain()}@registry.example.com/x"},
        {"spark_conf": {"spark.hadoop.fs.s3a.secret.key": planted.random()}},
        {"secrets": {"A": planted.plain()}},
        {"deps": {"packages": [planted.token("ghp_{}")]}},
        {"env": {"LD_PRELOAD": planted.plain()}},
        {"main_application_file": f"https://me:{planted.plain()}@h/x.py"},
    ]
    return [job | fields for fields in (*shown, *wrong)]


def _letters(count: int) -> str:
    digest = hashlib.sha256(f"letters {next(_numbers)}".encode()).hexdigest()
    return "".join(chr(ord("a") + int(digest[i], 16)) for i in range(count))
