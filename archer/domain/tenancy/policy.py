"""What each tenant may ask for, from the policy file: tenants, queues, Spark versions and open sparkConf.

Without a policy file nothing here is asked, and the clusters file alone says which queues there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from archer.domain.quantities import memory_mib
from archer.domain.request import MAX_EXECUTORS, MAX_TIMEOUT_SECONDS, QUEUE_FORM, TENANT_FORM
from archer.domain.tenancy import spark_conf
from archer.domain.tenancy.image import parse_image

Arch = Literal["arm64", "amd64"]
MOST_CORES: Final = 1_000_000
# Source: apimachinery pkg/util/validation, IsDNS1123Label and IsDNS1123Subdomain.
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
Subdomain = Annotated[
    str,
    StringConstraints(
        max_length=253, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
    ),
]
# A folder of objects: with the slash at its end, so that s3a://b/ads does not open s3a://b/ads-secret.
Prefix = Annotated[
    str,
    StringConstraints(
        max_length=1024,
        pattern=r"^s3a://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([A-Za-z0-9_=-][A-Za-z0-9._=-]*/)*$",
    ),
]
# Host, port and path of a repository, without tag or digest.
Repository = Annotated[
    str,
    StringConstraints(max_length=255, pattern=r"^[a-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$"),
]
Family = Annotated[
    str,
    StringConstraints(max_length=200, pattern=r"^spark\.[A-Za-z0-9_.-]+$"),
    AfterValidator(spark_conf.family),
]
ConfValues = dict[Annotated[str, StringConstraints(pattern=r"^spark\.[A-Za-z0-9_.-]{1,200}$")], str]


def _size(text: str) -> str:
    memory_mib(text)
    return text


Memory = Annotated[str, StringConstraints(max_length=12), AfterValidator(_size)]


def _image(text: str) -> str:
    if not parse_image(text).digest:
        raise ValueError("must be pinned by its digest, such as registry.example.com/spark@sha256:...")
    return text


PinnedImage = Annotated[str, StringConstraints(max_length=511), AfterValidator(_image)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Resources(_Strict):
    """An amount of CPU and memory."""

    cores: int = Field(ge=1, le=MOST_CORES, description="Cores.")
    memory: str = Field(pattern=r"^[1-9][0-9]{0,6}[gt]$", description="Such as `800g`.")

    @property
    def memory_mib(self) -> int:
        """Memory in MiB; sums of a queue may be above what one pod can have."""
        return int(self.memory[:-1]) * (1024 if self.memory[-1] == "g" else 1024 * 1024)


class JobSize(Resources):
    """The most that one job may need at its worst: its driver, and every executor it may ever have."""

    executors: int = Field(default=MAX_EXECUTORS, ge=1, le=MAX_EXECUTORS, description="Executors.")


class Queue(_Strict):
    """A queue, as YuniKorn has it."""

    path: str = Field(max_length=200, pattern=QUEUE_FORM, description="Full path in YuniKorn.")
    tier: int = Field(default=3, ge=1, le=3, description="1 matters most; decides the priority class.")
    description: str = Field(
        default="", max_length=500, description="What the queue is for, as people read it."
    )
    guaranteed: Resources | None = Field(default=None, description="What it always gets.")
    maximum: Resources | None = Field(default=None, description="What it never gets more than.")
    max_running: int | None = Field(default=None, ge=1, le=100_000, description="Jobs that run at once.")
    largest_job: JobSize | None = Field(default=None, description="The largest job that it takes.")
    arch: Arch | None = Field(
        default=None, description="What `arch: auto` means here, where a cluster has it."
    )
    queued_jobs: int = Field(
        default=1_000_000,
        ge=1,
        le=10_000_000,
        description="Jobs that wait in it at once; more are answered 429.",
    )
    preemptible: bool = Field(default=True, description="Whether its executors may make room for others.")
    spot: Literal["never", "allowed", "default"] = Field(
        default="never", description="Whether executors may run on spot nodes, and whether they do unasked."
    )
    spark_conf: ConfValues = Field(default={}, description="sparkConf of every job in it.")


class SecretRef(_Strict):
    """One key of a Secret in the tenant's namespace."""

    secret: Subdomain = Field(description="Name of the Secret.")
    key: str = Field(pattern=r"^[A-Za-z0-9._-]{1,253}$", description="Key in it.")


class Limits(_Strict):
    """How much a tenant may ask for."""

    executors: int = Field(default=MAX_EXECUTORS, ge=1, le=MAX_EXECUTORS, description="Executors of one job.")
    job: Resources | None = Field(default=None, description="One job at its worst, its driver included.")
    timeout_seconds: int = Field(
        default=MAX_TIMEOUT_SECONDS, ge=60, le=MAX_TIMEOUT_SECONDS, description="Longest `timeout_seconds`."
    )
    queued_jobs: int = Field(
        default=10_000, ge=1, le=10_000_000, description="Jobs that wait at once; more are answered 429."
    )


