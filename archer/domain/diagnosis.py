"""Why an attempt failed, whose doing it was, and the lines that show it.

What ended the container says more than any log line, since a log may quote anything; of the log, the last
error counts, with what caused it. Sources: Spark's ``SparkExitCode`` and ``ExecutorExitCode``; the operator's
``driver container failed with ExitCode: %d, Reason: %s``; what Spark 3.5 prints (``tests/unit/logs``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from archer.domain import evidence
from archer.domain.masking import masked_text
from archer.domain.states import FAULT_OF, Fault, Reason

MAX_MESSAGE_LENGTH: Final = 500
KILLED_EXIT_CODES: Final = (137, 143)  # 128 + SIGKILL, 128 + SIGTERM
KILLING_SIGNALS: Final = (9, 15)

# Container or pod reasons, as the kubelet, YuniKorn and our local cluster word them.
CONTAINER_REASONS: Final[dict[str, Reason]] = {
    "OOMKilled": Reason.DRIVER_OOM,
    "ImagePullBackOff": Reason.IMAGE,
    "ErrImagePull": Reason.IMAGE,
    "ErrImageNeverPull": Reason.IMAGE,
    "InvalidImageName": Reason.IMAGE,
    "ImageInspectError": Reason.IMAGE,
    "RegistryUnavailable": Reason.IMAGE,
    "SignatureValidationFailed": Reason.IMAGE,
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
}
CLASS_NOT_FOUND_EXIT: Final = 101

# Tried in order on the lines of the last error.
LOG_RULES: Final[tuple[tuple[Reason, re.Pattern[str]], ...]] = (
    (
        Reason.EXECUTOR_OOM,
        re.compile(
            r"executor (with id )?\d+ exited with exit code (52|137)"
            r"|ExecutorLostFailure.*(OOM|exit code (52|137))|possible container OOM"
            r"|Lost task .*executor \d+\): java\.lang\.OutOfMemoryError"
        ),
    ),
    (Reason.DRIVER_OOM, re.compile(r"java\.lang\.OutOfMemoryError|^MemoryError\b")),
    (Reason.SHUFFLE_LOST, re.compile(r"FetchFailedException|CelebornIOException")),
    (
        Reason.FILE_NOT_FOUND,
        re.compile(r"can't open file '|Python file .* (was )?not found|(jar|file) \S+ does not exist, skip"),
    ),
    (
        Reason.DEPENDENCY_NOT_FOUND,
        re.compile(
            r"unresolved dependency|ModuleNotFoundError|^ImportError:|DATA_SOURCE_NOT_FOUND"
            r"|Failed to find (the )?data source"
        ),
    ),
    (
        Reason.CLASS_NOT_FOUND,
        re.compile(r"Failed to load class|ClassNotFoundException|NoClassDefFoundError"),
    ),
    (
        Reason.ACCESS_DENIED,
        re.compile(r"AccessDenied|Status Code: 403|PermissionError|Permission denied|AccessControlException"),
    ),
    (
        Reason.DATA_MISSING,
        re.compile(
            r"PATH_NOT_FOUND|(TABLE_OR_VIEW|SCHEMA)_NOT_FOUND|[Pp]ath does not exist|NoSuch(Key|Bucket|Table)"
            r"|Status Code: 404|FileNotFound(Error|Exception)|File \S+ does not exist"
        ),
    ),
)
# Frames of spark-submit's own preparation: then a missing file is one that the job names, not its data.
PREPARATION: Final = re.compile(
    r"DependencyUtils|prepareSubmitEnvironment|SparkContext\.add(File|Jar|Archive)"
)
MISSING_JAR: Final = re.compile(r"(jar|Jar) \S+ does not exist")
LOST_ON_EXECUTOR: Final = re.compile(r"Lost task .*executor \d+\)")
# The operator's words about a driver container, and about its own call of spark-submit.
CONTAINER_FAILED: Final = re.compile(r"ExitCode: (?P<code>\d+), Reason: (?P<reason>\w+)")
SUBMISSION_FAILED: Final = re.compile(
    r"failed to (run spark-submit|submit|create)|spark-submit", re.IGNORECASE
)
TRANSIENT: Final = re.compile(
    r"timed? ?out|timeout|connection (refused|reset)|too many requests|\b(429|5\d\d)\b|unavailable|etcdserver"
    r"|failed calling webhook|try again|EOF",
    re.IGNORECASE,
)


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
    told = CONTAINER_FAILED.search(error_message)
    if told is not None:  # the pod may be gone, but the operator saw it
        exit_code = int(told["code"]) if exit_code is None else exit_code
        container_reason = container_reason or told["reason"]
    error = evidence.last_error(log_tail)
    is_killed = signal in KILLING_SIGNALS or exit_code in KILLED_EXIT_CODES
    reason = _of_container(exit_code, container_reason)
    shown = None
    if reason is None:
        reason, shown = _of_log(error, log_tail, is_killed=is_killed)
    if reason is None:
        reason = _of_the_rest(exit_code, error_message, is_killed=is_killed)
        shown = error.telling if reason is Reason.USER_CODE and error else None
    lines = error.lines if error and not is_killed else evidence.last_words(log_tail)
    if shown is not None and shown not in lines:
        lines = (shown, *lines)
    # the operator's words about an exit code say no more than the code
    detail = (
        evidence.without_log_prefix(shown) if shown else ("" if told else error_message.partition("\n")[0])
    )
    message = _sentence(reason, detail, exit_code)
    # a program may print what it was given to log in with
    return Diagnosis(
        reason, FAULT_OF[reason], masked_text(message), tuple(masked_text(line) for line in lines)
    )


def _of_container(exit_code: int | None, container_reason: str) -> Reason | None:
    if container_reason in CONTAINER_REASONS:
        return CONTAINER_REASONS[container_reason]
    return EXIT_CODES.get(exit_code) if exit_code is not None else None


def _of_log(
    error: evidence.LastError | None, log_tail: Sequence[str], *, is_killed: bool
) -> tuple[Reason | None, str | None]:
    """Reason that the last error names, and the line that does. A killed driver's may be about anything."""
    if error is None:
        return None, None
    for reason, pattern in LOG_RULES:
        shown = next((line for line in error.whole if pattern.search(line)), None)
        if shown is None or (is_killed and reason is not Reason.DRIVER_OOM):
            continue
        if reason is Reason.DRIVER_OOM and any(LOST_ON_EXECUTOR.search(line) for line in error.whole):
            return Reason.EXECUTOR_OOM, evidence.cut(shown)
        if reason is Reason.DATA_MISSING and any(PREPARATION.search(line) for line in error.whole):
            return Reason.FILE_NOT_FOUND, evidence.cut(shown)
        if reason is Reason.CLASS_NOT_FOUND:
            jar = next((line for line in reversed(log_tail) if MISSING_JAR.search(line)), None)
            if jar is not None:
                return Reason.FILE_NOT_FOUND, evidence.cut(jar)
        return reason, evidence.cut(shown)
    return None, None


