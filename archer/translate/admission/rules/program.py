"""What an application runs: its type, its image, its files and packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from archer.domain.request import ALIAS
from archer.domain.tenancy.rules.files import IN_IMAGE
from archer.translate import spark
from archer.translate.admission.cel import absent_or, all_of, keys_of, matches, one_of, starts_with
from archer.translate.admission.ground import Ground
from archer.translate.admission.rules.rule import Rule

SPEC: Final = "object.spec"
ODD: Final = re.compile(r"[^,\\%\x00-\x20]*\Z")  # lists, escapes, other separators
PATH_WITH_ALIAS: Final = rf"[^#]*#{ALIAS.pattern}"
PACKAGE: Final = r"[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+"
FILES: Final = ("jars", "files", "pyFiles", "archives")
# below a repository, and the digest that pins it
BELOW: Final = r"(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9._-]*)?@sha256:[0-9a-f]{64}"


def program(ground: Ground) -> Iterator[Rule]:
    """Fields of the spec that say what is run."""
    python_only = ["pythonVersion"]  # the requests that were rendered are of Java
    known = [*ground.written.keys("spec"), *python_only]
    yield Rule(keys_of(SPEC, known), "spec has a field that Archer never writes")
    fixed = ("mode", "restartPolicy", "imagePullPolicy", "timeToLiveSeconds")
    yield Rule(
        all_of(
            f"has({SPEC}.type) && " + one_of(f"{SPEC}.type", set(spark.OPERATOR_TYPE.values())),
            *(
                f"has({SPEC}.{field}) && " + one_of(f"{SPEC}.{field}", ground.written.values("spec", field))
                for field in fixed
            ),
        ),
        f"type, {', '.join(fixed[:-1])} or {fixed[-1]} is not what Archer would write",
    )
    yield Rule(f"has({SPEC}.image) && ({_image(ground)})", "image is not one that the tenant may use")
    yield from _files(ground)
    deps = f"{SPEC}.deps"
    yield Rule(
        absent_or(
            deps,
            all_of(
                absent_or(f"{deps}.packages", f"{deps}.packages.all(p, {matches('p', PACKAGE)})"),
                absent_or(
                    f"{deps}.repositories",
                    f"{deps}.repositories.all(r, {one_of('r', ground.policy.repositories)})",
                ),
            ),
        ),
        "a package or a repository is not one that the policy knows",
    )


def _files(ground: Ground) -> Iterator[Rule]:
    file, deps = f"{SPEC}.mainApplicationFile", f"{SPEC}.deps"
    yield Rule(
        f"has({file}) && ({_location(ground, file)})",
        "mainApplicationFile is not where the tenant's programs lie",
    )
    lists = [absent_or(f"{deps}.{one}", f"{deps}.{one}.all(f, {_location(ground, 'f')})") for one in FILES]
    yield Rule(
        absent_or(deps, all_of(keys_of(deps, [*FILES, "packages", "repositories"]), *lists)),
        "a file of deps is not where the tenant's programs lie",
    )


def _image(ground: Ground) -> str:
    image = f"{SPEC}.image"
    platform = one_of(image, ground.written.values("spec", "image"))
    own = sorted({re.escape(one) for tenant in ground.tenants for one in tenant.images})
    if not own:
        return platform
    return f"{platform} || {matches(image, '(?:' + '|'.join(own) + ')' + BELOW)}"


def _location(ground: Ground, what: str) -> str:
    """Whether a location is in the image, or under a prefix of the tenant, and one plain path."""
    prefixes = [prefix for tenant in ground.tenants for prefix in tenant.locations]
    place = f"{what}.startsWith('{IN_IMAGE}')"
    if prefixes:
        place += f" || {starts_with(what, prefixes)}"
    alias = f"!{what}.contains('#') || {matches(what, PATH_WITH_ALIAS)}"
    return all_of(place, f"!{what}.contains('/..')", matches(what, ODD), alias)
