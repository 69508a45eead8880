"""Reading and following logs: every byte once, through outages and further attempts."""

from __future__ import annotations

import pytest

from archer.cli.http import patience
from tests.cli.double import JOB_ID, chunk, ended, events, job, problem

JOB = f"/v1/jobs/{JOB_ID}"
LOGS = f"{JOB}/logs"


def test_a_log_is_read_page_by_page_to_its_end(archer, moka):
    archer.answer("GET", LOGS, chunk("one\n", 0, size=8), chunk("two\n", 4, size=8))
    assert moka("logs", JOB_ID).stdout == "one\ntwo\n"
    assert [("offset=0" in asked.query, "offset=4" in asked.query) for asked in archer.asked] == [
        (True, False), (False, True),
    ]  # fmt: skip


def test_a_log_that_ends_within_a_character_is_not_asked_for_ever(archer, moka):
    archer.answer("GET", LOGS, chunk("one\n", 0, size=5), chunk("", 4, size=5))
    assert moka("logs", JOB_ID, "--role", "executor-2", "--attempt", "1").stdout == "one\n"
    assert "role=executor-2&attempt=1" in archer.asked[0].query


def test_tail_reads_from_the_end_until_the_lines_are_there(archer, moka):
    text = "x" * 200_000 + "\n" + "last\n"
    size = len(text)
    first, second = text[-65_536:], text[-131_072:]
    archer.answer(
        "GET", LOGS, chunk(first, size - 65_536), chunk(second, size - 131_072), chunk(text, 0)
    )  # fmt: skip
    assert moka("logs", JOB_ID, "--tail", "2").stdout == text
    assert [asked.query.split("&")[1] for asked in archer.asked] == [
        "offset=-65536", "offset=-131072", "offset=-262144",
    ]  # fmt: skip


@pytest.mark.parametrize(("lines", "text"), [("2", "b\nc\n"), ("0", ""), ("9", "a\nb\nc\n")])
def test_tail_shows_so_many_lines(archer, moka, lines, text):
    archer.answer("GET", LOGS, chunk("a\nb\nc\n", 0))
    assert moka("logs", JOB_ID, "--tail", lines).stdout == text


@pytest.mark.parametrize(
    ("reply", "code"),
    [(problem(409, "no-attempt-yet", "queued"), 2), (problem(404, "log-not-found", "none"), 5)],
)
def test_a_log_that_is_not_there_yet_is_told(archer, moka, reply, code):
    archer.answer("GET", LOGS, reply)
    result = moka("logs", JOB_ID)
    assert (result.exit_code, result.stdout) == (code, "")


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1), ("cancelled", 1)])
def test_following_ends_as_the_job_did(archer, moka, state, code):
    archer.answer("GET", JOB, job("running"), ended(state))
    archer.answer("GET", LOGS, events(chunk("Pi is 3\n", 0)))
    result = moka("logs", "-f", JOB_ID)
    assert (result.exit_code, result.stdout) == (code, "Pi is 3\n")
    assert archer.asked[1].headers["accept"] == "text/event-stream"


def test_following_a_queued_job_waits_and_says_so_once(archer, moka):
    archer.answer("GET", JOB, job(), job(version=2), job("running", version=3), ended("succeeded"))
    archer.answer("GET", LOGS, events(chunk("hello\n", 0)))
    result = moka("logs", "-f", JOB_ID)
    assert (result.exit_code, result.stdout) == (0, "hello\n")
    assert result.stderr.count("The log begins when the driver starts") == 1
    assert [asked.path for asked in archer.asked] == [JOB, JOB, JOB, LOGS, JOB]


def test_a_driver_that_has_not_started_is_waited_for(archer, moka):
    archer.answer("GET", JOB, job("running"), job("running", version=3), ended("succeeded"))
    archer.answer("GET", LOGS, problem(404, "log-not-found", "not yet"), events(chunk("hello\n", 0)))
    result = moka("logs", "-f", JOB_ID)
    assert (result.exit_code, result.stdout) == (0, "hello\n")


def test_a_job_that_ended_before_it_was_placed_has_no_log_and_no_wait(archer, moka):
    archer.answer("GET", JOB, ended("cancelled", attempt=0))
    result = moka("logs", "-f", JOB_ID)
    assert (result.exit_code, result.stdout) == (1, "")


