"""The states of a job, which of them are final, and which may follow which.

``docs/states.md`` draws this table; a test compares the two, and a CHECK constraint holds the names.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class JobState(StrEnum):
    """Where a job stands. The operator's own word is kept beside it as ``application_state``."""

    QUEUED = "queued"
    DISPATCHING = "dispatching"
    SUBMITTED = "submitted"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the state is never left again."""
        return self in FINAL


FINAL: Final = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})

FOLLOWS: Final[dict[JobState, frozenset[JobState]]] = {
    JobState.QUEUED: frozenset({JobState.DISPATCHING, JobState.CANCELLED, JobState.FAILED}),
    # back to queued: the cluster refused for now, or an attempt ended and another is allowed
    JobState.DISPATCHING: frozenset(
        {
            JobState.QUEUED,
            JobState.SUBMITTED,
            JobState.RUNNING,
            JobState.SUCCEEDED,
            JobState.FAILED,
            JobState.CANCELLING,
        }
    ),
    JobState.SUBMITTED: frozenset(
        {JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLING}
    ),
    JobState.RUNNING: frozenset({JobState.QUEUED, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLING}),
    # failed when it was a deadline that cancelled it; never succeeded: a cancel that was answered wins
    JobState.CANCELLING: frozenset({JobState.CANCELLED, JobState.FAILED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


class Fault(StrEnum):
    """Whose doing a failure is."""

    USER = "user"
    PLATFORM = "platform"
    POLICY = "policy"


class Reason(StrEnum):
    """Why a job ended other than by success. Classes of Spark's and the operator's ways to fail."""

    DRIVER_OOM = "driver_oom"
    EXECUTOR_OOM = "executor_oom"
    USER_CODE = "user_code"
    DATA_MISSING = "data_missing"
    ACCESS_DENIED = "access_denied"
    FILE_NOT_FOUND = "file_not_found"
    CLASS_NOT_FOUND = "class_not_found"
    DEPENDENCY_NOT_FOUND = "dependency_not_found"
    IMAGE = "image"
    QUOTA = "quota"
    GANG_TIMEOUT = "gang_timeout"
    PREEMPTED = "preempted"
    NODE_LOST = "node_lost"
    SHUFFLE_LOST = "shuffle_lost"
    EXECUTOR_CHURN = "executor_churn"
    DRIVER_KILLED = "driver_killed"
    SUBMIT_TRANSIENT = "submit_transient"
    SUBMIT_INVALID = "submit_invalid"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    LOST = "lost"
    APPLICATION_DELETED = "application_deleted"
    NAME_CONFLICT = "name_conflict"
    POISON = "poison"
    MOVED = "moved"  # of an attempt that was never created; its job goes on elsewhere
    UNKNOWN = "unknown"


FAULT_OF: Final[dict[Reason, Fault]] = {
    Reason.DRIVER_OOM: Fault.USER,
    Reason.EXECUTOR_OOM: Fault.USER,
    Reason.USER_CODE: Fault.USER,
    Reason.DATA_MISSING: Fault.USER,
    Reason.ACCESS_DENIED: Fault.USER,
    Reason.FILE_NOT_FOUND: Fault.USER,
    Reason.CLASS_NOT_FOUND: Fault.USER,
    Reason.DEPENDENCY_NOT_FOUND: Fault.USER,
    Reason.IMAGE: Fault.PLATFORM,
    Reason.QUOTA: Fault.POLICY,
    Reason.GANG_TIMEOUT: Fault.PLATFORM,
    Reason.PREEMPTED: Fault.PLATFORM,
    Reason.NODE_LOST: Fault.PLATFORM,
    Reason.SHUFFLE_LOST: Fault.PLATFORM,
    Reason.EXECUTOR_CHURN: Fault.PLATFORM,
    Reason.DRIVER_KILLED: Fault.PLATFORM,
    Reason.SUBMIT_TRANSIENT: Fault.PLATFORM,
    Reason.SUBMIT_INVALID: Fault.USER,
    Reason.TIMEOUT: Fault.POLICY,
    Reason.CANCELLED: Fault.USER,
    Reason.LOST: Fault.PLATFORM,
    Reason.APPLICATION_DELETED: Fault.PLATFORM,
    Reason.NAME_CONFLICT: Fault.PLATFORM,
    Reason.POISON: Fault.PLATFORM,
    Reason.MOVED: Fault.PLATFORM,
    Reason.UNKNOWN: Fault.PLATFORM,
}
