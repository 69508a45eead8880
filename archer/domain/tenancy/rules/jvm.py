"""Options of a JVM that jobs may set: those that tune it, and none that loads, runs, reads or writes.

Closed are agents, `-XX:OnError=` and its like, `-XX:Flags=`, class paths, and properties, but for a few of
language and time: `-Dlog4j2.configurationFile=` may name an address that is fetched and run, and most others
(`java.security.*`, `java.rmi.*`, `com.sun.*`, `user.home`) say whose code or files are trusted. A job's own
properties are arguments or `spark.user.*`. Source: ``java -XX:+PrintFlagsFinal`` of JDK 17.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from archer.domain.tenancy.rules.nearest import MOST, nearest
from archer.errors import FieldFault

SWITCHES: Final = (
    "AlwaysPreTouch",
    "DisableExplicitGC",
    "ExitOnOutOfMemoryError",
    "ExplicitGCInvokesConcurrent",
    "OmitStackTraceInFastThrow",
    "ParallelRefProcEnabled",
    "TieredCompilation",
    "UseAdaptiveSizePolicy",
    "UseCompressedClassPointers",
    "UseCompressedOops",
    "UseNUMA",
    "UseStringDeduplication",
    "UseTransparentHugePages",
    "ZGenerational",
)
AMOUNTS: Final = (
    "ConcGCThreads",
    "G1HeapRegionSize",
    "G1ReservePercent",
    "GCTimeRatio",
    "InitiatingHeapOccupancyPercent",
    "MaxDirectMemorySize",
    "MaxGCPauseMillis",
    "MaxInlineLevel",
    "MaxInlineSize",
    "MaxJavaStackTraceDepth",
    "MaxMetaspaceSize",
    "MaxTenuringThreshold",
    "MetaspaceSize",
    "NewRatio",
    "ParallelGCThreads",
    "ReservedCodeCacheSize",
    "SoftRefLRUPolicyMSPerMB",
    "SurvivorRatio",
)
PROPERTIES: Final = ("file.encoding", "user.country", "user.language", "user.timezone", "user.variant")
OPEN: Final = re.compile(
    r"-Xss[1-9][0-9]{0,5}[km]\Z"
    r"|-verbose:gc\Z"
    r"|-Xlog:(gc|safepoint)(\+[a-z]+){0,3}\*?(=(info|debug|warning|trace|off))?\Z"  # never to a file
    r"|-XX:[+-]Use[A-Z0-9][A-Za-z0-9]{0,30}GC\Z"
    rf"|-XX:[+-]({'|'.join(SWITCHES)})\Z"
    rf"|-XX:({'|'.join(AMOUNTS)})=[0-9]{{1,7}}[kmgKMG]?\Z"
    rf"|-D({'|'.join(map(re.escape, PROPERTIES))})=[A-Za-z0-9][A-Za-z0-9_+/-]{{0,63}}\Z"
)
HEAP: Final = re.compile(r"-Xm[xsn]|-XX:[A-Za-z]*(HeapSize|RAM|RAMPercentage|RAMFraction)=")
KNOWN: Final = (
    *(f"-XX:+{name}" for name in SWITCHES),
    *(f"-XX:{name}" for name in AMOUNTS),
    *(f"-D{name}" for name in PROPERTIES),
    *(f"-XX:+Use{name}GC" for name in ("G1", "Parallel", "Serial", "Shenandoah", "Z")),
    "-Xss",
)


def faults(raw: Mapping[str, Any]) -> Iterator[FieldFault]:
    """Find options of driver and executors that jobs may not set."""
    for role in ("driver", "executor"):
        size: Any = raw.get(role)
        options: Any = size.get("java_options") if isinstance(size, dict) else None
        if not isinstance(options, list):
            continue
        for number, option in enumerate(options):
            if isinstance(option, str) and OPEN.match(option) is None:
                yield _fault(f"{role}.java_options.{number}", option, role, is_hinted=number < MOST)


def _fault(field: str, option: str, role: str, *, is_hinted: bool) -> FieldFault:
    if HEAP.match(option):
        own = f"{role}.memory"
        return FieldFault(field, "has_own_field", f"the heap is set by the field {own}", own)
    near = (
        nearest(option.partition("=")[0], (word.partition("=")[0] for word in KNOWN)) if is_hinted else None
    )
    words = "is no option that jobs may set, or not of its form: one option, without blanks or quotes"
    return FieldFault(field, "not_open", words, near)
