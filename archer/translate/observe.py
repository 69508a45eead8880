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
    "FAILING": JobState.RUNNING,
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


def from_resource(resource: Mapping[str, Any]) -> Application:
    """Read a SparkApplication object as an API server returns it. Absent parts read as empty.

    Anybody with rights in the namespace can write labels and status, so what Postgres could not store is
    dropped here: one odd object must not keep the others from being recorded.
    """
    metadata = resource.get("metadata") or {}
    labels = metadata.get("labels") or {}
    status = resource.get("status") or {}
    app_state = status.get("applicationState") or {}
    executors = list((status.get("executorState") or {}).values())
    return Application(
        namespace=metadata.get("namespace", "default"),
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        resource_version=metadata.get("resourceVersion", ""),
        job_id=labels.get(names.JOB_ID),
        attempt=_attempt(labels.get(names.ATTEMPT, "")),
        spec_sha256=(metadata.get("annotations") or {}).get(names.SPEC_SHA256),
        application_state=_text(app_state.get("state")),
        error_message=_text(app_state.get("errorMessage")),
        spark_app_id=_text(status.get("sparkApplicationId")) or None,
        driver_pod=_text((status.get("driverInfo") or {}).get("podName")) or None,
        executors_running=executors.count("RUNNING"),
        executors_failed=executors.count("FAILED"),
        executors_completed=executors.count("COMPLETED"),
        created_at=metadata.get("creationTimestamp", ""),
        driver_started_at=_time(status.get("lastSubmissionAttemptTime")),
        ended_at=_time(status.get("terminationTime")),
    )


def _attempt(label: str) -> int | None:
    return int(label) if ATTEMPT.match(label) else None


def _text(value: Any) -> str:
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
