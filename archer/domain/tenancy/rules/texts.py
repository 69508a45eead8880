"""Texts that lists, pages and events show: a credential in one is refused, since it could not be hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from archer.domain.masking import has_token
from archer.errors import FieldFault

SHOWN: Final = ("name", "correlation_id", "main_class", "tenant", "queue")
MAPPINGS: Final = ("labels", "annotations")
NAMED: Final = ("env", "secrets", "spark_conf")
WORDS: Final = "looks like a credential, and it would be shown: bring credentials as secrets"
LONGEST: Final = (
    4200  # of what is searched: the model refuses longer names, keys and values of all these fields
)
APART: Final = "\n"  # no credential of one line goes over it


def faults(raw: Mapping[str, Any]) -> Iterator[FieldFault]:
    """Find credentials in what is shown as it is."""
    texts = [(field, text[:LONGEST]) for field, text in _texts(raw)]
    if has_token(
        APART.join([text for _, text in texts])
    ):  # one search for all, since there is nearly never one
        for field in dict.fromkeys(field for field, text in texts if has_token(text)):
            yield FieldFault(field, "credential", WORDS)


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
