"""Why it failed: over logs that Spark 3.5 really printed (``logs/``), and what clusters really say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archer.domain.diagnosis import CONTAINER_REASONS, SENTENCES, diagnose
from archer.domain.evidence import MAX_LINE_LENGTH, MAX_LINES
from archer.domain.states import FAULT_OF, Fault, Reason

LOGS = Path(__file__).parent / "logs"
FRAME = re.compile(r"\s+at |\s+File |Traceback|\.\.\. \d+ more")


def judge(*log: str, exit_code: int | None = 1, signal=None, container="Error", error=""):
    return diagnose(
        exit_code=exit_code,
        signal=signal,
        container_reason=container,
        error_message=error,
        log_tail=list(log),
    )


@pytest.mark.parametrize(
    ("log", "exit_code", "reason", "words"),
    [
        ("missing_python_file", 2, "file_not_found", "can't open file '/nope/x.py'"),
        ("missing_jar", 101, "file_not_found", "Local jar /nope/x.jar does not exist"),
        ("bad_class", 101, "class_not_found", "Error: Failed to load class a.B."),
        ("missing_package", 1, "dependency_not_found", "unresolved dependency: no.such#thing;1.0: not found"),
        ("missing_module", 1, "dependency_not_found", "No module named 'pandas_not_there'"),
        ("missing_path", 1, "data_missing", "[PATH_NOT_FOUND] Path does not exist: file:/nope/such/dir."),
        ("missing_path_k8s", 1, "data_missing", "[PATH_NOT_FOUND] Path does not exist: file:/nope/such/dir."),
        ("sql_missing_table", 1, "data_missing", "[TABLE_OR_VIEW_NOT_FOUND] The table or view `nowhere`"),
        ("missing_data_file", 1, "data_missing", "No such file or directory: '/nope/config.json'"),
        ("unknown_column", 1, "user_code", "[UNRESOLVED_COLUMN.WITH_SUGGESTION]"),
        ("plain_exception", 1, "user_code", "KeyError: 'missing'"),
        ("chained", 1, "user_code", "RuntimeError: could not load the config"),
        ("syntax_error", 1, "user_code", "SyntaxError: invalid syntax"),
        ("task_exception", 1, "user_code", "ValueError: row 7 is broken"),
        ("task_exception_k8s", 1, "user_code", "ValueError: row 7 is broken"),
        ("missing_dependency_jar_but_other_error", 1, "user_code", "KeyError: 'missing'"),
        ("driver_heap", 1, "driver_oom", "java.lang.OutOfMemoryError: Java heap space"),
        ("driver_heap_interleaved", 1, "driver_oom", "java.lang.OutOfMemoryError: Java heap space"),
        ("python_memory", 1, "driver_oom", "MemoryError"),
    ],
)
def test_what_spark_really_prints(log, exit_code, reason, words):
    found = judge(*(LOGS / f"{log}.log").read_text().splitlines(), exit_code=exit_code)
    assert found.reason.value == reason
    assert found.fault is Fault.USER
    assert words in found.message
    assert any(words in line for line in found.evidence)
    assert not any(FRAME.match(line) for line in found.evidence)
    assert len(found.evidence) == len(set(found.evidence)) <= MAX_LINES


@pytest.mark.parametrize(
    ("log", "place"),
    [
        ("plain_exception", 'File "/opt/jobs/plain.py", line 4, in <module>'),
        ("task_exception", 'File "/opt/jobs/exc.py", line 4, in f'),
        ("missing_path", 'File "/opt/jobs/ana.py", line 3, in <module>'),
        ("syntax_error", 'File "/opt/jobs/syn.py", line 1'),
    ],
)
def test_the_place_in_the_jobs_own_program_comes_first(log, place):
    assert judge(*(LOGS / f"{log}.log").read_text().splitlines()).evidence[0] == place


def test_a_program_that_ends_itself_is_told_by_its_last_words():
    found = judge(*(LOGS / "exit_status.log").read_text().splitlines(), exit_code=3)
    assert (found.reason, found.evidence) == (Reason.USER_CODE, ("bye",))
    assert found.message.endswith("Exit code 3.")


@pytest.mark.parametrize("exit_code", [137, 143])
def test_a_driver_that_was_killed_is_not_blamed_for_what_its_log_quotes(exit_code):
    log = ["Traceback (most recent call last):", "KeyError: 'handled'", "going on"]
    found = judge(*log, exit_code=exit_code)
    assert (found.reason, found.fault) == (Reason.DRIVER_KILLED, Fault.PLATFORM)


def test_a_signal_counts_like_its_exit_code():
    assert judge(exit_code=137, signal=9).reason is Reason.DRIVER_KILLED
    assert judge(exit_code=None, signal=15).reason is Reason.DRIVER_KILLED


@pytest.mark.parametrize(
    ("exit_code", "reason"),
    [
        (11, "executor_churn"),
        (52, "driver_oom"),
        (53, "node_lost"),
        (56, "node_lost"),
        (58, "node_lost"),
        (101, "class_not_found"),
        (1, "user_code"),
    ],
)
def test_exit_codes_of_spark(exit_code, reason):
    assert judge(exit_code=exit_code).reason.value == reason


@pytest.mark.parametrize(("word", "reason"), sorted(CONTAINER_REASONS.items()))
def test_what_the_kubelet_says_counts_before_any_log(word, reason):
    found = judge("ValueError: a lie", exit_code=137, container=word)
    assert (found.reason, found.fault) == (reason, FAULT_OF[reason])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("driver container failed with ExitCode: 137, Reason: OOMKilled", "driver_oom"),
        ("driver container failed with ExitCode: 137, Reason: Error", "driver_killed"),
        ("driver container failed with ExitCode: 1, Reason: Error", "user_code"),
        ("driver container failed with ExitCode: 52, Reason: Error", "driver_oom"),
        ("driver pod not found", "lost"),
        ("", "lost"),
        ("driver container status missing", "unknown"),
        ("failed to run spark-submit: Post https://10.0.0.1:443: i/o timeout", "submit_transient"),
        ("failed to run spark-submit: Internal error: failed calling webhook x: EOF", "submit_transient"),
        ("failed to run spark-submit: pods is forbidden: violates quota", "submit_invalid"),
    ],
)
def test_the_operators_words_count_where_the_pod_is_gone(error, reason):
    found = judge(exit_code=None, container="", error=error)
    assert found.reason.value == reason
    assert found.evidence == ()


def test_a_success_that_the_operator_calls_a_failure_is_no_fault_of_the_program():
    found = judge(exit_code=0, container="Completed", error="something else")
    assert (found.reason, found.fault) == (Reason.UNKNOWN, Fault.PLATFORM)


ABORTED = (
    "org.apache.spark.SparkException: Job aborted due to stage failure: Task 3 in stage 1.0 failed 4 times"
)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            "Lost task 3.3 in stage 1.0 (10.0.0.7 executor 4): java.lang.OutOfMemoryError: Java heap",
            "executor_oom",
        ),
        (
            "ExecutorLostFailure (executor 4 exited caused by a running task) Reason: Container OOM",
            "executor_oom",
        ),
        (
            "The executor with id 4 exited with exit code 137(SIGKILL, possible container OOM).",
            "executor_oom",
        ),
        ("The executor with id 4 exited with exit code 52(JVM OOM).", "executor_oom"),
        ("org.apache.spark.shuffle.FetchFailedException: Failed to connect to 10.0.0.7:7337", "shuffle_lost"),
        ("org.apache.celeborn.common.exception.CelebornIOException: replica lost", "shuffle_lost"),
        (
            "Caused by: java.nio.file.AccessDeniedException: s3a://b/k: getFileStatus: Status Code: 403",
            "access_denied",
        ),
        (
            "Caused by: com.amazonaws.services.s3.model.AmazonS3Exception: NoSuchKey; Status Code: 404",
            "data_missing",
        ),
        ("Caused by: java.lang.ClassNotFoundException: com.example.Udf", "class_not_found"),
        ("Caused by: java.io.FileNotFoundException: File file:/data/x.csv does not exist", "data_missing"),
        ("[DATA_SOURCE_NOT_FOUND] Failed to find the data source: delta.", "dependency_not_found"),
    ],
)
def test_causes_below_an_aborted_job(line, reason):
    log = ['Exception in thread "main" ' + ABORTED, line, "\tat org.apache.spark.X.y(X.scala:1)"]
    found = judge(*log)
    assert found.reason.value == reason
    assert line in found.evidence


def test_python_that_runs_out_of_memory_on_an_executor_is_the_executors():
    log = [
        'Exception in thread "main" '
        + ABORTED
        + ", Lost task 3.3 in stage 1.0 (10.0.0.7 executor 4): Traceback",
        "MemoryError",
    ]
    assert judge(*log).reason is Reason.EXECUTOR_OOM


def test_a_file_that_spark_submit_misses_is_one_that_the_job_names():
    log = [
        'Exception in thread "main" java.io.FileNotFoundException: No such file or directory: s3a://b/job.py',
        "\tat org.apache.spark.util.DependencyUtils$.downloadFile(DependencyUtils.scala:264)",
    ]
    assert judge(*log).reason is Reason.FILE_NOT_FOUND


def test_an_error_that_was_handled_does_not_count():
    log = [
        "Traceback (most recent call last):",
        "FileNotFoundError: /old",
        "2026-11-22T07:00:00.000Z WARN X: went on",
    ]
    log += ["Traceback (most recent call last):", "ValueError: the end"]
    found = judge(*log)
    assert (found.reason, found.evidence) == (Reason.USER_CODE, ("ValueError: the end",))


def test_an_error_that_only_log4j_tells_of_is_shown():
    found = judge("26/11/22 07:00:00 INFO A: b", "26/11/22 07:00:01 ERROR SparkContext: Failed to add jar")
    assert found.reason is Reason.USER_CODE
    assert found.message.endswith("SparkContext: Failed to add jar")


def test_evidence_is_bounded_however_long_the_log_is():
    log = [f"ValueError: {number} " + "x" * 5000 for number in range(2000)]
    found = judge(*log)
    assert len(found.evidence) <= MAX_LINES
    assert all(len(line) <= MAX_LINE_LENGTH for line in found.evidence)
    assert len(found.message) <= 500


def test_a_line_of_a_hundred_kilobytes_is_judged_in_no_time():
    for line in (
        "a." * 50_000,
        "a" * 100_000,
        " " * 100_000,
        "Error" * 20_000,
        "ExecutorLostFailure" * 5_000,
    ):
        judge(line)


def test_every_reason_that_a_diagnosis_gives_has_a_sentence():
    assert {*CONTAINER_REASONS.values(), Reason.UNKNOWN, Reason.LOST} <= set(SENTENCES)
