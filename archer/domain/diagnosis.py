"""Why an attempt failed, whose doing it was, and the lines that show it.

Rules are tried in order; the first that matches names the reason. Exit codes and container reasons come
before log lines, since a log may quote anything. Sources: Spark's ``SparkExitCode`` and ``ExecutorExitCode``; the
operator's ``driver container failed with ExitCode: %d, Reason: %s``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from archer.domain.states import FAULT_OF, Fault, Reason

MAX_EVIDENCE_LINES: Final = 12
MAX_LINE_LENGTH: Final = 500
SIGKILL: Final = 9
SIGTERM: Final = 15

# Container or pod reasons, as the kubelet, YuniKorn and our local cluster word them.
CONTAINER_REASONS: Final[dict[str, Reason]] = {
    "OOMKilled": Reason.DRIVER_OOM,
    "ImagePullBackOff": Reason.IMAGE,
    "ErrImagePull": Reason.IMAGE,
    "ErrImageNeverPull": Reason.IMAGE,
    "InvalidImageName": Reason.IMAGE,
    "ApplicationRejected": Reason.QUOTA,
    "ResourceReservationTimeout": Reason.GANG_TIMEOUT,
    "PreemptionByScheduler": Reason.PREEMPTED,
    "TerminationByKubelet": Reason.NODE_LOST,
    "EvictionByEvictionAPI": Reason.NODE_LOST,
    "NodeLost": Reason.NODE_LOST,
    "Evicted": Reason.NODE_LOST,
    "DriverVanished": Reason.LOST,
}

# Spark's own exit codes; 53, 56 and 58 do not count against the application in Spark either.
EXIT_CODES: Final[dict[int, Reason]] = {
    11: Reason.EXECUTOR_CHURN,
    52: Reason.DRIVER_OOM,
    53: Reason.NODE_LOST,
    56: Reason.NODE_LOST,
    58: Reason.NODE_LOST,
    101: Reason.CLASS_NOT_FOUND,
}

LOG_RULES: Final[tuple[tuple[Reason, re.Pattern[str]], ...]] = (
    (Reason.DRIVER_OOM, re.compile(r"java\.lang\.OutOfMemoryError|^MemoryError\b")),
    (Reason.EXECUTOR_OOM, re.compile(r"ExecutorLostFailure.*(OOM|exit code 52|exit code 137)|Container OOM")),
    (Reason.SHUFFLE_LOST, re.compile(r"FetchFailedException|CelebornIOException")),
    (
        Reason.FILE_NOT_FOUND,
        re.compile(
            r"(can't open file|File file:\S+ does not exist|Python file .* (was )?not found|jar .* does not exist"
            r"|Local jar .* does not exist|DependencyUtils: .* does not exist|No such file or directory)"
        ),
    ),
    (Reason.CLASS_NOT_FOUND, re.compile(r"Failed to load class|ClassNotFoundException|NoClassDefFoundError")),
    (Reason.DEPENDENCY_NOT_FOUND, re.compile(r"unresolved dependency|ModuleNotFoundError|ImportError:")),
    (Reason.ACCESS_DENIED, re.compile(r"AccessDenied|Status Code: 403|Permission denied")),
    (
        Reason.DATA_MISSING,
        re.compile(r"PATH_NOT_FOUND|TABLE_OR_VIEW_NOT_FOUND|Path does not exist|NoSuchKey|Status Code: 404"),
    ),
)
ERROR_LINE: Final = re.compile(
    r"^\s*(\w+\.)*\w*(Error|Exception)\b|^Traceback|^Error:|\bERROR\b|^Caused by:|Exception in "
)
STACK_FRAME: Final = re.compile(r"^\s+at |^\s+File \"|^\s*\.\.\. \d+ more")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A reason, whose doing it is, a sentence, and the lines of the log that show it."""

    reason: Reason
    fault: Fault
    message: str
    evidence: tuple[str, ...]


def diagnose(
    *,
    exit_code: int | None,
    signal: int | None,
    container_reason: str,
    error_message: str,
    log_tail: Sequence[str],
) -> Diagnosis:
    """Name why a failed attempt failed.

    Args:
        exit_code: Of the driver's container; None when it is not known.
        signal: That ended the driver, where it is known apart from the exit code.
        container_reason: As the kubelet or the local cluster says.
        error_message: Of the operator.
        log_tail: Last lines of the driver's log.
    """
    reason, shown_by = _reason(exit_code, signal, container_reason, error_message, log_tail)
    evidence = _evidence(log_tail, shown_by)
    return Diagnosis(
        reason, FAULT_OF[reason], _sentence(reason, exit_code, signal, shown_by, error_message), evidence
    )


