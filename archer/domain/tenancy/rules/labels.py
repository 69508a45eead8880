"""Labels and annotations that jobs may carry: plain names without a prefix, none that a controller reads.

A prefix belongs to whoever reads it (YuniKorn, the operator, Karpenter, injectors of sidecars and secrets),
and a new controller may come any day: so prefixes are closed as a whole, and of plain names those that Spark,
YuniKorn and Moka use themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from archer.domain.request import LABEL_KEY, LABEL_VALUE
from archer.errors import FieldFault

# Source: YuniKorn k8shim pkg/common/constants/constants.go (app, queue, applicationId); Spark Constants.
RESERVED: Final = frozenset({"queue", "version"})
RESERVED_PREFIXES: Final = ("spark-", "app", "moka")
# Kubernetes takes 256 KiB of one object (apimachinery ValidateAnnotationsSize), ours included. A job may have
# far less: where its pods carry them too, 5,000 times 16 KiB is what etcd can still hold.
MOST_ANNOTATION_BYTES: Final = 16 * 1024


def faults(raw: Mapping[str, Any]) -> Iterator[FieldFault]:
    """Find labels and annotations that are not of Kubernetes' form, reserved, or too large."""
    labels, annotations = raw.get("labels"), raw.get("annotations")
    if isinstance(labels, dict):
        for key, value in labels.items():
            yield from _key_faults("labels", "label", key)
            if isinstance(value, str) and LABEL_VALUE.match(value) is None:
                yield FieldFault(f"labels.{key}", "label_value", "must be a label value of Kubernetes")
    if isinstance(annotations, dict):
        total = 0
        for key, value in annotations.items():
            yield from _key_faults("annotations", "annotation", key)
            total += len(key) + (len(value.encode()) if isinstance(value, str) else 0)
        if total > MOST_ANNOTATION_BYTES:
            words = f"must have at most {MOST_ANNOTATION_BYTES} bytes together"
            yield FieldFault("annotations", "total_size", words, MOST_ANNOTATION_BYTES)


def _key_faults(field: str, word: str, key: str) -> Iterator[FieldFault]:
    if LABEL_KEY.match(key) is None:
        yield FieldFault(
            f"{field}.{key}", f"{word}_key", f"must be {_a(word)} name of Kubernetes without prefix"
        )
    elif key in RESERVED or key.startswith(RESERVED_PREFIXES):
        yield FieldFault(f"{field}.{key}", "reserved", "is kept by the platform")


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
