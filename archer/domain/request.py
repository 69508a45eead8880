"""What a caller asks for: the typed job request, where unknown fields are refused.

Bounds come from Kubernetes, Spark or the size of one SparkApplication; each constant names its source.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from archer.domain.quantities import memory_mib
from archer.domain.tenancy.image import MAX_LENGTH as MAX_IMAGE_LENGTH
from archer.domain.tenancy.image import parse_image

MAX_EXECUTORS: Final = 5000  # Apple's gateway caps at the same; above it the object's status nears 1 MiB
MAX_CORES: Final = 128
MAX_VALUE_LENGTH: Final = 32_768  # one value of a manifest, a quarter of what Linux takes as one argument
MAX_TIMEOUT_SECONDS: Final = 14 * 24 * 3600
DEFAULT_SPARK_VERSION: Final = "3.5.9"
DEFAULT_TENANT: Final = "default"

CONTROL_BUT_LAYOUT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Kubernetes label syntax without a prefix: prefixed labels are the platform's.
LABEL_KEY: Final = re.compile(r"[a-zA-Z0-9]([-a-zA-Z0-9_.]{0,61}[a-zA-Z0-9])?\Z")
LABEL_VALUE: Final = re.compile(r"([a-zA-Z0-9]([-a-zA-Z0-9_.]{0,61}[a-zA-Z0-9])?)?\Z")
TENANT_FORM: Final = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
QUEUE_FORM: Final = r"^root(\.[a-z0-9][a-z0-9_-]{0,62})+$"
# What Spark may be told to fetch. Other schemes would reach whatever the operator or the driver can reach.
LOCATION: Final = re.compile(r"(s3a://[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?/|(local|file):///)[^/]")
# More than a plain path: lists, escapes, other separators, globs, what java.net.URI does not read (blanks,
# braces), and steps upwards.
ODD_IN_PATH: Final = re.compile(r"[^A-Za-z0-9._=+@:~/-]|/\.\.(/|\Z)")
_COORDINATE: Final = r"[A-Za-z0-9_]+([.-]+[A-Za-z0-9_]+)*"  # part of a path in the cache: never dots alone
ALIAS: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")  # what an archive is unpacked as


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold control or invisible characters")
    return text


def _text(text: str) -> str:
    if CONTROL_BUT_LAYOUT.search(text):
        raise ValueError("must not hold control characters other than tab and line breaks")
    return text


def _location(text: str) -> str:
    path, mark, alias = text.partition("#")
    if LOCATION.match(path) is None:
        raise ValueError(
            "must be s3a://bucket/key, local:///path in the image, or file:///path of a local cluster"
        )
    if ODD_IN_PATH.search(path):
        raise ValueError("must be one plain location, of letters, digits and ._=+@:~/- alone, without '..'")
    if mark and ALIAS.match(alias) is None:
        raise ValueError("must have a plain file name behind the #")
    return text


def _image(text: str) -> str:
    parse_image(text)
    return text


def _memory(text: str) -> str:
    memory_mib(text)
    return text


Location = Annotated[str, StringConstraints(min_length=4, max_length=2048), AfterValidator(_location)]
Memory = Annotated[str, StringConstraints(max_length=12), AfterValidator(_memory)]
Package = Annotated[
    str, StringConstraints(max_length=256, pattern=rf"^{_COORDINATE}:{_COORDINATE}:{_COORDINATE}$")
]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9 ._:/@+-]{0,198}[A-Za-z0-9])?$")]
ImageReference = Annotated[str, StringConstraints(max_length=MAX_IMAGE_LENGTH), AfterValidator(_image)]
SecretAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
TenantName = Annotated[str, StringConstraints(pattern=TENANT_FORM)]
QueuePath = Annotated[str, StringConstraints(max_length=200, pattern=QUEUE_FORM)]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}\.[0-9]{1,2}(\.[0-9]{1,3})?$")]
ClassName = Annotated[
    str, StringConstraints(max_length=512, pattern=r"^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$")
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DriverSize(_Strict):
    """CPU and memory of the driver."""

    cores: int = Field(1, ge=1, le=MAX_CORES, description="Cores; whole numbers, as Spark counts them.")
    memory: Memory = Field("1g", description="JVM heap in Spark's notation, such as `4g`.")
    memory_overhead: Memory | None = Field(
        None, description="Memory beside the heap; Spark's own rule when absent."
    )
    java_options: list[Annotated[str, StringConstraints(min_length=2, max_length=512)]] = Field(
        default_factory=list,
        max_length=50,
        description="Options of its JVM, one each, such as `-XX:+UseG1GC`.",
    )


class ExecutorSize(DriverSize):
    """CPU and memory of each executor, and how many of them."""

    instances: int = Field(
        1, ge=1, le=MAX_EXECUTORS, description="Executors, when allocation is not dynamic."
    )
    capacity: Literal["on_demand", "spot"] | None = Field(
        None,
        description="Nodes of executors, where the queue lets jobs choose; a driver never runs on spot.",
    )


class DynamicAllocation(_Strict):
    """Let Spark ask for executors as it needs them."""

    enabled: bool = Field(True, description="Whether Spark adds and removes executors by itself.")
    min_executors: int = Field(0, ge=0, le=MAX_EXECUTORS)
    max_executors: int = Field(ge=1, le=MAX_EXECUTORS)
    initial_executors: int | None = Field(None, ge=0, le=MAX_EXECUTORS)


class Dependencies(_Strict):
    """Files that the job brings along."""

    jars: list[Location] = Field(default_factory=list, max_length=100)
    files: list[Location] = Field(default_factory=list, max_length=100)
    py_files: list[Location] = Field(default_factory=list, max_length=100)
    archives: list[Location] = Field(default_factory=list, max_length=100)
    packages: list[Package] = Field(
        default_factory=list, max_length=50, description="Maven coordinates `group:artifact:version`."
    )


class Retry(_Strict):
    """When Archer starts another attempt by itself."""

    max_attempts: int = Field(1, ge=1, le=10, description="Attempts in all, the first included.")
    on: list[Literal["user", "platform", "policy"]] = Field(
        default_factory=lambda: ["platform"], max_length=3, description="Whose faults are tried again."
    )
    backoff_seconds: int = Field(
        10, ge=0, le=3600, description="Pause before the next attempt; doubles each time."
    )


class JobRequest(_Strict):
    """A Spark job to run. Unknown fields are refused."""

    name: Name = Field(
        description="What people call the job; kept in an annotation, never in an object's name."
    )
    type: Literal["python", "java", "scala", "r", "sql"]
    main_application_file: Location | None = Field(
        None, description="The program; every type but inline SQL."
    )
    sql: Annotated[str, AfterValidator(_text)] | None = Field(None, min_length=1, max_length=65_536)
    main_class: ClassName | None = None
    arguments: list[Annotated[str, StringConstraints(max_length=MAX_VALUE_LENGTH), AfterValidator(_text)]] = (
        Field(default_factory=list, max_length=512)
    )
    spark_version: Version = DEFAULT_SPARK_VERSION
    tenant: TenantName = DEFAULT_TENANT
    queue: QueuePath | None = Field(
        None, description="Full YuniKorn path; the tenant's default queue when absent."
    )
    arch: Literal["auto", "arm64", "amd64"] = "auto"
    image: ImageReference | None = Field(
        None, description="The tenant's own image, pinned by its digest; the Spark version's when absent."
    )
    shuffle: Literal["auto", "celeborn", "spark"] = Field(
        "auto",
        description="`auto`: Celeborn where cluster and Spark version have it, else Spark's own.",
    )
    driver: DriverSize = DriverSize()  # pyright: ignore[reportCallIssue]
    executor: ExecutorSize = ExecutorSize()  # pyright: ignore[reportCallIssue]
    dynamic_allocation: DynamicAllocation | None = None
    spark_conf: dict[str, Annotated[str, StringConstraints(max_length=MAX_VALUE_LENGTH)]] = Field(
        default_factory=dict, max_length=300
    )
    deps: Dependencies = Dependencies()  # pyright: ignore[reportCallIssue]
    env: dict[str, Annotated[str, StringConstraints(max_length=MAX_VALUE_LENGTH), AfterValidator(_text)]] = (
        Field(default_factory=dict, max_length=200)
    )
    secrets: dict[str, SecretAlias] = Field(
        default_factory=dict,
        max_length=50,
        description="Environment by secret: its alias in the tenant's policy.",
    )
    labels: dict[str, str] = Field(default_factory=dict, max_length=32)
    annotations: dict[str, Annotated[str, StringConstraints(max_length=4096), AfterValidator(_printable)]] = (
        Field(default_factory=dict, max_length=32)
    )
    priority: int = Field(50, ge=0, le=100, description="Higher goes first among queued jobs.")
    retry: Retry = Retry()  # pyright: ignore[reportCallIssue]
    timeout_seconds: int | None = Field(
        None, ge=1, le=MAX_TIMEOUT_SECONDS, description="From acceptance to the end."
    )
    correlation_id: (
        Annotated[str, StringConstraints(min_length=1, max_length=250), AfterValidator(_printable)] | None
    ) = Field(
        None,
        description="The caller's own name for this piece of work; unique among its jobs that are under way.",
    )

    @property
    def names_local_files(self) -> bool:
        """Whether it names files of a machine, which only a local cluster can read."""
        deps = self.deps
        named = [self.main_application_file or "", *deps.jars, *deps.files, *deps.py_files, *deps.archives]
        return any(location.startswith("file:") for location in named)
