"""Where programs and their files may lie.

spark-submit runs in the operator's pod and fetches what it is told to: a path of that pod would be uploaded
for the job to read, and any other scheme is a request that the operator makes for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from archer.domain.request import LOCATION
from archer.domain.tenancy.policy import Policy, Tenant
from archer.errors import FieldFault

DEPS: Final = ("jars", "files", "py_files", "archives")
IN_IMAGE: Final = "local:///opt/"
# Of a machine that runs a local cluster: what the kernel and the kubelet keep for the process itself.
OF_THE_SYSTEM: Final = re.compile(r"file:/+((var/)?run|proc|sys|dev|etc|root)(/|\Z)")


def form_faults(raw: Mapping[str, Any]) -> Iterator[FieldFault]:
    """Find places that nobody's program lies in, whatever a policy says."""
    for field, text in _locations(raw):
        if text.startswith("s3a:"):
            continue
        place = canonical(text)
        if place.startswith("local:") and not place.startswith(IN_IMAGE):
            yield FieldFault(field, "place", f"must lie under {IN_IMAGE} in the image", IN_IMAGE)
        elif place.startswith("file:") and OF_THE_SYSTEM.match(place):
            yield FieldFault(field, "place", "lies where the machine keeps what is its own")


def place_faults(raw: Mapping[str, Any], policy: Policy, tenant: Tenant) -> Iterator[FieldFault]:
    """Find objects outside of *tenant*'s folders, and packages where nothing resolves them."""
    for field, text in _locations(raw):
        if text.startswith("file:"):
            yield FieldFault(
                field, "place", "a machine's files are of no tenant", [*tenant.locations, IN_IMAGE]
            )
        elif text.startswith("s3a:") and not canonical(text).startswith(tenant.locations):
            words = f"must lie in a folder of the tenant {tenant.name}"
            yield FieldFault(field, "place", words, list(tenant.locations))
    deps = raw.get("deps")
    if isinstance(deps, dict) and deps.get("packages") and not policy.repositories:
        words = "there are no repositories here that packages are resolved from"
        yield FieldFault("deps.packages", "no_repositories", words)


def canonical(text: str) -> str:
    """The place that a location leads to, as Hadoop's Path reads it: no alias, no empty steps.

    Steps upwards, escapes and other separators are no locations at all.
    """
    text = text.partition("#")[0]
    if "//" not in text[6:] and "/." not in text:
        return text
    scheme, _, rest = text.partition("://")
    root = "/" if rest.startswith("/") else ""
    return f"{scheme}://{root}" + "/".join(step for step in rest.split("/") if step not in ("", "."))


def _locations(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each location that has the form of one, and the path of its field."""
    main = raw.get("main_application_file")
    if isinstance(main, str) and LOCATION.match(main):
        yield "main_application_file", main
    deps = raw.get("deps")
    if isinstance(deps, dict):
        for name in DEPS:
            given: Any = deps.get(name)
            if isinstance(given, list):
                for number, text in enumerate(given):
                    if isinstance(text, str) and LOCATION.match(text):
                        yield f"deps.{name}.{number}", text