class Tenant(_Strict):
    """A team that shares the clusters with others."""

    name: str = Field(pattern=TENANT_FORM, description="As requests name it.")
    description: str = Field(default="", max_length=500, description="Who they are.")
    namespace: Label = Field(description="Where its SparkApplications are created.")
    namespaces: dict[str, Label] = Field(default={}, description="By cluster, where it is another one there.")
    shares_namespace: bool = Field(
        default=False,
        description="Whether others that say so, too, may have its namespace, secrets and accounts.",
    )
    driver_service_account: Subdomain = Field(default="spark", description="Service account of drivers.")
    executor_service_account: Subdomain = Field(default="spark", description="Service account of executors.")
    queues: tuple[str, ...] = Field(
        min_length=1, description="Queues that it may use; the first is its default."
    )
    locations: tuple[Prefix, ...] = Field(
        default=(), description="Where programs and their files may lie, such as `s3a://bucket/folder/`."
    )
    images: tuple[Repository, ...] = Field(
        default=(),
        description="Repositories that its own images may come from; none: only those of Spark versions.",
    )
    secrets: dict[Label, SecretRef] = Field(
        default={}, description="Aliases that requests name in `secrets`."
    )
    limits: Limits = Field(default=Limits(), description="How much it may ask for.")
    architectures: tuple[Arch, ...] = Field(
        default=("arm64", "amd64"),
        min_length=1,
        description="What it may run on, in the order that `auto` tries.",
    )
    spark_conf: ConfValues = Field(default={}, description="sparkConf of every job of it.")
    open_spark_conf: tuple[Family, ...] = Field(
        default=(), description="Keys, or families that end in a dot, that only its jobs may set, too."
    )

    def namespace_on(self, cluster: str) -> str:
        """Where its SparkApplications are created on *cluster*."""
        return self.namespaces.get(cluster, self.namespace)


class SparkVersion(_Strict):
    """A Spark that people may ask for."""

    version: str = Field(
        pattern=r"^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3}$", description="In full, such as 3.5.9."
    )
    images: dict[Arch, PinnedImage] = Field(
        min_length=1, description="Image by architecture, pinned by digest."
    )
    hadoop: Literal["3.3", "3.4"] = Field(
        default="3.3", description="Line of Hadoop in the image; decides which classes S3 credentials have."
    )
    celeborn: str = Field(
        default="",
        pattern=r"^(0\.[567])?$",
        description="Line of the Celeborn client in the image; empty: none.",
    )
    spark_conf: ConfValues = Field(default={}, description="sparkConf of every job of it.")


class Policy(_Strict):
    """The policy file."""

    spark_conf: ConfValues = Field(
        default={}, description="sparkConf of every job, unless something below says more."
    )
    open_spark_conf: tuple[Family, ...] = Field(
        default=(), description="Keys, or families that end in a dot, that every request may set, too."
    )
    priority_classes: str = Field(
        default="",
        pattern=r"^([a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?)?$",
        description="Beginning of the PriorityClasses `<it>-tier<n>` and `<it>-tier<n>-driver`; empty: none.",
    )
    repositories: tuple[
        Annotated[
            str, StringConstraints(pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._-]+)*/?$")
        ],
        ...,
    ] = Field(
        default=(),
        description="Maven repositories of packages; Spark asks Maven Central, too, if it can.",
    )
    queues: tuple[Queue, ...] = Field(min_length=1, description="The queues that jobs may name.")
    tenants: tuple[Tenant, ...] = Field(
        min_length=1, description="Who may submit jobs, and what they may ask for."
    )
    spark_versions: tuple[SparkVersion, ...] = Field(
        default=(),
        description="The Sparks that jobs may ask for; none: those of the clusters, with their image.",
    )

    @model_validator(mode="after")
    def _names_what_it_has(self) -> Self:
        for what, names in (
            ("tenant", [tenant.name for tenant in self.tenants]),
            ("queue", [queue.path for queue in self.queues]),
            ("Spark version", [version.version for version in self.spark_versions]),
        ):
            twice = sorted(name for name, count in Counter(names).items() if count > 1)
            if twice:
                raise ValueError(f"the {what} {twice[0]} stands there twice")
        paths = {queue.path for queue in self.queues}
        for path in sorted(paths):
            under = next((other for other in sorted(paths) if other.startswith(f"{path}.")), None)
            if under:
                raise ValueError(f"the queue {path} is not a leaf: {under} is below it")
        for tenant in self.tenants:
            unknown = sorted(set(tenant.queues) - paths)
            if unknown:
                raise ValueError(f"tenant {tenant.name}: there is no queue {unknown[0]}")
        return self

    @cached_property
    def tenant_of(self) -> Mapping[str, Tenant]:
        """Tenants by name."""
        return {tenant.name: tenant for tenant in self.tenants}

    @cached_property
    def queue_of(self) -> Mapping[str, Queue]:
        """Queues by path; only the exact path is one."""
        return {queue.path: queue for queue in self.queues}

    @cached_property
    def _version_of(self) -> Mapping[str, SparkVersion]:
        return {one.version: one for one in self.spark_versions}

    def spark_version(self, wanted: str) -> SparkVersion | None:
        """The Spark that *wanted* means: itself, or the highest patch of the line ``3.5``."""
        exact = self._version_of.get(wanted)
        if exact is not None:
            return exact
        line = [one for one in self.spark_versions if f"{one.version}.".startswith(f"{wanted}.")]
        return max(line, key=lambda one: int(one.version.rpartition(".")[2]), default=None)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the policy says of one job; all of it is None where there is no policy file."""

    policy: Policy | None = None
    tenant: Tenant | None = None
    queue: Queue | None = None
    version: SparkVersion | None = None


FREE: Final = Terms()


def terms_of(policy: Policy | None, *, tenant: str, queue: str, spark_version: str) -> Terms:
    """What *policy* says of a job that was accepted; a part that it no longer knows is None."""
    if policy is None:
        return FREE
    return Terms(
        policy, policy.tenant_of.get(tenant), policy.queue_of.get(queue), policy.spark_version(spark_version)
    )
