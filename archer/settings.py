"""What a process of Archer is told at its start: by the environment only, prefix ``ARCHER_``.

Lists of clusters and queues come from one mounted YAML file with a model of its own.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from archer import strict_yaml
from archer.domain.cluster import CapacityType, Celeborn, ClusterProfile, PodSecurity, S3Credentials, S3Server
from archer.domain.request import TENANT_FORM
from archer.errors import SettingsError
from archer.translate.storage import conf_faults

PREFIX = "ARCHER_"
Model = TypeVar("Model", bound=BaseModel)
Tenant = Annotated[str, StringConstraints(pattern=TENANT_FORM)]
MasterEndpoint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}):[0-9]{1,5}$")]
# Source: Kubernetes label values; AWS and others name zones so.
Zone = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
# Source: apimachinery pkg/util/validation, IsDNS1123Label.
Namespace = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ApiSettings(_Section):
    """The HTTP API."""

    host: str = Field(
        "127.0.0.1", description="Address to listen on; without an access file only one of loopback."
    )
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    owner: str = Field(
        "local", description="Without an access file: who everybody is. Owns the jobs, and may do everything."
    )
    ui_url: str = Field("", description="Address of Moka UI, for links in answers.")
    calls_per_second: float = Field(
        500,
        ge=0,
        le=1_000_000,
        description="Submits, cancels and changes of each caller, in each process; more are 429. 0: any.",
    )
    calls_burst: int = Field(5_000, ge=1, le=10_000_000, description="How many of them may come at once.")
    queue_per_second: float = Field(
        2_000,
        ge=0,
        le=1_000_000,
        description="Submits into each queue, in each process; more are 429. 0: any.",
    )
    queue_burst: int = Field(20_000, ge=1, le=10_000_000, description="How many of them may come at once.")
    queued_jobs: int = Field(
        200_000, ge=0, le=100_000_000, description="Jobs of each caller that wait; more are 429. 0: any."
    )


class DispatcherSettings(_Section):
    """Claiming jobs and creating their SparkApplications."""

    batch: int = Field(50, ge=1, le=500, description="Jobs claimed at once.")
    concurrency: int = Field(
        16, ge=1, le=256, description="Create requests under way at once, for each cluster."
    )
    lease_seconds: PositiveFloat = Field(
        30, description="How long a claim lasts; well above a cluster's timeout."
    )
    poll_seconds: PositiveFloat = Field(1, description="Longest wait when no notification comes.")


class WatcherSettings(_Section):
    """Reading the clusters."""

    relist_seconds: PositiveFloat = Field(
        600, description="A full list at least this often, as the safety net."
    )
    flush_seconds: PositiveFloat = Field(0.05, description="Longest time that a change waits for others.")
    image_seconds: PositiveFloat = Field(
        900, description="How long a driver's image may fail to be pulled before the attempt is ended."
    )


class JanitorSettings(_Section):
    """Deadlines and retention."""

    period_seconds: PositiveFloat = Field(2, description="Pause between two rounds.")
    key_days: int = Field(7, ge=7, le=365, description="How long an Idempotency-Key is remembered.")
    retain_days: int = Field(90, ge=1, le=3650, description="How long an ended job is kept.")
    audit_days: int = Field(
        400, ge=400, le=36_500, description="How long the audit is kept; the database keeps 400 by itself."
    )


class Settings(BaseSettings):
    """All settings of one process. A misspelt name refuses the start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        nested_model_default_partial_update=True,
    )

    database: str = Field(description="libpq connection string without a password, so that it can be logged.")
    database_password: SecretStr = Field(SecretStr(""), description="Password for `database`.")
    cursor_secret: SecretStr = Field(description="Signs page cursors; the same in every process of the API.")
    clusters_file: Path = Field(
        Path("/etc/archer/clusters.yaml"), description="The clusters and queues of Archer."
    )
    policy_file: Path | None = Field(
        None, description="What each tenant may ask for; without one, everybody may ask for everything."
    )
    access_file: Path | None = Field(
        None,
        description="Who may call the API. Without it everybody is `api.owner`, which loopback alone allows.",
    )
    reload_seconds: PositiveFloat = Field(
        5, description="How often these files are looked at; changed ones are taken without a restart."
    )
    log_format: str = Field(
        "auto", pattern="^(auto|json|console)$", description="auto: console on a terminal."
    )
    api: ApiSettings = ApiSettings()  # pyright: ignore[reportCallIssue]
    dispatcher: DispatcherSettings = DispatcherSettings()  # pyright: ignore[reportCallIssue]
    watcher: WatcherSettings = WatcherSettings()  # pyright: ignore[reportCallIssue]
    janitor: JanitorSettings = JanitorSettings()  # pyright: ignore[reportCallIssue]

    def dsn(self) -> str:
        """Connection string with the password in it; never logged."""
        password = self.database_password.get_secret_value()
        if not password:
            return self.database
        quoted = password.replace("\\", "\\\\").replace("'", "\\'")
        return f"{self.database} password='{quoted}'"


