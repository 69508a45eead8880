"""Data in five forms on standard output, and colour only where it is wanted."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
import yaml

from tests.cli.double import JOB_ID, ended, job

JOB = f"/v1/jobs/{JOB_ID}"
PAGE = {
    "items": [job("running"), ended("failed", id="j2", name="x" * 150, reason="user_code")],
    "next_cursor": None,
}


def test_json_and_yaml_are_what_archer_sent(archer, moka):
    archer.answer("GET", "/v1/jobs", PAGE)
    archer.answer("GET", JOB, ended("succeeded", name="Zürich\x1b[2J"))
    assert json.loads(moka("list", "-o", "json").stdout) == PAGE
    assert yaml.safe_load(moka("list", "-o", "yaml").stdout) == PAGE
    assert json.loads(moka("get", JOB_ID, "-o", "json").stdout)["name"] == "Zürich\x1b[2J"
    assert "\x1b" not in moka("get", JOB_ID, "-o", "json").stdout


def test_names_are_ids_alone(archer, moka):
    archer.answer("GET", "/v1/jobs", PAGE)
    archer.answer("GET", JOB, job())
    assert moka("list", "-o", "name").stdout == f"{JOB_ID}\nj2\n"
    assert moka("get", JOB_ID, "-o", "name").stdout == f"{JOB_ID}\n"


def test_a_table_in_a_pipe_is_not_cut_and_has_no_colour(archer, moka):
    archer.answer("GET", "/v1/jobs", PAGE)
    lines = moka("list").stdout.splitlines()
    assert lines[0].split() == ["ID", "NAME", "STATE", "QUEUE", "CLUSTER", "AGE", "TOOK"]
    assert "● running" in lines[1]
    assert "✗ failed" in lines[2]
    assert "x" * 150 in lines[2]
    assert "\x1b" not in "".join(lines)


def test_wide_adds_columns(archer, moka):
    archer.answer("GET", "/v1/jobs", PAGE)
    table = moka("list", "-o", "wide").stdout
    assert "TENANT" in table
    assert "user_code" in table


def test_colour_is_never_used_with_no_color(archer, moka):
    archer.answer("GET", "/v1/jobs", PAGE)
    assert "\x1b[" in moka("list", env={"FORCE_COLOR": "1", "TERM": "xterm-256color"}).stdout
    assert (
        "\x1b" not in moka("list", env={"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm-256color"}).stdout
    )


def test_what_others_named_cannot_steer_the_terminal(archer, moka):
    evil = {"name": "[red]\x1b[2Jx", "reason": "\x9b2J"}
    archer.answer("GET", "/v1/jobs", {"items": [job(**evil)], "next_cursor": None})
    archer.answer("GET", JOB, ended("failed", **evil))
    for output in (moka("list", "-o", "wide").output, moka("get", JOB_ID).output):
        assert "[red]" in output
        assert "\x1b" not in output
        assert "\x9b" not in output


def test_one_job_shows_its_attempts_and_the_evidence(archer, moka):
    attempt = {
        "number": 1,
        "cluster": "local",
        "exit_code": 1,
        "message": "died",
        "evidence": ["Error: x", "  at y"],
    }
    archer.answer("GET", JOB, job("failed", attempts=[attempt], placement={"cluster": "local"}))
    card = moka("get", JOB_ID).stdout
    for words in ("✗ failed", "attempt 1", "exit_code", "died", "Error: x", "team=ads", "10.5s"):
        assert words in card
    assert "placement" not in card
    assert "placement" in moka("get", JOB_ID, "-o", "wide").stdout


def test_filters_are_the_queries_of_the_api(archer, moka):
    archer.answer("GET", "/v1/jobs", {"items": [], "next_cursor": None})
    options = "--state running,failed --state queued --queue root.a --tenant t --owner o --cluster c --name n"
    options += " --label team=ads --label a:b --created-after 2026-01-31T08:00:00Z --sort longest --limit 7"
    result = moka("list", *options.split())
    assert result.exit_code == 0
    assert "No job matches." in result.stderr
    assert parse_qsl(archer.asked[0].query) == [
        ("state", "running"), ("state", "failed"), ("state", "queued"), ("queue", "root.a"), ("tenant", "t"),
        ("owner", "o"), ("cluster", "c"), ("name", "n"), ("label", "team:ads"), ("label", "a:b"),
        ("created_after", "2026-01-31T08:00:00Z"), ("sort", "longest"), ("limit", "7"),
    ]  # fmt: skip


def test_an_age_becomes_a_time(archer, moka):
    archer.answer("GET", "/v1/jobs", PAGE)
    moka("list", "--created-after", "2h")
    assert dict(parse_qsl(archer.asked[0].query))["created_after"].endswith("Z")
    assert moka("list", "--created-after", "999999999d").exit_code == 2


def test_all_reads_every_page_and_a_single_page_says_that_there_is_more(archer, moka):
    first = {"items": [job()], "next_cursor": "abc"}
    archer.answer("GET", "/v1/jobs", first, PAGE)
    assert len(json.loads(moka("list", "--all", "-o", "json").stdout)["items"]) == 3
    assert "cursor=abc" in archer.asked[1].query
    archer.answer("GET", "/v1/jobs", first)
    assert "--all" in moka("list").stderr


def test_events_are_read_to_the_last(archer, moka):
    one = {"seq": 1, "at": "2026-11-22T06:00:00.000Z", "attempt": None, "kind": "accepted", "state": "queued"}
    two = {**one, "seq": 2, "kind": "ended", "state": "succeeded", "message": "all well"}
    archer.answer(
        "GET", f"{JOB}/events", {"items": [one], "next_cursor": "1"}, {"items": [two], "next_cursor": None}
    )
    table = moka("events", JOB_ID).stdout
    assert "accepted" in table
    assert "all well" in table


@pytest.mark.parametrize("form", ["table", "wide", "json", "yaml", "name"])
@pytest.mark.parametrize("state", ["queued", "succeeded", "evaporated"])
def test_every_form_shows_a_state_of_a_newer_archer_too(archer, moka, form, state):
    archer.answer("GET", JOB, job("running", version=1) | {"state": state})
    assert moka("get", JOB_ID, "-o", form).exit_code == 0
