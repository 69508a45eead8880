"""Texts that lists, pages and events show: a credential in one is refused, since it could not be hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from archer.domain.masking import has_token
from archer.errors import FieldFault

SHOWN: Final = ("name", "correlation_id", "main_class", "tenant", "queue")
MAPPINGS: Final = ("labels", "annotations")
NAMED: Final = ("env", "secrets", "spark_conf")
WORDS: Final = "looks like a credential, and it would be shown: bring credentials as secrets"
LONGEST: Final = 4200  # of what is searched: the model refuses longer names, keys and values of these fields
APART: Final = "\n"  # no credential of one line goes over it


def faults(raw: Mapping[str, Any]) -> Iterator[FieldFault]:
    """Find credentials in what is shown as it is."""
    texts = [(field, text[:LONGEST]) for field, text in _texts(raw)]
    # one search for all, since there is nearly never one
    if _is_suspicious(APART.join([text for _, text in texts])):
        for field in dict.fromkeys(field for field, text in texts if has_token(text)):
            yield FieldFault(field, "credential", WORDS)


def _is_suspicious(text: str) -> bool:
    return _is_known_suspicious(text) if len(text) <= LONGEST else has_token(text)


@lru_cache(maxsize=1024)  # names, labels and keys come again with each run of a job
def _is_known_suspicious(text: str) -> bool:
    return has_token(text)


def _texts(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field in SHOWN:
        text = raw.get(field)
        if isinstance(text, str):
            yield field, text
    for field in MAPPINGS:
        mapping = raw.get(field)
        if isinstance(mapping, dict):
            for key, value in mapping.items():
                yield f"{field}.{key}", f"{key}{APART}{value}"
    for field in NAMED:
        mapping = raw.get(field)
        if isinstance(mapping, dict):
            for key in mapping:
                yield f"{field}.{key}", key