class S3Entry(_Section):
    """An S3 server other than AWS. Keys come from `secrets` or from the service account."""

    endpoint: str = Field(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$", description="Its URL.")
    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,32}$", description="As it calls itself.")
    path_style: bool = Field(default=True, description="Whether the bucket is in the path, not in the host.")


class CelebornEntry(_Section):
    """A Celeborn near the cluster, for jobs whose Spark version has its client."""

    masters: tuple[MasterEndpoint, ...] = Field(
        min_length=1, description="Its masters, as `host:port`; clients find the leader themselves."
    )
    replicate: bool = Field(
        default=True,
        description="Whether each piece lies on two workers; not with one worker, nor with S3 or HDFS.",
    )
    line: str = Field(
        default="",
        pattern=r"^(0\.[567])?$",
        description="Line of its servers: newer clients are kept away. Empty: every client may come.",
    )


class ClusterEntry(_Section):
    """One cluster of the clusters file."""

    name: str = Field(
        pattern=r"^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$", description="What routing and people call it."
    )
    adapter: Literal["kubernetes", "local"] = Field(description="`local` runs drivers on this machine.")
    kubeconfig: Path | None = Field(
        default=None, description="Kubernetes: how it is reached; the pod's own service account when absent."
    )
    context: str | None = Field(default=None, description="Kubernetes: context of the kubeconfig.")
    root: Path | None = Field(default=None, description="Local: folder that holds everything.")
    slots: int = Field(default=2, ge=1, le=64, description="Drivers that a local cluster runs at once.")
    max_cores: int = Field(default=2, ge=1, le=256, description="Most cores that one local driver gets.")
    weight: int = Field(default=1, ge=0, le=1000, description="Share of the jobs; 0 gives it none.")
    namespace: Namespace = Field(default="default", description="Where SparkApplications are created.")
    service_account: str = Field(default="spark", description="Service account of drivers.")
    image: str = Field(default="spark", description="Container image of drivers and executors.")
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        default="IfNotPresent", description="As Kubernetes knows it."
    )
    secrets: tuple[str, ...] = Field(
        default=(), description="Secrets of the namespace that drivers and executors get as environment."
    )
    millicores_per_core: int = Field(
        default=1000, ge=50, le=1000, description="CPU that a pod requests for each core of Spark."
    )
    architectures: tuple[str, ...] = Field(
        default=("amd64",), description="Of its nodes; the first is taken for jobs that ask for `auto`."
    )
    spark_versions: tuple[str, ...] = Field(
        default=(), description="Spark versions that it runs; empty: any."
    )
    spark_conf: dict[str, str] = Field(default={}, description="sparkConf of every job on this cluster.")
    pod_security: PodSecurity = Field(
        default="restricted",
        description="Pod Security standard that the pods meet; `baseline` for images that run as root.",
    )
    run_as_user: int = Field(
        default=185,
        ge=1,
        le=2**31 - 1,
        description="User that drivers and executors run as, when restricted.",
    )
    time_to_live_seconds: int = Field(
        default=259_200,
        ge=3600,
        le=31_536_000,
        description="How long the operator keeps what has ended: longer than Archer may ever be away.",
    )
    event_log: str = Field(
        default="",
        pattern=r"^(s3a://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._=-]+)*/?)?$",
        description="Where drivers write their event logs, such as `s3a://bucket/events`; empty: none.",
    )
    event_log_rolling: bool = Field(
        default=True, description="Whether event logs are written in parts, readable before the end."
    )
    s3: S3Entry | None = Field(default=None, description="S3 server other than AWS; its fields are below.")
    s3_credentials: S3Credentials = Field(
        default="",
        description="How pods sign in to S3: by the IAM role of their service account (`irsa`) or by EKS Pod "
        "Identity; empty: as the image does.",
    )
    metastore: str = Field(
        default="",
        pattern=r"^(thrift://[A-Za-z0-9.-]+:[0-9]{1,5}(,thrift://[A-Za-z0-9.-]+:[0-9]{1,5})*)?$",
        description="Hive metastores, such as `thrift://metastore:9083`; empty: none.",
    )
    celeborn: CelebornEntry | None = Field(
        default=None, description="Celeborn that keeps the shuffle; its fields are below."
    )
    capacity_types: tuple[CapacityType, ...] = Field(
        default=(),
        description="What its nodes carry as `karpenter.sh/capacity-type`; empty: they carry no such label.",
    )
    zones: tuple[Zone, ...] = Field(
        default=(), description="Zones of its nodes: each job is pinned to one of them; empty: to none."
    )
    prometheus: bool = Field(
        default=False,
        description="Whether drivers serve metrics of themselves and of executors on their UI's port.",
    )
    namespaces: dict[Tenant, Namespace] = Field(
        default={}, description="Namespace by tenant, for those whose jobs do not go to `namespace`."
    )
    queues: tuple[str, ...] = Field(
        default=(), description="Queues whose jobs may come here; empty: all. Each is one of `queues` below."
    )
    max_live_jobs: int = Field(
        default=0, ge=0, le=1_000_000, description="About how many jobs it holds at once; 0: no limit."
    )

    @model_validator(mode="after")
    def _has_what_its_adapter_needs(self) -> Self:
        if self.adapter == "local" and self.root is None:
            raise ValueError("a local cluster needs root")
        if self.capacity_types and "on-demand" not in self.capacity_types:
            raise ValueError(
                "capacity_types without on-demand leave no node for drivers, which never run on spot"
            )
        return self

    @model_validator(mode="after")
    def _does_not_contradict_itself(self) -> Self:
        if faults := list(conf_faults(self.profile())):
            raise ValueError("; ".join(faults))
        return self

    def profile(self) -> ClusterProfile:
        """The entry as routing and translation see it."""
        values: dict[str, Any] = {name: getattr(self, name) for name in ClusterProfile.__dataclass_fields__}
        values["s3"] = S3Server(**self.s3.model_dump()) if self.s3 else None
        values["celeborn"] = Celeborn(**self.celeborn.model_dump()) if self.celeborn else None
        return ClusterProfile(**values)

    def all_namespaces(self) -> tuple[str, ...]:
        """Every namespace that this cluster is given applications in, each once."""
        return tuple(sorted({self.namespace, *self.namespaces.values()}))


