"""sparkConf of a request: open keys, and values within their bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from archer.domain.tenancy import conf_values, spark_conf
from archer.domain.tenancy.rules.nearest import MOST, nearest
from archer.errors import FieldFault

KNOWN: Final = sorted(spark_conf.OPEN_KEYS | set(conf_values.BOUNDED) | set(spark_conf.REQUEST_FIELD_OF))


def faults(raw: Mapping[str, Any], opened: Sequence[str] = ()) -> Iterator[FieldFault]:
    """Find keys that are not open, also not by *opened*, and values out of bounds."""
    conf = raw.get("spark_conf")
    if not isinstance(conf, dict):
        return
    hints = 0
    for key, value in conf.items():
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
