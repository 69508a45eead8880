"""Environment of a job: names that change nothing of the platform's, and secrets by their alias."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from archer.domain.tenancy.policy import Tenant
from archer.domain.tenancy.rules.nearest import MOST, did_you_mean
from archer.errors import FieldFault

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
# They change which code the driver loads or whose credentials it uses.
RESERVED_PREFIXES: Final = (
    "LD_",
    "SPARK_",
    "AWS_",
    "JAVA_",
    "HADOOP_",
    "PYTHON",
    "PYSPARK_",
    "KUBERNETES_",
    "MOKA_",
)
RESERVED: Final = frozenset(
    {"PATH", "HOME", "IFS", "ENV", "BASH_ENV", "CLASSPATH", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"}
)


def faults(raw: Mapping[str, Any], tenant: Tenant | None = None) -> Iterator[FieldFault]:
    """Find names that are reserved or of no form, and secrets that *tenant* does not have."""
    env, secrets = raw.get("env"), raw.get("secrets")
    if isinstance(env, dict):
        for name in env:
            yield from _name_faults("env", name)
    if not isinstance(secrets, dict):
        return
    known = tenant.secrets if tenant else {}
    for number, (name, alias) in enumerate(secrets.items()):
        yield from _name_faults("secrets", name)
        if isinstance(env, dict) and name in env:
            yield FieldFault(f"secrets.{name}", "twice", "stands in env, too")
        if isinstance(alias, str) and alias not in known:
            hint = did_you_mean(alias, known) if number < MOST else ""
            yield FieldFault(
                f"secrets.{name}", "unknown", f"is no alias of the tenant's secrets{hint}", sorted(known)[:50]
            )


def _name_faults(field: str, name: str) -> Iterator[FieldFault]:
    if NAME.match(name) is None:
        yield FieldFault(f"{field}.{name}", "name_form", "must be letters, digits and underscores")
    elif name.startswith(RESERVED_PREFIXES) or name in RESERVED:
        yield FieldFault(f"{field}.{name}", "reserved", "is kept by the platform")
