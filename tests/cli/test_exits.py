"""How `moka` ends, and what it says when something is wrong."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import archer.cli
from archer.cli import exits
from archer.cli.main import app
from tests.cli.double import JOB_ID, Reply, ended, job, problem

JOB = f"/v1/jobs/{JOB_ID}"
GET = ("get", JOB_ID)


def fault(field: str, message: str, allowed: object = None) -> dict[str, object]:
    return {"field": field, "rule": "r", "message": message, "allowed": allowed}


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        pytest.param(problem(400, "invalid-parameter", "no"), 2, id="a wrong parameter"),
        pytest.param(problem(409, "no-attempt-yet", "no"), 2, id="a conflict"),
        pytest.param(problem(422, "invalid-job", "no"), 2, id="a refused request"),
        pytest.param(problem(401, "unauthenticated", "no"), 4, id="no token"),
        pytest.param(problem(403, "forbidden", "no"), 4, id="not allowed"),
        pytest.param(Reply(b"no", 401), 4, id="a proxy that wants a login"),
        pytest.param(problem(404, "not-found", "no"), 5, id="no such job"),
        pytest.param(problem(500, "internal-error", "no"), 3, id="a bug of Archer"),
        pytest.param(problem(503, "store-unavailable", "no"), 3, id="Postgres is away"),
        pytest.param(problem(429, "too-many", "no"), 3, id="too many requests"),
        pytest.param(Reply(b"<html>", 502), 3, id="a proxy without Archer"),
        pytest.param(Reply(b"<html>", 404), 3, id="not Archer at all"),
        pytest.param(Reply(b"<html>", 200), 3, id="a page instead of a document"),
        pytest.param(Reply(b"", 302, {"location": "/login"}), 3, id="a redirect"),
        pytest.param(Reply(b"{", 200, cut=True), 3, id="a broken answer"),
    ],
)
def test_every_kind_of_refusal_has_its_exit_code_and_no_traceback(archer, moka, reply, code):
    archer.answer("GET", JOB, reply)
    result = moka(*GET)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("moka: ")
    assert "Traceback" not in result.stderr


def test_a_refusal_is_a_short_list_of_fields(archer, moka):
    faults = [
        fault("driver.memory", "must be a number and a unit, such as 512m or 4g"),
        fault("arch", "is unknown", ["auto", "arm64", "amd64"]),
        fault("priority", "is too high", 100),
    ]
    archer.answer("POST", "/v1/jobs", problem(422, "invalid-job", "3 fields are wrong.", faults))
    result = moka("submit", "s3a://b/a.py")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "moka: 3 fields are wrong. (422 invalid-job)",
        "  driver.memory: must be a number and a unit, such as 512m or 4g",
        "  arch: is unknown (allowed: auto, arm64, amd64)",
        "  priority: is too high (allowed: 100)",
    ]


def test_a_refusal_cannot_steer_the_terminal(archer, moka):
    archer.answer("GET", JOB, problem(404, "not-found", "gone \x1b[2J"))
    assert "\x1b" not in moka(*GET).stderr


def test_an_archer_that_is_not_there_is_told_with_what_to_do(moka, monkeypatch):
    result = moka(*GET, "--url", "http://127.0.0.1:1", env={"HTTP_PROXY": "http://127.0.0.1:2"})
    assert result.exit_code == 3
    assert "http://127.0.0.1:1" in result.stderr
    assert "moka dev" in result.stderr


@pytest.mark.parametrize("url", ["archer", "ftp://archer", "http://", "http://[::1", ""])
def test_an_address_that_is_none_is_wrong_usage(moka, url):
    result = moka(*GET, "--url", url)
    assert result.exit_code == 2
    assert "is not an address" in result.stderr


def test_a_token_that_no_header_may_hold_is_wrong_usage_and_not_shown(moka):
    result = moka(*GET, "--token", "geheim\u20ac")
    assert result.exit_code == 2
    assert "geheim" not in result.output


@pytest.mark.parametrize("job_id", ["../../livez", "a b", "", "j?x"])
def test_an_id_that_is_none_asks_nothing(archer, moka, job_id):
    assert moka("get", job_id).exit_code == 2
    assert not archer.asked


def test_the_address_and_the_token_are_taken_on_either_side_and_the_later_wins(archer, moka):
    archer.answer("GET", JOB, job())
    assert (
        moka(
            "--url", "http://127.0.0.1:1", "--token", "a", *GET, "--url", archer.url, "--token", "b"
        ).exit_code
        == 0
    )
    assert archer.asked[-1].headers["authorization"] == "Bearer b"
    assert moka(*GET, env={"MOKA_TOKEN": "c"}).exit_code == 0
    assert archer.asked[-1].headers["authorization"] == "Bearer c"
    assert moka(*GET).exit_code == 0
    assert "authorization" not in archer.asked[-1].headers


@pytest.mark.parametrize(
    ("state", "code"), [("succeeded", 0), ("failed", 1), ("cancelled", 1), ("evaporated", 1)]
)
def test_wait_ends_as_the_job_did(archer, moka, state, code):
    archer.answer("GET", JOB, ended(state, version=9, ended_at="2026-11-22T06:00:12Z"))
    result = moka("wait", JOB_ID)
    assert (result.exit_code, result.stdout) == (code, f"{state}\n")


@pytest.mark.parametrize(("state", "code"), [("cancelled", 0), ("succeeded", 1), ("failed", 1)])
def test_cancel_with_wait_ends_well_when_the_job_ended_cancelled(archer, moka, state, code):
    archer.answer("POST", f"{JOB}/cancel", Reply(json.dumps(job("cancelling")).encode(), 202))
    archer.answer("GET", JOB, ended(state))
    result = moka("cancel", JOB_ID, "--wait")
    assert (result.exit_code, result.stdout) == (code, f"{state}\n")


def test_cancel_alone_does_not_wait(archer, moka):
    archer.answer("POST", f"{JOB}/cancel", Reply(json.dumps(job("cancelling")).encode(), 202))
    result = moka("cancel", JOB_ID)
    assert (result.exit_code, result.stdout) == (0, "cancelling\n")
    assert len(archer.asked) == 1


def test_an_interrupt_ends_with_130(archer, moka, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archer.cli.http.connection.Archer.get", interrupt)
    result = moka("wait", JOB_ID)
    assert result.exit_code == 130
    assert "goes on" in result.stderr
    assert "Traceback" not in result.output


def test_a_reader_that_went_away_ends_it_with_141(archer, tmp_path):
    archer.answer("GET", "/v1/jobs", {"items": [job()] * 500, "next_cursor": None})
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "archer.cli.main", "list", "--url", archer.url],
        stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_help_names_every_exit_code_and_every_command():
    text = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["--help"]).stdout
    for code, meaning in exits.MEANINGS.items():
        assert f"{code}  {meaning}" in text
    for command in ["dev", "submit", "get", "list", "logs", "events", "cancel", "wait", "doctor", "version"]:
        assert f" {command} " in text


def test_help_loads_neither_an_http_client_nor_yaml():
    code = "import sys, archer.cli.main; print(sorted({'httpx2', 'yaml', 'asyncio'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


def test_the_command_line_imports_nothing_else_of_archer():
    allowed = {"typer", "rich", "httpx2", "yaml", *sys.stdlib_module_names}
    for path in Path(archer.cli.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module or ""]
                if node.module == "archer":
                    assert [alias.name for alias in node.names] == ["__version__"], path
                    continue
            for name in names:
                assert name.split(".")[0] in allowed or name.startswith("archer.cli"), (path, name)


def test_dev_becomes_the_embedded_moka(monkeypatch):
    ran = []
    monkeypatch.setattr(os, "execv", lambda program, args: ran.append((program, args)))
    CliRunner().invoke(app, ["dev", "--port", "9080", "--data", "d"])
    options = ["-m", "archer.dev", "--port", "9080", "--ui-port", "8090", "--data", "d"]
    assert ran == [(sys.executable, [sys.executable, *options])]