def _reason(
    exit_code: int | None,
    signal: int | None,
    container_reason: str,
    error_message: str,
    log_tail: Sequence[str],
) -> tuple[Reason, int | None]:
    if container_reason in CONTAINER_REASONS:
        return CONTAINER_REASONS[container_reason], None
    if exit_code in EXIT_CODES and exit_code != 101:
        return EXIT_CODES[exit_code], None
    for reason, pattern in LOG_RULES:
        for index in range(len(log_tail) - 1, -1, -1):
            if pattern.search(log_tail[index]):
                return reason, index
    if signal in (SIGKILL, SIGTERM) or exit_code in (128 + SIGKILL, 128 + SIGTERM):
        return Reason.DRIVER_KILLED, None
    if exit_code in EXIT_CODES:
        return EXIT_CODES[exit_code], None
    if exit_code is None:
        lost = "not found" in error_message or not error_message
        return (Reason.LOST if lost else Reason.UNKNOWN), None
    return Reason.USER_CODE, _last_error(log_tail)


def _last_error(lines: Sequence[str]) -> int | None:
    for index in range(len(lines) - 1, -1, -1):
        if ERROR_LINE.search(lines[index]) and not lines[index].startswith("Traceback"):
            return index
    return len(lines) - 1 if lines else None


def _evidence(lines: Sequence[str], shown_by: int | None) -> tuple[str, ...]:
    """Telling lines around what showed the reason, without stack frames; else the last ones."""
    if shown_by is None:
        chosen = [line for line in lines if ERROR_LINE.search(line)] or list(lines)
        return tuple(line[:MAX_LINE_LENGTH] for line in chosen[-MAX_EVIDENCE_LINES:])
    first = max(0, shown_by - MAX_EVIDENCE_LINES // 2)
    around = lines[first : shown_by + MAX_EVIDENCE_LINES // 2]
    told = [
        line[:MAX_LINE_LENGTH]
        for offset, line in enumerate(around, start=first)
        if line.strip() and (offset == shown_by or not STACK_FRAME.match(line))
    ]
    return tuple(told[-MAX_EVIDENCE_LINES:])


SENTENCES: Final[dict[Reason, str]] = {
    Reason.DRIVER_OOM: "The driver ran out of memory.",
    Reason.EXECUTOR_OOM: "Executors ran out of memory until the job gave up.",
    Reason.USER_CODE: "The program ended with an error of its own.",
    Reason.DATA_MISSING: "Data that the job reads is not there.",
    Reason.ACCESS_DENIED: "The job may not read or write something that it uses.",
    Reason.FILE_NOT_FOUND: "A file that the job names is not there.",
    Reason.CLASS_NOT_FOUND: "A class that the job names is not in its jars.",
    Reason.DEPENDENCY_NOT_FOUND: "A package or module that the job needs is not there.",
    Reason.IMAGE: "The container image could not be started.",
    Reason.QUOTA: "The queue does not take a job of this size.",
    Reason.GANG_TIMEOUT: "The cluster had no room for the whole job in time.",
    Reason.PREEMPTED: "A job of a higher tier took its place.",
    Reason.NODE_LOST: "The node of the driver went away.",
    Reason.SHUFFLE_LOST: "Shuffle data was lost.",
    Reason.EXECUTOR_CHURN: "Too many executors failed.",
    Reason.DRIVER_KILLED: "The driver was killed from outside.",
    Reason.LOST: "The driver is gone, and nobody saw how it ended.",
    Reason.UNKNOWN: "It failed, and nothing shows why.",
}


def _sentence(
    reason: Reason, exit_code: int | None, signal: int | None, shown_by: int | None, error_message: str
) -> str:
    sentence = SENTENCES.get(reason, "It failed.")
    if shown_by is None and error_message:
        return f"{sentence} {error_message.splitlines()[0][:MAX_LINE_LENGTH]}"
    if signal is not None:
        return f"{sentence} Signal {signal}."
    return f"{sentence} Exit code {exit_code}." if exit_code is not None else sentence
