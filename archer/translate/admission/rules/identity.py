"""Whose an application is: its name, the labels that say it, and that neither changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from archer.domain.request import LABEL_KEY, LABEL_VALUE
from archer.domain.tenancy.rules.labels import RESERVED, RESERVED_PREFIXES
from archer.translate import names, yunikorn
from archer.translate.admission.cel import absent_or, all_of, literal, matches, one_of, starts_with
from archer.translate.admission.ground import Ground
from archer.translate.admission.rules.rule import Rule

APPLICATION: Final = re.compile(r"j[0-9a-hjkmnp-tv-z]{26}-[1-9][0-9]{0,3}\Z")
OURS: Final = (names.JOB_ID, names.ATTEMPT, names.TENANT, yunikorn.APP_ID, yunikorn.QUEUE)


def identity(ground: Ground) -> Iterator[Rule]:
    """Name, labels, annotations and finalizers of the application."""
    labels, annotations = "object.metadata.labels", "object.metadata.annotations"
    yield Rule(matches("object.metadata.name", APPLICATION), "the name is not that of an attempt of Archer")
    yield Rule(
        f"has({labels}) && ({labels_of(ground, labels)})",
        "a label is not one that Archer would write",
    )
    ours = "k.startsWith('moka.dev/')"
    yield Rule(
        absent_or(annotations, f"{annotations}.all(k, {ours} || ({free_key()}))"),
        "an annotation is not one that Archer would write",
    )
    yield Rule("!has(object.metadata.finalizers)", "an application of Archer has no finalizer")


def labels_of(ground: Ground, path: str) -> str:
    """Whether the labels at *path* are Archer's, as they must be, and a tenant's besides them."""
    free = all_of(free_key(), matches(f"{path}[k]", LABEL_VALUE))
    known = one_of("k", OURS)
    return all_of(
        f"{path}.all(k, {known} || ({free}))",
        *(f"'{key}' in {path}" for key in OURS if key != yunikorn.QUEUE),
        one_of(f"{path}['{names.TENANT}']", [tenant.name for tenant in ground.tenants]),
        f"{path}['{yunikorn.APP_ID}'] == object.metadata.name",
        f"{path}['{names.JOB_ID}'] + '-' + {path}['{names.ATTEMPT}'] == object.metadata.name",
        f"!('{yunikorn.QUEUE}' in {path}) || " + one_of(f"{path}['{yunikorn.QUEUE}']", ground.queues),
    )


def free_key() -> str:
    """Whether the key ``k`` of a label or an annotation is one that a tenant may set."""
    return all_of(
        matches("k", LABEL_KEY),
        f"!({one_of('k', RESERVED)})",
        f"!({starts_with('k', RESERVED_PREFIXES)})",
    )


def unchanged() -> Iterator[Rule]:
    """What nobody may change once it is written."""
    # a changed spec makes the operator end the driver and start another, past every rule of a request
    yield Rule(
        "oldObject == null || object.spec == oldObject.spec", "the spec of an application is written once"
    )
    new, old = "object.metadata.labels", "oldObject.metadata.labels"
    same = f"(k in {new}) == (k in {old}) && (!(k in {new}) || {new}[k] == {old}[k])"
    yield Rule(
        f"oldObject == null || !has({old}) || (has({new}) && {literal(sorted(OURS))}.all(k, {same}))",
        "the labels of Archer are written once",
    )
