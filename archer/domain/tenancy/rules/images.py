"""A tenant's own image: taken apart, then its repository compared as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archer.domain.tenancy.image import parse_image
from archer.domain.tenancy.policy import Tenant
from archer.errors import FieldFault


def faults(raw: Mapping[str, Any], tenant: Tenant) -> Iterator[FieldFault]:
    """Find an image that is not of the tenant's repositories, or whose content may change."""
    text = raw.get("image")
    if not isinstance(text, str):
        return
    try:
        image = parse_image(text)
    except ValueError:
        return  # the model's to refuse
    if not any(
        image.repository == one or image.repository.startswith(f"{one}/")  # one path step, not any ending
        for one in tenant.images
    ):
        words = f"must be of a repository of the tenant {tenant.name}"
        yield FieldFault("image", "repository", words, list(tenant.images))
    if not image.digest:
        yield FieldFault(
            "image",
            "digest_required",
            "must be pinned by its digest: what a tag names may change",
            f"{image.repository}@sha256:<64 hex digits>",
        )
