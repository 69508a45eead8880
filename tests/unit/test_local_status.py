"""What the local cluster says about a run, and what it finds in a log."""

import pytest

from archer.clusters.local import logs, status
from archer.clusters.local.driver.run import Exit, Observed, Phase
from tests.builders import application

AT = "2027-01-01T00:00:00.000Z"


def exited(code, signal=None, error=None):
    return Observed(Phase.ENDED, 1, AT, Exit(code=code, signal=signal, at=AT, error=error))


@pytest.mark.parametrize(
    ("observed", "state", "message"),
    [
        pytest.param(Observed(Phase.PENDING), "SUBMITTED", "", id="waiting for a slot"),
        pytest.param(Observed(Phase.RUNNING, 1, AT), "RUNNING", "", id="running"),
        pytest.param(
            Observed(Phase.ORPHANED, 1, AT), "RUNNING", "", id="not ended while anything of it lives"
        ),
        pytest.param(exited(0), "COMPLETED", "", id="ended well"),
        pytest.param(
            exited(3),
            "FAILED",
            "driver container failed with ExitCode: 3, Reason: Error",
            id="in the operator's words",
        ),
        pytest.param(exited(126, error="no Spark"), "FAILED", "no Spark", id="could not start"),
        pytest.param(Observed(Phase.VANISHED, 1, AT), "FAILED", status.VANISHED_MESSAGE, id="vanished"),
    ],
)
def test_state_and_message(observed, state, message):
    said = status.status("job-1", observed, at=AT, spark_app_id=None)
    assert said["applicationState"] == {"state": state} | ({"errorMessage": message} if message else {})
    assert (said["terminationTime"] is not None) == (state in ("COMPLETED", "FAILED"))
    assert said["driverInfo"] == {"podName": "job-1-driver"}


def test_the_message_of_a_failed_driver_is_the_end_of_its_log_without_frames():
    log = b"ValueError: x\n" + b"\tat org.apache.X.y(X.scala:1)\n" * 300 + b"\t... 5 more\n\n"
    evidence = status.evidence(application("job"), exited(1), status={}, log_tail=log)
    assert evidence.message == "ValueError: x"
    long = status.evidence(application("job"), exited(1), status={}, log_tail=b"word\n" * 10_000)
    assert len(long.message) <= status.MAX_MESSAGE


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("INFO SingleEventLogFileWriter: Logging events to file:/e/local-17.inprogress\n", "local-17"),
        ("INFO SingleEventLogFileWriter: Logging events to file:/e/local-17.zstd.inprogress\n", "local-17"),
        (
            "INFO RollingEventLogFilesWriter: Logging events to file:/e/eventlog_v2_local-17/events_1\n",
            "local-17",
        ),
        ("the id is local-17\n", None),
        ("INFO SingleEventLogFileWriter: Logging events to file:/e/local-1", "local-1"),
        ("", None),
    ],
)
def test_the_application_id_is_found_in_the_log(tmp_path, line, expected):
    assert logs.spark_app_id(tmp_path) is None
    (tmp_path / "driver.log").write_text("hello\n" + line)
    assert logs.spark_app_id(tmp_path) == expected