def test_a_restart_of_archer_costs_no_byte_and_repeats_none(archer, moka, monkeypatch):
    archer.answer("GET", JOB, job("running"), ended("succeeded"))
    archer.answer(
        "GET",
        LOGS,
        events(chunk("one\n", 0), end=False),
        events(chunk("one\ntwo ü\n", 0), chunk("three\n", 11)),
    )
    steps = iter([archer.stop, archer.start])
    monkeypatch.setattr(patience, "pause", lambda _: next(steps)())
    result = moka("logs", "-f", JOB_ID)
    assert (result.exit_code, result.stdout) == (0, "one\ntwo ü\nthree\n"), result.stderr
    again = archer.asked[2]
    assert again.headers["last-event-id"] == "4"
    assert "offset=4" in again.query
    assert result.stderr.count("trying again") == 1
    assert result.stderr.count("Archer is back") == 1


def test_an_archer_that_stays_away_ends_the_following(archer, moka, pauses):
    archer.answer("GET", JOB, job("running"))
    archer.answer("GET", LOGS, events(chunk("one\n", 0), end=False), problem(503, "unavailable", "away"))
    result = moka("logs", "-f", JOB_ID)
    assert (result.exit_code, result.stdout) == (3, "one\n")
    assert sum(pauses) == pytest.approx(300)


def test_progress_renews_patience(archer, moka, pauses):
    archer.answer("GET", JOB, job("running"), ended("succeeded"))
    cuts = [events(chunk("x", offset), end=False) for offset in range(100)]
    archer.answer("GET", LOGS, *cuts, events(chunk("\n", 100)))
    assert moka("logs", "-f", JOB_ID).stdout == "x" * 100 + "\n"
    assert max(pauses) <= 0.25


def test_the_next_attempt_is_followed_from_its_first_byte(archer, moka):
    second = job("running", attempt=2, version=7)
    archer.answer(
        "GET", JOB, job("running"), job("queued", attempt=1, version=6), second, ended("succeeded", attempt=2)
    )
    archer.answer("GET", LOGS, events(chunk("lost\n", 0)), events(chunk("ok\n", 0, attempt=2)))
    result = moka("logs", "-f", JOB_ID)
    assert (result.exit_code, result.stdout) == (0, "lost\nok\n")
    streams = [asked for asked in archer.asked if asked.path == LOGS]
    assert ["attempt=1&offset=0" in streams[0].query, "attempt=2&offset=0" in streams[1].query] == [
        True,
        True,
    ]
    assert "last-event-id" not in streams[1].headers


def test_one_attempt_is_followed_alone_when_it_is_named(archer, moka):
    archer.answer("GET", JOB, job("running", attempt=2))
    archer.answer("GET", LOGS, events(chunk("lost\n", 0)))
    result = moka("logs", "-f", "--attempt", "1", JOB_ID)
    assert (result.exit_code, result.stdout) == (1, "lost\n")
    assert moka("logs", "-f", "--attempt", "3", JOB_ID).exit_code == 5


def test_the_log_of_an_executor_ends_without_waiting_for_the_job(archer, moka):
    archer.answer("GET", JOB, job("running"))
    archer.answer("GET", LOGS, events(chunk("task\n", 0)))
    result = moka("logs", "-f", "--role", "executor-1", JOB_ID)
    assert (result.exit_code, result.stdout) == (0, "task\n")


def test_tail_and_follow_join_without_a_gap(archer, moka):
    archer.answer("GET", JOB, job("running"), ended("succeeded"))
    archer.answer("GET", LOGS, chunk("a\nb\n", 0), events(chunk("c\n", 4)))
    assert moka("logs", "-f", "--tail", "1", JOB_ID).stdout == "b\nc\n"


def test_a_submitted_job_is_followed_at_once(archer, moka):
    archer.answer("POST", "/v1/jobs", job())
    archer.answer("GET", JOB, job("running"), ended("succeeded"))
    archer.answer("GET", LOGS, events(chunk("Pi is 3\n", 0)))
    result = moka("submit", "--follow", "s3a://b/a.py")
    assert (result.exit_code, result.stdout) == (0, "Pi is 3\n")
    assert JOB_ID in result.stderr
