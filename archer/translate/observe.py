"""What a cluster says about one SparkApplication, in our words.

A listed object and a watched one are read alike. The order of states is ours, since a resourceVersion is
opaque: an observation with a lower rank than what is stored changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from archer.domain.states import JobState
from archer.translate import names

# Only COMPLETED and FAILED are final for the operator; every other word, unknown ones too, means "under way".
# Source: spark-operator pkg/util/sparkapplication.go, IsTerminated.
SUCCEEDED: Final = "COMPLETED"
FAILED: Final = "FAILED"
STATE_OF: Final[dict[str, JobState]] = {
    "": JobState.SUBMITTED,
    "SUBMITTED": JobState.SUBMITTED,
    "SUBMISSION_FAILED": JobState.SUBMITTED,
    "PENDING_RERUN": JobState.SUBMITTED,
    "INVALIDATING": JobState.SUBMITTED,
    "SUSPENDING": JobState.SUBMITTED,
    "SUSPENDED": JobState.SUBMITTED,
    "RESUMING": JobState.SUBMITTED,
    "RUNNING": JobState.RUNNING,
    "SUCCEEDING": JobState.RUNNING,
    "FAILING": JobState.SUBMITTED,  # of a driver that never ran, too; one that runs is not put back by it
    "UNKNOWN": JobState.RUNNING,
    SUCCEEDED: JobState.SUCCEEDED,
    FAILED: JobState.FAILED,
}
ATTEMPT: Final = re.compile(r"[1-9][0-9]{0,3}\Z")
UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")  # NUL and lone surrogates, which JSON can carry
TIME: Final = re.compile(
    r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z\Z"
)  # RFC 3339
RANK: Final[dict[JobState, int]] = {
    JobState.QUEUED: 0,
    JobState.DISPATCHING: 1,
    JobState.SUBMITTED: 2,
    JobState.RUNNING: 3,
    JobState.SUCCEEDED: 4,
    JobState.FAILED: 4,
}


@dataclass(frozen=True, slots=True)
class Application:
    """One SparkApplication as a cluster holds it; only what Archer stores."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    job_id: str | None
    attempt: int | None
    spec_sha256: str | None
    application_state: str
    error_message: str
    spark_app_id: str | None
    driver_pod: str | None
    executors_running: int
    executors_failed: int
    executors_completed: int
    created_at: str
    driver_started_at: str | None
    ended_at: str | None

    @property
    def state(self) -> JobState:
        """The job state that the operator's word stands for; an unknown word means under way."""
        return STATE_OF.get(self.application_state, JobState.SUBMITTED)

    @property
    def rank(self) -> int:
        """Place in the order of states; an attempt's rank never falls."""
        return RANK[self.state]


class Labels(msgspec.Struct, gc=False):
    """The labels that Archer reads."""

    job_id: str | None = msgspec.field(default=None, name=names.JOB_ID)
    attempt: str | None = msgspec.field(default=None, name=names.ATTEMPT)


class Annotations(msgspec.Struct, gc=False):
    """The annotation that Archer reads."""

    spec_sha256: str | None = msgspec.field(default=None, name=names.SPEC_SHA256)


class Metadata(msgspec.Struct, gc=False, rename="camel"):
    """What every object of an API server begins with."""

    name: str = ""
    namespace: str | None = None
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str | None = None
    labels: Labels | None = None
    annotations: Annotations | None = None


class ApplicationState(msgspec.Struct, gc=False, rename="camel"):
    """The operator's word, and why."""

    state: Any = None
    error_message: Any = None


class DriverInfo(msgspec.Struct, gc=False, rename="camel"):
    """Where the driver runs."""

    pod_name: Any = None


class Status(msgspec.Struct, gc=False, rename="camel"):
    """What the operator writes, as far as Archer stores it. Leaves may be of any type: nobody checks them."""

    application_state: ApplicationState | None = None
    spark_application_id: Any = None
    driver_info: DriverInfo | None = None
    executor_state: dict[str, Any] | None = None
    last_submission_attempt_time: Any = None
    termination_time: Any = None


class Resource(msgspec.Struct, gc=False):
    """A SparkApplication object, only with what is read of it: so a watch decodes nothing else."""

    kind: str = ""
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    status: Status | None = None


def from_resource(resource: Mapping[str, Any]) -> Application:
    """Read a SparkApplication object as an API server returns it. Absent parts read as empty."""
    return from_struct(msgspec.convert(resource, Resource))


def from_struct(resource: Resource) -> Application:
    """Read a decoded SparkApplication object.

    Anybody with rights in the namespace can write labels and status, so what Postgres could not store is
    dropped here: one odd object must not keep the others from being recorded.
    """
    metadata = resource.metadata
    labels = metadata.labels or Labels()
    status = resource.status or Status()
    app_state = status.application_state or ApplicationState()
    executors = list((status.executor_state or {}).values())
    return Application(
        namespace=metadata.namespace or "default",
        name=metadata.name,
        uid=metadata.uid,
        resource_version=metadata.resource_version,
        job_id=labels.job_id,
        attempt=attempt_number(labels.attempt or ""),
        spec_sha256=metadata.annotations.spec_sha256 if metadata.annotations else None,
        application_state=storable(app_state.state),
        error_message=storable(app_state.error_message),
        spark_app_id=storable(status.spark_application_id) or None,
        driver_pod=storable(status.driver_info.pod_name) or None if status.driver_info else None,
        executors_running=executors.count("RUNNING"),
        executors_failed=executors.count("FAILED"),
        executors_completed=executors.count("COMPLETED"),
        created_at=metadata.creation_timestamp or "",
        driver_started_at=_time(status.last_submission_attempt_time),
        ended_at=_time(status.termination_time),
    )


def attempt_number(label: str) -> int | None:
    """Number in the label of an attempt; None for what is none."""
    return int(label) if ATTEMPT.match(label) else None


def storable(value: Any) -> str:
    """Text that Postgres takes; empty for what is no text."""
    text = value if isinstance(value, str) else ""
    return UNSTORABLE.sub("\ufffd", text)


def _time(value: Any) -> str | None:
    if not isinstance(value, str) or TIME.match(value) is None:
        return None
    try:
        datetime.fromisoformat(value)
    except ValueError:  # such as the 30th of February
        return None
    return value
