"""What a cluster says, in our words; and what anybody may have written there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archer.domain.states import JobState
from archer.translate import names
from archer.translate.observe import STATE_OF, from_resource


def resource(state="RUNNING", *, labels=None, **status):
    return {
        "metadata": {
            "name": "a-1",
            "labels": labels if labels is not None else {names.JOB_ID: "a", names.ATTEMPT: "1"},
        },
        "status": {"applicationState": {"state": state}} | status,
    }


def test_only_two_words_of_the_operator_are_final():
    final = {word for word, state in STATE_OF.items() if state.is_final}
    assert final == {"COMPLETED", "FAILED"}


@given(st.text().filter(lambda word: word not in STATE_OF))
def test_a_word_that_we_do_not_know_means_under_way(word):
    assert from_resource(resource(word)).state is JobState.SUBMITTED


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("", "submitted"),
        ("SUBMITTED", "submitted"),
        ("SUBMISSION_FAILED", "submitted"),
        ("PENDING_RERUN", "submitted"),
        ("SUSPENDED", "submitted"),
        ("RUNNING", "running"),
        ("SUCCEEDING", "running"),
        ("FAILING", "submitted"),
        ("UNKNOWN", "running"),
        ("COMPLETED", "succeeded"),
        ("FAILED", "failed"),
        ("failed", "submitted"),
    ],
)
def test_words_of_the_operator(word, state):
    assert from_resource(resource(word)).state.value == state


@pytest.mark.parametrize(
    "part",
    [{}, {"status": None}, {"status": {}}, {"metadata": {"name": "x", "labels": None, "annotations": None}}],
)
def test_absent_parts_read_as_empty(part):
    found = from_resource({"metadata": {"name": "x"}} | part)
    assert (found.name, found.namespace, found.application_state, found.job_id, found.attempt) == (
        "x",
        "default",
        "",
        None,
        None,
    )
    assert (found.driver_pod, found.spark_app_id, found.executors_running) == (None, None, 0)


def test_executors_are_counted_by_state():
    states = {"e1": "RUNNING", "e2": "RUNNING", "e3": "FAILED", "e4": "COMPLETED", "e5": "PENDING"}
    found = from_resource(resource(executorState=states))
    assert (found.executors_running, found.executors_failed, found.executors_completed) == (2, 1, 1)


@pytest.mark.parametrize(
    ("label", "attempt"),
    [
        ("1", 1),
        ("12", 12),
        ("0", None),
        ("-1", None),
        ("1.0", None),
        ("x", None),
        ("", None),
        ("99999999", None),
        ("٣", None),
        ("1\n", None),
    ],
)
def test_an_attempt_is_a_small_number_or_none(label, attempt):
    assert from_resource(resource(labels={names.JOB_ID: "a", names.ATTEMPT: label})).attempt == attempt


@pytest.mark.parametrize(
    ("text", "is_time"),
    [
        ("2026-11-22T06:03:00Z", True),
        ("2026-11-22T06:03:00.123456789Z", True),
        ("2026-02-30T06:03:00Z", False),
        ("2026-W47-1T06:03:00Z", False),
        ("yesterday", False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_a_time_that_cannot_be_one_reads_as_unknown(text, is_time):
    found = from_resource(resource(terminationTime=text, lastSubmissionAttemptTime=text))
    assert (found.ended_at, found.driver_started_at) == ((text, text) if is_time else (None, None))


def test_what_postgres_cannot_store_is_replaced():
    broken = {"state": "RUN\x00NING", "errorMessage": "bad \x00 \ud800 words"}
    found = from_resource({"metadata": {"name": "a-1"}, "status": {"applicationState": broken}})
    assert found.application_state == "RUN\ufffdNING"
    assert found.error_message == "bad \ufffd \ufffd words"
    found.error_message.encode()