class QueueEntry(_Section):
    """One queue of the clusters file."""

    path: str = Field(pattern=r"^root(\.[a-z0-9][a-z0-9_-]{0,62})+$", description="Full path in YuniKorn.")
    tier: int = Field(default=3, ge=1, le=3, description="1 matters most.")
    description: str = Field(default="", description="What the queue is for, as people read it.")


class Inventory(_Section):
    """The clusters file."""

    clusters: list[ClusterEntry] = Field(min_length=1, description="The clusters that jobs may go to.")
    queues: list[QueueEntry] = Field(
        default=[], description="The queues that jobs may name, unless a policy file says it."
    )
    default_queue: str = Field(
        default="root.default", description="Queue of jobs that name none, unless a policy file says it."
    )

    @model_validator(mode="after")
    def _names_what_it_has(self) -> Self:
        paths = [queue.path for queue in self.queues]
        for what, names in (("cluster", [c.name for c in self.clusters]), ("queue", paths)):
            twice = sorted(name for name, count in Counter(names).items() if count > 1)
            if twice:
                raise ValueError(f"the {what} {twice[0]} stands there twice")
        if not paths:
            return self  # a policy file has them, or laid_over complains
        if self.default_queue not in paths:
            raise ValueError(f"default_queue {self.default_queue} is not one of queues")
        for cluster in self.clusters:
            unknown = sorted(set(cluster.queues) - set(paths))
            if unknown:
                raise ValueError(f"cluster {cluster.name}: there is no queue {unknown[0]}")
        return self


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of this process.

    Raises:
        SettingsError: A value is wrong, or a name under ``ARCHER_`` is not a setting.
    """
    environment = os.environ if environment is None else environment
    for name in environment:
        if (
            name.startswith(PREFIX)
            and name[len(PREFIX) :].split("__")[0].lower() not in Settings.model_fields
        ):
            raise SettingsError(f"{name}: there is no such setting")
    try:
        return Settings()  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        raise SettingsError(sentences(error)) from error


def load_inventory(path: Path) -> Inventory:
    """Read the clusters file.

    Raises:
        SettingsError: It cannot be read, or an entry is wrong.
    """
    return parse_inventory(read_settings(path), path)


def read_settings(path: Path) -> bytes:
    """Content of a file of settings. Raises ``SettingsError``."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error}") from error


def parse_inventory(content: bytes, path: Path) -> Inventory:
    """Understand the content of the clusters file at *path*. Raises ``SettingsError``."""
    return parse_settings(Inventory, content, path)


def parse_settings(model: type[Model], content: bytes, path: Path) -> Model:
    """Understand the *content* of the file of settings at *path*. Raises ``SettingsError``."""
    try:
        return model.model_validate(strict_yaml.parse(content))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{path}: {error}") from error
    except ValidationError as error:
        # without its cause, which quotes what stands there: that may be a secret in the wrong place
        raise SettingsError(f"{path}: {sentences(error)}") from None


def sentences(error: ValidationError) -> str:
    """Say in one line what is wrong, each fault with the place of it."""
    return "; ".join(
        ".".join(map(str, fault["loc"]))
        + (": " if fault["loc"] else "")
        + fault["msg"].removeprefix("Value error, ")
        for fault in error.errors(include_url=False, include_input=False)
    )
