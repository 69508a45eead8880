"""How much of a Kubernetes object's metadata is Moka's own, and what that leaves for jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Source: apimachinery pkg/api/validation, TotalAnnotationSizeLimitB: keys and values of one object.
MOST_ANNOTATION_BYTES: Final = 256 * 1024
# Of one object or pod, at its longest names; tests/unit/test_translation_by_policy.py makes that one.
OUR_ANNOTATION_BYTES: Final = 4 * 1024
# Source: Spark KubernetesUtils, pods "<prefix>-exec-<n>" within 63; its own longest suffix has 24 characters.
MOST_NAME_LENGTH: Final = 47


def annotation_bytes(annotations: Mapping[str, str]) -> int:
    """Bytes that Kubernetes counts for *annotations*."""
    return sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())


def annotation_bytes_left(annotations: Mapping[str, str]) -> int:
    """Bytes that a job with *annotations* may still add; negative when its object would be refused."""
    return MOST_ANNOTATION_BYTES - OUR_ANNOTATION_BYTES - annotation_bytes(annotations)
