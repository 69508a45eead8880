"""What sparkConf and dynamic allocation of an application may say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from archer.domain.quantities import KIB_PER_MIB, MAX_MEMORY_MIB, MEMORY, MIB_PER_UNIT
from archer.domain.request import MAX_CORES
from archer.domain.tenancy import spark_conf
from archer.domain.tenancy.rules import jvm
from archer.translate.admission.cel import (
    absent_or,
    all_of,
    holds,
    keys_of,
    literal,
    matches,
    one_of,
    starts_with,
)
from archer.translate.admission.ground import Ground
from archer.translate.admission.rules.rule import Rule

SPEC: Final = "object.spec"
PREFIX_KEY: Final = "spark.kubernetes.executor.podNamePrefix"
JAVA_KEYS: Final = ("spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions")
CONF: Final = f"{SPEC}.sparkConf"
VALUE: Final = f"{CONF}[k]"
DYNAMIC: Final = f"{SPEC}.dynamicAllocation"
COUNTS: Final = ("initialExecutors", "maxExecutors", "minExecutors")
KIB_PER_UNIT: Final = {"k": 1} | {unit: mib * KIB_PER_MIB for unit, mib in MIB_PER_UNIT.items()}


def conf(ground: Ground) -> Iterator[Rule]:
    """Keys that a request may set, and platform keys with the values that the platform gives them."""
    platform = f"(k in variables.platform && {VALUE} in variables.platform[k])"
    prefix = f"(k == '{PREFIX_KEY}' && {VALUE} == object.metadata.name)"
    java = f"({one_of('k', JAVA_KEYS)} && {VALUE}.split(' ').all(o, {_java_option(ground)}))"
    yield Rule(
        absent_or(CONF, f"{CONF}.all(k, {platform} || {prefix} || {java} || ({_free(ground)}))"),
        "a key of sparkConf is kept by the platform, or has not its value",
    )
    yield Rule(
        f"has({CONF}) && '{PREFIX_KEY}' in {CONF}",
        "sparkConf does not name the executors after the application",
    )
    yield Rule(
        absent_or(CONF, f"{CONF}.all(k, !{VALUE}.contains('\\n') && !{VALUE}.contains('\\r'))"),
        "a value of sparkConf has a line break",
    )


def platform_conf(ground: Ground) -> dict[str, list[str]]:
    """Every value that Archer gives to a sparkConf key by itself, here."""
    keys = ground.written.keys("spec", "sparkConf")
    return {key: ground.written.values("spec", "sparkConf", key) for key in keys if key != PREFIX_KEY}


def _java_option(ground: Ground) -> str:
    given = {
        o
        for key in JAVA_KEYS
        for value in ground.written.values("spec", "sparkConf", key)
        for o in value.split()
    }
    return f"{one_of('o', given)} || {matches('o', jvm.OPEN)}"


def _free(ground: Ground) -> str:
    opened = [
        *ground.policy.open_spark_conf,
        *(key for tenant in ground.tenants for key in tenant.open_spark_conf),
    ]
    own = f"k.startsWith('{spark_conf.OF_JOBS}')"
    in_family = all_of(
        starts_with("k", spark_conf.OPEN_FAMILIES),
        f"!({starts_with('k', spark_conf.CLOSED_IN_OPEN_FAMILIES)})",
        f"{own} || !{holds('k', spark_conf.LOADS_A_CLASS)}",
    )
    families = [one for one in opened if one.endswith(".")]
    by_policy = all_of(
        f"{one_of('k', opened)} || {starts_with('k', families)}",
        f"!({starts_with('k', [*spark_conf.NEVER_OPEN, *spark_conf.CLOSED_IN_OPEN_FAMILIES])})",
        f"!{holds('k', spark_conf.LOADS_A_CLASS)}",
        f"!(k.startsWith('{spark_conf.HADOOP}') && {holds('k', spark_conf.ACCESS_IN_HADOOP)})",
    )
    return all_of(
        matches("k", spark_conf.KEY),
        f"!({one_of('k', spark_conf.REQUEST_FIELD_OF)})",
        f"{one_of('k', spark_conf.OPEN_KEYS)} || ({by_policy}) || ({in_family})",
    )


def sizes(ground: Ground) -> Iterator[Rule]:
    """How many executors, and of which size."""
    most = ground.most_executors
    bounds = [absent_or(f"{DYNAMIC}.{key}", _within(f"{DYNAMIC}.{key}", most)) for key in COUNTS]
    known = ground.written.keys("spec", "dynamicAllocation")
    yield Rule(
        absent_or(
            DYNAMIC,
            all_of(
                keys_of(DYNAMIC, [*known, *COUNTS]),
                *bounds,
                absent_or(f"{DYNAMIC}.enabled", f"!{DYNAMIC}.enabled || has({DYNAMIC}.maxExecutors)"),
            ),
        ),
        "dynamicAllocation is beyond what the tenant may ask for",
    )
    instances = f"{SPEC}.executor.instances"
    yield Rule(
        f"has({SPEC}.executor) && {absent_or(instances, f'{instances} >= 1 && {_within(instances, most)}')}",
        "there are more executors than the tenant may ask for",
    )
    for role in ("driver", "executor"):
        cores, memory = f"{SPEC}.{role}.cores", f"{SPEC}.{role}.memory"
        overhead = f"{SPEC}.{role}.memoryOverhead"
        yield Rule(
            all_of(
                f"has({SPEC}.{role}) && has({cores}) && {cores} >= 1 && {cores} <= {MAX_CORES}",
                f"has({memory}) && ({_memory(memory)})",
                absent_or(overhead, _memory(overhead)),
            ),
            f"cores or memory of {role} is out of bounds",
        )


def _memory(path: str) -> str:
    number, unit = f"int({path}.find('^[0-9]+'))", f"{path}.find('[kmgt]')"
    kib = f"{number} * {literal(KIB_PER_UNIT)}[{unit}]"
    return f"{matches(path, MEMORY)} && {kib} <= {MAX_MEMORY_MIB * KIB_PER_MIB}"


def _within(path: str, most: int) -> str:
    return f"{path} >= 0 && {path} <= {most}"
