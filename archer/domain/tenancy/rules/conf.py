"""sparkConf of a request: open keys, and values within their bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from archer.domain.tenancy import conf_values, spark_conf
from archer.domain.tenancy.rules.nearest import MOST, nearest
from archer.errors import FieldFault

SHORT: Final = 200  # of what is remembered, so that a caller cannot fill the memory
KNOWN: Final = sorted(spark_conf.OPEN_KEYS | set(conf_values.BOUNDED) | set(spark_conf.REQUEST_FIELD_OF))


def faults(raw: Mapping[str, Any], opened: Sequence[str] = ()) -> Iterator[FieldFault]:
    """Find keys that are not open, also not by *opened*, and values out of bounds."""
    conf = raw.get("spark_conf")
    if not isinstance(conf, dict):
        return
    hints, opened = 0, tuple(opened)
    for key, value in conf.items():
        if (
            len(key) < SHORT
            and isinstance(value, str)
            and len(value) < SHORT
            and _is_fine(key, value, opened)
        ):
            continue
        found = spark_conf.key_fault(key, opened)
        if found is not None:
            near = None
            if found[0] == "not_open" and hints < MOST:
                hints += 1
                near = nearest(key, [*KNOWN, *opened])
            elif found[0] == "has_own_field":
                near = spark_conf.REQUEST_FIELD_OF[key]
            yield FieldFault(f"spark_conf.{key}", *found, near)
        elif isinstance(value, str):
            wrong = conf_values.value_fault(key, value)
            if wrong is not None:
                yield FieldFault(f"spark_conf.{key}", *wrong)


@lru_cache(maxsize=4096)  # the same keys and values come with most jobs
def _is_fine(key: str, value: str, opened: tuple[str, ...]) -> bool:
    return spark_conf.key_fault(key, opened) is None and conf_values.value_fault(key, value) is None
