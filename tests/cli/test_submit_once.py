"""A submit whose line breaks never makes a second job."""

from __future__ import annotations

import json

import pytest

from archer.cli.http import patience
from tests.cli.double import JOB_ID, Reply, ended, job, problem

APP = "s3a://b/a.py"
CREATED = Reply(json.dumps(job()).encode(), 201)
AWAY = problem(503, "store-unavailable", "Postgres is away.", retry_after="2")


def keys(archer) -> set[str]:
    return {asked.headers["idempotency-key"] for asked in archer.asked if asked.method == "POST"}


@pytest.mark.parametrize(
    "broken", [Reply(b"{", 201, cut=True), AWAY, Reply(b"", 502)], ids=["cut", "503", "502"]
)
def test_a_lost_answer_is_asked_for_again_with_the_same_key_and_body(archer, moka, broken):
    archer.answer("POST", "/v1/jobs", broken, broken, Reply(json.dumps(job()).encode(), 200))
    result = moka("submit", APP)
    assert (result.exit_code, result.stdout) == (0, f"{JOB_ID}\n")
    assert len(archer.asked) == 3
    assert len(keys(archer)) == 1
    assert len({asked.body for asked in archer.asked}) == 1
    assert result.stderr.count("trying again") == 1


def test_each_submit_has_a_key_of_its_own_unless_one_is_given(archer, moka):
    archer.answer("POST", "/v1/jobs", CREATED)
    moka("submit", APP)
    moka("submit", APP)
    assert len(keys(archer)) == 2
    moka("submit", "--idempotency-key", "mine", APP)
    assert archer.asked[-1].headers["idempotency-key"] == "mine"


def test_trying_again_is_bounded_and_names_the_key(archer, moka, pauses):
    archer.answer("POST", "/v1/jobs", AWAY)
    result = moka("submit", "--idempotency-key", "mine", APP)
    assert result.exit_code == 3
    assert "with the same key: mine" in result.stderr
    assert sum(pauses) == pytest.approx(30)
    assert all(pause >= 2 for pause in pauses[:-1]), "Retry-After is kept"


def test_a_refusal_is_not_tried_again(archer, moka):
    archer.answer("POST", "/v1/jobs", problem(422, "invalid-job", "no"))
    assert moka("submit", APP).exit_code == 2
    assert len(archer.asked) == 1


def test_an_archer_that_starts_meanwhile_gets_the_job(archer, moka, monkeypatch):
    archer.answer("POST", "/v1/jobs", CREATED)
    archer.stop()
    monkeypatch.setattr(patience, "pause", lambda _: archer.start())
    result = moka("submit", APP)
    assert result.exit_code == 0, result.stderr
    assert len(archer.asked) == 1


def test_wait_follows_the_job_to_its_end_and_says_why_it_failed(archer, moka):
    archer.answer("POST", "/v1/jobs", CREATED)
    attempt = {
        "number": 1,
        "message": "The driver ended with 1.",
        "evidence": ["ZeroDivisionError: division by zero"],
    }
    failed = job("failed", reason="user_code", fault="user", attempts=[attempt])
    archer.answer("GET", f"/v1/jobs/{JOB_ID}", job("running", attempts=[]), failed)
    result = moka("submit", "--wait", APP)
    assert (result.exit_code, result.stdout) == (1, f"{JOB_ID}\n")
    assert "failed after 10.5s: user_code (fault: user)" in result.stderr
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert [asked.query for asked in archer.asked[1:]] == ["wait=30s&after=1", "wait=30s&after=2"]


def test_wait_writes_one_document_the_ended_job(archer, moka):
    archer.answer("POST", "/v1/jobs", CREATED)
    archer.answer("GET", f"/v1/jobs/{JOB_ID}", ended("succeeded"))
    result = moka("submit", "--wait", "-o", "json", APP)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["state"] == "succeeded"


def test_waiting_goes_on_when_archer_comes_back(archer, moka):
    archer.answer("POST", "/v1/jobs", CREATED)
    archer.answer("GET", f"/v1/jobs/{JOB_ID}", Reply(b"{", cut=True), AWAY, ended("succeeded"))
    result = moka("submit", "--wait", APP)
    assert result.exit_code == 0
    assert result.stderr.count("The job is not touched by this") == 1


def test_waiting_for_an_archer_that_stays_away_is_bounded(archer, moka, pauses):
    archer.answer("POST", "/v1/jobs", CREATED)
    archer.answer("GET", f"/v1/jobs/{JOB_ID}", AWAY)
    assert moka("submit", "--wait", APP).exit_code == 3
    assert sum(pauses) == pytest.approx(300)


def test_a_poll_that_is_not_held_back_is_not_asked_at_once(archer, moka, pauses):
    archer.answer("GET", f"/v1/jobs/{JOB_ID}", *[job("running")] * 4, ended("succeeded"))
    assert moka("wait", JOB_ID).exit_code == 0
    assert pauses == [1.0, 1.0, 1.0]
