"""The demo: a real PySpark job over HTTP, followed to its end, its output shown."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx2

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "jobs" / "wordcount.py"
DEADLINE_SECONDS: Final = 300
SHOWN_LINES: Final = 40


async def run_demo(archer_url: str, ui_url: str, token: str) -> int:
    """Submit the example, follow it, print what came out; 0 when it succeeded."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=archer_url, headers=headers, timeout=75) as client:
        request = {
            "name": "word count",
            "type": "python",
            "main_application_file": EXAMPLE.resolve().as_uri(),
            "arguments": ["20000"],
            "queue": "root.tier2.etl",
            "labels": {"made-by": "demo"},
        }
        answer = await client.post("/v1/jobs", json=request, headers={"Idempotency-Key": str(uuid.uuid4())})
        answer.raise_for_status()
        job = answer.json()
        _say(f"POST /v1/jobs answered {answer.status_code}: job {job['id']} is stored")
        job = await _follow(client, job)
        await _show(client, job, ui_url)
    return 0 if job["state"] == "succeeded" else 1


async def _follow(client: httpx2.AsyncClient, job: dict[str, Any]) -> dict[str, Any]:
    """Tell each change of state until the end, or for five minutes."""
    begun = datetime.fromisoformat(job["created_at"])
    state = job["state"]
    while job["ended_at"] is None:
        answer = await client.get(f"/v1/jobs/{job['id']}", params={"wait": "30s", "after": job["version"]})
        answer.raise_for_status()
        job = answer.json()
        if job["state"] != state:
            state = job["state"]
            where = f" on cluster {job['cluster']}" if job["cluster"] else ""
            _say(f"{_now() - begun.timestamp():5.1f} s  {state}{where}")
        if _now() - begun.timestamp() > DEADLINE_SECONDS:
            _say(f"it did not end within {DEADLINE_SECONDS} s")
            break
    return job


async def _show(client: httpx2.AsyncClient, job: dict[str, Any], ui_url: str) -> None:
    answer = await client.get(f"/v1/jobs/{job['id']}/logs", params={"limit": 1024 * 1024})
    if answer.status_code == httpx2.codes.OK:
        lines = answer.json()["text"].splitlines()
        _say(f"its output, the last {min(len(lines), SHOWN_LINES)} of {len(lines)} lines:")
        for line in lines[-SHOWN_LINES:]:
            _say(f"  | {line}")
    if job["state"] != "succeeded":
        _say(f"{job['state']}: {job['reason']}")
        return
    created, started, ended = (
        datetime.fromisoformat(job[k]) for k in ("created_at", "started_at", "ended_at")
    )
    waited, ran = (started - created).total_seconds(), (ended - started).total_seconds()
    _say(f"{job['state']}: waited {waited:.1f} s, ran {ran:.1f} s, attempt {job['attempt']}")
    _say(f"its page: {ui_url}/jobs/{job['id']}   (`make run` serves it)")


def _now() -> float:
    return datetime.now().astimezone().timestamp()


def _say(text: str) -> None:
    print(text, flush=True)
