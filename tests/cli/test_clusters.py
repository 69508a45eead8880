"""What people see of clusters, and how they cordon, drain and activate one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.double import problem


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def cluster(name: str = "arm-a", **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "adapter": "kubernetes",
        "state": "active",
        "wanted_state": "active",
        "wanted_by": None,
        "wanted_at": None,
        "wanted_reason": "",
        "is_reachable": True,
        "live_jobs": 3,
        "weight": 2,
        "capabilities": {"architectures": ["arm64"], "spark_versions": [], "queues": [], "max_live_jobs": 0},
        "version": "v1.34.4",
        "message": "",
        "last_seen_at": ago(4),
        "removed_at": None,
        **fields,
    }


CORDONED = cluster(
    "x86", state="cordoned", wanted_state="cordoned", wanted_by="amara", wanted_at=ago(3.2 * 86_400),
    wanted_reason="new nodes", is_reachable=False, message="connection refused",
    capabilities={"architectures": ["amd64"], "queues": ["root.etl"], "max_live_jobs": 500},
)  # fmt: skip


def test_the_table_tells_state_age_load_and_who_asked(archer, moka):
    never = cluster("new", state="unreachable", is_reachable=False, last_seen_at=None, removed_at=ago(60))
    archer.answer("GET", "/v1/clusters", {"items": [cluster(), CORDONED, never], "next_cursor": None})
    head, first, second, third = moka("clusters").stdout.splitlines()
    assert head.split("  ")[0] == "NAME"
    assert "● active" in first
    assert "s ago" in first
    for words in (
        "◐ cordoned, unreachable",
        "3 of 500",
        "by amara, 3d 4h ago: new nodes",
        "connection refused",
    ):
        assert words in second
    assert "✗ unreachable, removed" in third
    assert "never" in third


def test_wide_tells_what_runs_where(archer, moka):
    archer.answer("GET", "/v1/clusters", {"items": [cluster(), CORDONED], "next_cursor": None})
    _, first, second = moka("clusters", "-o", "wide").stdout.splitlines()
    assert first.split()[-5:] == ["2", "arm64", "any", "any", "v1.34.4"]
    assert "root.etl" in second


def test_no_cluster_is_said(archer, moka):
    archer.answer("GET", "/v1/clusters", {"items": [], "next_cursor": None})
    assert "No cluster is known yet." in moka("clusters").stderr


@pytest.mark.parametrize(
    ("command", "state"), [("cordon", "cordoned"), ("drain", "drained"), ("activate", "active")]
)
def test_each_command_asks_for_its_state(archer, moka, command, state):
    archer.answer("PATCH", "/v1/clusters/x86", CORDONED | {"state": state, "is_reachable": True})
    result = moka(command, "x86", "--reason", "new nodes")
    assert result.exit_code == 0
    assert f"{state}: x86, 3 live jobs, by amara, 3d 4h ago: new nodes" in result.stderr
    assert result.stdout == ""
    (asked,) = archer.asked
    assert asked.json == {"state": state, "reason": "new nodes"}
    assert asked.headers["content-type"] == "application/json"


def test_without_a_reason_none_is_sent_and_json_is_what_archer_sent(archer, moka):
    archer.answer("PATCH", "/v1/clusters/x86", CORDONED)
    assert json.loads(moka("cordon", "x86", "-o", "json").stdout) == CORDONED
    assert archer.asked[0].json == {"state": "cordoned"}
    assert moka("cordon", "x86", "-o", "name").stdout == "x86\n"


def test_an_unknown_cluster_ends_with_5(archer, moka):
    archer.answer("PATCH", "/v1/clusters/x86", problem(404, "not-found", "There is no cluster x86."))
    result = moka("drain", "x86")
    assert result.exit_code == 5
    assert "There is no cluster x86." in result.stderr


def test_what_cannot_be_a_name_is_not_asked_for(archer, moka):
    assert moka("drain", "../jobs").exit_code == 2
    assert archer.asked == []
