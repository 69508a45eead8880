"""Hides what looks like a secret before something is stored for reading, shown or logged.

Three marks of a secret: a telling name before it (Spark's own pattern, ``spark.redaction.regex``, with a few
more words), the form of a known kind of credential, and, in free text, a long word without sense. The last
cannot meet an id: every id, digest and object's name is lower case, such a word has both cases and digits.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

TELLING: Final = (
    r"secret|passw(?:or)?d|passphrase|token|credential|(?:access|api|private|account)[._-]?key|signature"
)
SECRET_KEY: Final = re.compile(TELLING, re.IGNORECASE)
USERINFO: Final = re.compile(r"(?<=://)[^/@\s]+@")
# A value behind a telling name: NAME=VALUE, alone or in the query of a location, as Spark hides arguments;
# "NAME": "VALUE" of JSON; and NAME: VALUE, where the value is no plain word of a sentence. Nothing before the
# telling word is matched, and no run is tried twice: whoever wrote the text must not choose its cost.
ASSIGNMENT: Final = re.compile(
    rf"(?P<before>(?:{TELLING})"
    r"(?:[\w.-]{0,64}+(?:=\"?|\"\s?:\s?\")|s?: ?(?![a-z]++(?:[\s,.;:)]|\Z))))"
    r"(?P<value>[^&\s\"',;]++)",
    re.IGNORECASE,
)
FLAG: Final = re.compile(r"--?[\w.-]+\Z")
AUTHORIZATION: Final = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
MASK: Final = "*****"

# Each credential's fixed beginning, and its form. Sources: AWS IAM "Unique identifiers"; GitHub "Token
# formats"; GitLab "Token prefixes"; Slack "Token types"; RFC 7519; RFC 7468; those of others; moka_ is ours.
TOKENS: Final[tuple[tuple[str, str], ...]] = (
    ("AKIA", r"\bAKIA[0-9A-Z]{12,}"),
    ("ASIA", r"\bASIA[0-9A-Z]{12,}"),
    ("ghp_", r"\bghp_\w{20,}"),
    ("gho_", r"\bgho_\w{20,}"),
    ("ghu_", r"\bghu_\w{20,}"),
    ("ghs_", r"\bghs_\w{20,}"),
    ("ghr_", r"\bghr_\w{20,}"),
    ("github_pat_", r"\bgithub_pat_\w{20,}"),
    ("glpat-", r"\bglpat-[\w-]{12,}"),
    ("xox", r"\bxox[abeoprs]-[\w-]{8,}"),
    ("moka_", r"\bmoka_[\w-]{16,}"),
    ("AIza", r"\bAIza[\w-]{30,}"),
    ("GOCSPX-", r"\bGOCSPX-[\w-]{16,}"),
    ("sk_live_", r"\bsk_live_\w{16,}"),
    ("npm_", r"\bnpm_\w{30,}"),
    ("pypi-", r"\bpypi-[\w-]{16,}"),
    ("dapi", r"\bdapi[0-9a-f]{32}"),
    ("hf_", r"\bhf_\w{20,}"),
    ("hvs.", r"\bhvs\.[\w-]{16,}"),
    ("dop_v1_", r"\bdop_v1_\w{20,}"),
    # a key ends with its last line, or with the text where that was cut; line breaks may be escaped
    ("-----BEGIN", r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
)
# A JSON web token (RFC 7519). The dot comes after a run of any length, in which "-eyJ" may stand thousands of
# times: each run is matched once, from its beginning, and what stands before its first "eyJ" is kept.
WEB_TOKEN_BEGINNING: Final = "eyJ"  # noqa: S105  (of each)
WEB_TOKEN: Final = re.compile(
    rf"(?<![\w-])(?>(?P<before>[\w-]*?)\b{WEB_TOKEN_BEGINNING})[\w-]{{8,}}+\.[\w-]{{4,}}+(?:\.[\w-]*+)?"
)
BEGINNINGS: Final = tuple(beginning for beginning, _ in TOKENS)
TOKEN: Final = re.compile("|".join(f"(?:{form})" for _, form in TOKENS), re.DOTALL)

SENSELESS: Final = re.compile(r"(?<![\w+/=.:@-])[\w+/-]{32,128}+={0,2}+(?![\w+/=.@-])")
LEAST_BITS: Final = 4.3  # for each character; 40 random ones have 4.7 in the mean, words and paths below 4.2


def masked(value: Any, *, key: str = "") -> Any:
    """Copy *value* with secrets replaced.

    Replaced are: values under telling keys, every env value, known kinds of credentials anywhere, user info
    and telling parameters in locations, what follows a telling flag among arguments, and senseless words.
    """
    if isinstance(value, Mapping):
        if set(value) == {"name", "value"}:  # an env entry of a container
            return {"name": value["name"], "value": MASK}
        return {k: masked(v, key=str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [
            MASK if isinstance(v, str) and _is_secret_flag(before) else masked(v, key=key)
            for before, v in zip([None, *value], value, strict=False)
        ]
    if isinstance(value, str):
        return MASK if _is_secret_key(key) else masked_text(value)
    return value


def masked_text(text: str) -> str:
    """Copy *text* with secrets replaced, such as a message, a line of a log or an argument."""
    if len(text) < SHORTEST:
        return text
    return _seen_before(text) if len(text) <= LONGEST_KNOWN else _without_secrets(text)


def without_tokens(text: str) -> str:
    """Copy a long *text*, such as a piece of a driver's log, with known kinds of credentials replaced.

    The rest of ``masked_text`` takes half a second for a mebibyte; this takes some 20 ms.
    """
    if WEB_TOKEN_BEGINNING in text:
        text = WEB_TOKEN.sub(rf"\g<before>{MASK}", text)
    for beginning in BEGINNINGS:  # a generator for any() would take three times as long
        if beginning in text:
            return TOKEN.sub(MASK, text)
    return text


def has_token(text: str) -> bool:
    """Whether *text* holds a credential of a known kind."""
    return without_tokens(text) != text


SHORTEST: Final = 5
LEAST_LENGTH: Final = 32  # of a senseless word
LONGEST_KNOWN: Final = 512


def _without_secrets(text: str) -> str:
    text = without_tokens(text)
    if "@" in text and "://" in text:
        text = USERINFO.sub(f"{MASK}@", text)
    if ("=" in text or ":" in text) and SECRET_KEY.search(text):
        text = ASSIGNMENT.sub(rf"\g<before>{MASK}", text)
    if "earer" in text or "asic" in text:
        text = AUTHORIZATION.sub(rf"\1 {MASK}", text)
    return SENSELESS.sub(_masked_word, text) if len(text) >= LEAST_LENGTH else text


# nearly all strings of a manifest are those of the manifest before it
_seen_before = lru_cache(maxsize=4096)(_without_secrets)


@lru_cache(maxsize=4096)  # the keys of manifests are nearly all the same
def _is_secret_key(key: str) -> bool:
    return SECRET_KEY.search(key) is not None


def _is_secret_flag(text: Any) -> bool:
    return isinstance(text, str) and FLAG.match(text) is not None and _is_secret_key(text)


def _masked_word(match: re.Match[str]) -> str:
    return MASK if _is_senseless(match[0].rstrip("=")) else match[0]


def _is_senseless(word: str) -> bool:
    """Whether a long word has both cases, digits, and as many characters as chance would give."""
    if (
        word.islower()
        or word.isupper()
        or not any(map(str.isdigit, word))
        or word.count("/") > len(word) // 12
    ):
        return False
    counts = Counter(word)
    bits = -sum(n / len(word) * math.log2(n / len(word)) for n in counts.values())
    return bits >= LEAST_BITS
