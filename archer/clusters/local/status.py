"""The status that a spark-operator would write about a run, and the driver pod it would have. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from archer.clusters.local.driver.run import Observed, Phase
from archer.clusters.port import DriverEvidence
from archer.domain.identifiers import driver_pod_name
from archer.translate import observe
from archer.translate.observe import Application

VANISHED: Final = "DriverVanished"
VANISHED_MESSAGE: Final = "the driver vanished without an exit status: it or its supervisor was killed"
MAX_MESSAGE: Final = 2048  # as a container's termination message that falls back to its log
MAX_LINES: Final = 80
FRAME: Final = re.compile(r"\s+(at |\.\.\. \d+ more)")


def status(name: str, observed: Observed, *, at: str, spark_app_id: str | None) -> dict[str, Any]:
    """Build an application's status from its run. RUNNING is said as of a pod: the process runs."""
    state, message, ended_at = _state(observed, at)
    driver = {"podName": driver_pod_name(name)}
    return {
        "applicationState": {"state": state} | ({"errorMessage": message} if message else {}),
        "sparkApplicationId": spark_app_id or "",
        "submissionAttempts": 0 if observed.started_at is None else 1,
        "executionAttempts": 0 if observed.started_at is None else 1,
        "lastSubmissionAttemptTime": observed.started_at,
        "terminationTime": ended_at,
        "driverInfo": driver,
        "executorState": {},
    }


def evidence(
    application: Application, observed: Observed, *, status: Mapping[str, Any], log_tail: bytes
) -> DriverEvidence:
    """Describe the driver as its pod would: scheduled once it got a slot, running once its process began."""
    exit_, is_vanished = observed.exit, observed.phase is Phase.VANISHED
    phase, reason, message = "running", "", ""
    if observed.phase is Phase.PENDING:
        phase, reason = "pending", "WaitingForSlot"
    elif is_vanished:
        phase, reason, message = "failed", VANISHED, VANISHED_MESSAGE
    elif exit_ is not None:
        phase = "succeeded" if exit_.code == 0 else "failed"
        reason = "Completed" if exit_.code == 0 else "Error"
        message = "" if exit_.code == 0 else exit_.error or _last_lines(log_tail)
    return DriverEvidence(
        pod=driver_pod_name(application.name),
        phase=phase,
        exit_code=exit_.code if exit_ else None,
        signal=exit_.signal if exit_ else None,
        reason=reason,
        message=message,
        node="local",
        started_at=observed.started_at,
        ended_at=exit_.at if exit_ else (status.get("terminationTime") if is_vanished else None),
        namespace=application.namespace,
        application=application.name,
        application_uid=application.uid,
        job_id=application.job_id,
        attempt=application.attempt,
        uid=application.uid,
        created_at=application.created_at,
        scheduled_at=observed.started_at,
    )


def _state(observed: Observed, at: str) -> tuple[str, str, str | None]:
    if observed.phase is Phase.PENDING:
        return "SUBMITTED", "", None
    if observed.phase is Phase.VANISHED:
        return observe.FAILED, VANISHED_MESSAGE, at
    exit_ = observed.exit
    if exit_ is None:
        return "RUNNING", "", None
    if exit_.code == 0:
        return observe.SUCCEEDED, "", exit_.at
    words = exit_.error or f"driver container failed with ExitCode: {exit_.code}, Reason: Error"
    return observe.FAILED, words, exit_.at


def _last_lines(log: bytes) -> str:
    lines = log.decode(errors="replace").splitlines()
    # without the JVM's frames, which alone would fill it
    words = [line for line in lines if line.strip() and not FRAME.match(line)]
    return "\n".join(words[-MAX_LINES:])[-MAX_MESSAGE:]