def _of_the_rest(exit_code: int | None, error_message: str, *, is_killed: bool) -> Reason:
    if is_killed:
        return Reason.DRIVER_KILLED
    if exit_code == CLASS_NOT_FOUND_EXIT:
        return Reason.CLASS_NOT_FOUND
    if exit_code is not None and exit_code != 0:
        return Reason.USER_CODE
    if exit_code is None and SUBMISSION_FAILED.search(error_message):
        return Reason.SUBMIT_TRANSIENT if TRANSIENT.search(error_message) else Reason.SUBMIT_INVALID
    if exit_code is None and ("not found" in error_message or not error_message):
        return Reason.LOST
    return Reason.UNKNOWN


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
    Reason.SUBMIT_TRANSIENT: "The operator could not submit it just then.",
    Reason.SUBMIT_INVALID: "The operator could not submit it as it is.",
    Reason.LOST: "The driver is gone, and nobody saw how it ended.",
    Reason.UNKNOWN: "It failed, and nothing shows why.",
}


def _sentence(reason: Reason, detail: str, exit_code: int | None) -> str:
    sentence = SENTENCES.get(reason, "It failed.")
    if detail:
        return f"{sentence} {detail}"[:MAX_MESSAGE_LENGTH]
    return f"{sentence} Exit code {exit_code}." if exit_code is not None else sentence
