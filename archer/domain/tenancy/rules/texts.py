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
APART: Final = "\n"  # no credential of one line goes over it


def faults(raw: Mapping[str, Any]) -> Iterator[FieldFault]:
    """Find credentials in what is shown as it is."""
    # one search for all, since there is nearly never one: each field is looked at when there is
    if has_token(APART.join(_shown(raw))):
        for field, text in _texts(raw):
            if has_token(text):
                yield FieldFault(field, "credential", WORDS)


def _shown(raw: Mapping[str, Any]) -> list[str]:
    """All that is shown, without its fields."""
    shown = [text for field in SHOWN if isinstance(text := raw.get(field), str)]
    for field in MAPPINGS:
        mapping = raw.get(field)
        if isinstance(mapping, dict):
            shown += mapping
            shown += [text for text in mapping.values() if isinstance(text, str)]
    for field in NAMED:
        mapping = raw.get(field)
        if isinstance(mapping, dict):
            shown += mapping
    return shown


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
