"""A demo of some four hundred jobs over three clusters and twelve queues, the same every time."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import psycopg
from psycopg import sql

from archer.domain.identifiers import application_name, driver_pod_name, job_id
from archer.translate.draft import Draft

NOW = datetime(2026, 11, 22, 6, 3, 0, tzinfo=UTC)
JOBS = 400
CLUSTERS = {
    "arm-use1-a": ("kubernetes", "active", 3, ["arm64"], "v1.36.2", ""),
    "arm-use1-b": ("kubernetes", "active", 2, ["arm64", "amd64"], "v1.36.2", ""),
    "x86-usw2": ("kubernetes", "cordoned", 1, ["amd64"], "v1.35.6", "node upgrade"),
}
QUEUES = {
    "root.ads.tier1": 1, "root.ads.tier2": 2, "root.ads.adhoc": 3, "root.core.tier1": 1, "root.core.tier2": 2,
    "root.discovery.tier1": 1, "root.discovery.tier2": 2, "root.ml.training": 2, "root.ml.features": 1,
    "root.safety.tier1": 1, "root.finance.tier1": 1, "root.sandbox": 3,
}  # fmt: skip
NAMES = {
    "ads": ["ads_click_attribution", "ads_budget_pacing_hourly", "ads_conversion_join", "ads_spend_rollup"],
    "core": ["pin_metadata_snapshot", "user_profile_merge", "event_log_compaction", "board_graph_daily"],
    "discovery": ["homefeed_candidates", "search_query_stats", "related_pins_embeddings"],
    "ml": ["ranker_training_set", "feature_backfill_v3", "image_embeddings_export"],
    "safety": ["spam_signal_features", "takedown_audit"],
    "finance": ["revenue_recognition_daily", "invoice_lines_export"],
    "sandbox": ["notebook_query", "try_shuffle_settings", "hello_pi"],
}
OWNERS = ["amara", "bjorn", "chiyo", "diego", "eszter", "farid", "spinner"]
Failure = tuple[str, str, int | None, str, list[str]]
FAILURES: list[Failure] = [
    (
        "executor_oom",
        "user",
        137,
        "Executors were killed because they used more memory than they asked for.",
        [
            "ERROR TaskSchedulerImpl: Lost executor 14 on 10.4.88.21: OOMKilled, exit 137",
            "WARN TaskSetManager: Lost task 212.3 in stage 41.0: ExecutorLostFailure",
            "ERROR SparkContext: Job aborted: Task 212 in stage 41.0 failed 4 times",
        ],
    ),
    (
        "user_code",
        "user",
        1,
        "The driver ended with exit code 1 after an exception in user code.",
        [
            "Traceback (most recent call last):",
            '  File "/opt/spark/work-dir/job.py", line 88, in <module>',
            "    joined = clicks.join(spend, on='campaing_id')",
            "AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] `campaing_id` cannot be resolved.",
            "Did you mean `campaign_id`?",
        ],
    ),
    (
        "data_missing",
        "user",
        1,
        "An input path does not exist.",
        [
            "AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3a://warehouse/events/dt=2026-11-22/hr=05"
        ],
    ),
    (
        "image",
        "platform",
        None,
        "The image could not be pulled.",
        ['Failed to pull image "spark:3.5.9-r4": not found'],
    ),
    (
        "node_lost",
        "platform",
        None,
        "The node of the driver went away.",
        ["Node ip-10-4-88-21 was terminated: spot interruption"],
    ),
    (
        "quota",
        "policy",
        None,
        "The queue's quota does not allow what the job asks for.",
        ["root.ads.adhoc: asks 3600 GiB, the queue's maximum is 2048 GiB"],
    ),
]


@dataclass
class Seeded:
    """One job with everything that belongs to it; a builder with defaults."""

    id: str
    state: str = "succeeded"
    name: str = "hello_pi"
    queue: str = "root.sandbox"
    tier: int = 3
    tenant: str = "sandbox"
    owner: str = "amara"
    type: str = "python"
    cluster: str | None = "arm-use1-a"
    attempt: int = 1
    version: int = 1
    reason: str | None = None
    fault: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    correlation_id: str | None = None
    created_at: datetime = NOW
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[datetime, int, str, str, str]] = field(default_factory=list)


def new_id(at: datetime, number: int) -> str:
    """A job id of this time, the same every time."""
    return job_id(int(at.timestamp() * 1000), number.to_bytes(2, "big") * 5)


def placement(chosen: str) -> dict[str, Any]:
    """A decision as Archer stores it."""
    return {
        "cluster": chosen,
        "arch": CLUSTERS[chosen][3][0],
        "arch_why": "the queue's default",
        "candidates": [
            {"cluster": name, "load": round(4.5 / weight, 3), "live_jobs": 3 * weight, "weight": weight}
            for name, (_, state, weight, *_rest) in CLUSTERS.items()
            if state == "active" or name == chosen
        ],
        "rejects": [
            {"cluster": name, "rule": "state", "message": f"The cluster is {state}."}
            for name, (_, state, *_rest) in CLUSTERS.items()
            if state != "active" and name != chosen
        ],
    }


def manifest(job: Seeded, number: int) -> str:
    """A SparkApplication much like the real one."""
    application = application_name(job.id, number)
    return json.dumps(
        {
            "apiVersion": "sparkoperator.k8s.io/v1beta2",
            "kind": "SparkApplication",
            "metadata": {
                "name": application,
                "namespace": f"spark-{job.tenant}",
                "labels": {"moka.dev/job-id": job.id, "moka.dev/attempt": str(number)},
                "annotations": {"moka.dev/job-name": job.name, "moka.dev/owner": job.owner},
            },
            "spec": {
                "type": job.type.capitalize(),
                "mode": "cluster",
                "sparkVersion": "3.5.9",
                "mainApplicationFile": f"s3a://code/{job.tenant}/{job.name}.py",
                "restartPolicy": {"type": "Never"},
                "batchSchedulerOptions": {"queue": job.queue},
                "sparkConf": {"spark.kubernetes.driver.podNamePrefix": application, "spark.ui.port": "4040"},
                "driver": {"cores": 1, "memory": "4g", "serviceAccount": "spark-driver"},
                "executor": {"cores": 4, "instances": 8, "memory": "16g"},
            },
        }
    )


def layers(stored: str) -> dict[str, Any]:
    """Who set the lines of a manifest: the request its sizes, the cluster the rest, once over a default."""
    draft = Draft()

    def put(node: dict[str, Any], *above: str) -> None:
        for key, child in node.items():
            if isinstance(child, dict):
                put(child, *above, key)
                continue
            if key == "spark.ui.port":
                draft.put((*above, key), "4041", "default")
            is_size = bool({"driver", "executor"} & set(above))
            draft.put((*above, key), child, "request" if is_size else "cluster")

    put(json.loads(stored))
    return draft.layers()


def attempt(job: Seeded, number: int, at: datetime, **changes: Any) -> dict[str, Any]:
    """One attempt that was placed at a time and started a little later."""
    application, stored = application_name(job.id, number), manifest(job, number)
    decision = placement(job.cluster or "arm-use1-a") | {"layers": layers(stored)}
    return {
        "job_id": job.id,
        "number": number,
        "cluster": job.cluster,
        "namespace": f"spark-{job.tenant}",
        "application": application,
        "application_state": "COMPLETED",
        "spark_app_id": f"spark-{job.id[1:]}{number:05d}",
        "driver_pod": driver_pod_name(application),
        "placement": json.dumps(decision),
        "manifest": stored,
        "placed_at": at,
        "submitted_at": at + timedelta(milliseconds=420),
        "scheduled_at": at + timedelta(seconds=6),
        "started_at": at + timedelta(seconds=19),
        "executors_completed": 8,
    } | changes


@cache
def demo() -> list[Seeded]:
    """Every job of the demo, the oldest first."""
    dice = random.Random(20261122)
    states = ["succeeded"] * 71 + ["failed"] * 9 + ["cancelled"] * 3 + ["running"] * 10 + ["submitted"] * 2
    states += ["queued"] * 4 + ["dispatching"]
    jobs = []
    for number in range(JOBS):
        age = timedelta(seconds=int((JOBS - number) ** 1.75 * 4.1))
        live_age = timedelta(seconds=dice.randint(40, 7000))
        state = dice.choice(states)
        if number >= JOBS - 14:
            state = ["running", "succeeded", "queued", "failed", "submitted", "running", "dispatching"][
                number % 7
            ]
        if state in ("running", "submitted", "queued", "dispatching"):
            age = min(age, live_age)
        if age < timedelta(seconds=25):
            state = "queued"
        elif age < timedelta(seconds=90) and state != "queued":
            state = "dispatching" if age < timedelta(seconds=60) else "submitted"
        jobs.append(_job(number, state, age, dice))
    return sorted(jobs, key=lambda job: job.id)


def _job(number: int, state: str, age: timedelta, dice: random.Random) -> Seeded:
    queue = dice.choice(list(QUEUES))
    tenant = queue.split(".")[1]
    created = NOW - age - timedelta(milliseconds=number * 7 % 1000)
    job = Seeded(
        id=new_id(created, number),
        state=state,
        name=dice.choice(NAMES[tenant]),
        queue=queue,
        tier=QUEUES[queue],
        tenant=tenant,
        owner=dice.choice(OWNERS),
        type=dice.choice(["python", "python", "scala", "sql"]),
        cluster=dice.choice(["arm-use1-a", "arm-use1-a", "arm-use1-b", "arm-use1-b", "x86-usw2"]),
        created_at=created,
    )
    if job.owner == "spinner":
        job.labels = {"dag": f"{job.tenant}_daily", "task": job.name, "try": "1"}
        job.correlation_id = f"airflow/{job.tenant}_daily/2026-11-{(number % 20) + 1:02d}/{job.name}/{number}"
    job.events.append((created, 0, "accepted", "queued", ""))
    if state == "queued":
        job.cluster, job.attempt = None, 0
        return job
    placed = created + timedelta(seconds=dice.randint(1, 24))
    _tried(job, placed, dice)
    return job


def _tried(job: Seeded, placed: datetime, dice: random.Random) -> None:
    ran = timedelta(seconds=int(dice.lognormvariate(6.2, 1.1)) + 20)
    if (job.state == "failed" and dice.random() < 0.35) or (job.state == "running" and dice.random() < 0.1):
        first_end = placed + timedelta(seconds=19) + ran / 3
        if first_end < NOW - timedelta(seconds=70):
            lost = FAILURES[4]
            job.attempts.append(
                attempt(job, 1, placed, application_state="FAILED", ended_at=first_end, reason=lost[0],
                        fault=lost[1], message=lost[3], evidence=json.dumps(lost[4]), executors_failed=8,
                        executors_completed=0)
            )  # fmt: skip
            job.events.append((first_end, 1, "attempt_failed", "queued", lost[3]))
            job.attempt, placed = 2, first_end + timedelta(seconds=30)
    last = attempt(job, job.attempt, placed)
    job.events.append((placed, job.attempt, "placed", "dispatching", f"on {job.cluster}"))
    job.version = 2 + job.attempt * 2
    if job.state in ("dispatching", "submitted"):
        last |= {"application_state": "", "scheduled_at": None, "started_at": None, "spark_app_id": None,
                 "driver_pod": None, "executors_completed": 0}  # fmt: skip
        if job.state == "dispatching":
            last["submitted_at"] = None
        job.attempts.append(last)
        return
    job.events.append((last["submitted_at"], job.attempt, "submitted", "submitted", ""))
    started = job.attempts[0]["started_at"] if job.attempts else last["started_at"]
    job.started_at = min(started, NOW - timedelta(seconds=5))
    last["started_at"] = min(last["started_at"], NOW - timedelta(seconds=5))
    job.events.append((last["started_at"], job.attempt, "running", "running", ""))
    if job.state == "running":
        last |= {"application_state": "RUNNING", "executors_running": 8, "executors_completed": 0}
    else:
        _ended(job, last, min(last["started_at"] + ran, NOW - timedelta(seconds=2)), dice)
    job.attempts.append(last)


def _ended(job: Seeded, last: dict[str, Any], at: datetime, dice: random.Random) -> None:
    job.ended_at = last["ended_at"] = at
    job.version += 1
    message = ""
    if job.state == "failed":
        reason, fault, code, message, evidence = dice.choice(FAILURES)
        job.reason, job.fault = reason, fault
        last |= {"application_state": "FAILED", "reason": reason, "fault": fault, "exit_code": code,
                 "message": message, "evidence": json.dumps(evidence), "executors_failed": 3}  # fmt: skip
    elif job.state == "cancelled":
        job.reason, job.fault = "cancelled", "user"
        job.cancel_requested_at = at - timedelta(seconds=4)
        message = f"asked for by {job.owner}"
        last["application_state"] = "FAILED"
        job.events.append((job.cancel_requested_at, job.attempt, "cancel_requested", "cancelling", message))
    else:
        last["exit_code"] = 0
    job.events.append((at, job.attempt, job.state, job.state, message))


JOB_COLUMNS = (
    "id", "state", "name", "queue", "tier", "tenant", "owner", "type", "cluster", "attempt", "version",
    "reason", "fault", "correlation_id", "created_at", "started_at", "ended_at", "cancel_requested_at",
)  # fmt: skip


def insert(connection: psycopg.Connection, job: Seeded) -> None:
    """Store one job."""
    values = {name: getattr(job, name) for name in JOB_COLUMNS}
    values |= {"labels": json.dumps(job.labels), "arch": "arm64", "spark_version": "3.5.9"}
    values |= {"run_after": job.created_at}
    _row(connection, "jobs", values)
    for one in job.attempts:
        _row(connection, "attempts", one)
    for at, number, kind, state, message in job.events:
        _row(connection, "job_events", {"job_id": job.id, "at": at, "attempt": number, "kind": kind,
                                        "state": state, "message": message})  # fmt: skip


def _row(connection: psycopg.Connection, table: str, values: dict[str, Any]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, values))
    marks = sql.SQL(", ").join(map(sql.Placeholder, values))
    insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, marks)
    connection.execute(insert, values)


def insert_demo(connection: psycopg.Connection) -> list[Seeded]:
    """Store the whole demo: clusters, queues and jobs."""
    for name, (adapter, state, weight, archs, version, why) in CLUSTERS.items():
        capabilities = json.dumps(
            {
                "architectures": archs,
                "spark_versions": ["3.5.9", "4.1.1"],
                "shuffle": "celeborn",
                "queues": ["root.core.tier1", "root.core.tier2"] if why else [],
                "max_live_jobs": 500 if why else 0,
            }
        )
        by, at = ("amara", NOW - timedelta(hours=2)) if why else (None, None)
        _row(connection, "clusters", {"name": name, "adapter": adapter, "weight": weight, "version": version,
                                      "capabilities": capabilities, "wanted_state": state,
                                      "wanted_by": by, "wanted_at": at, "wanted_reason": why,
                                      "last_seen_at": NOW - timedelta(seconds=4)})  # fmt: skip
    for path, tier in QUEUES.items():
        _row(
            connection,
            "queues",
            {"path": path, "tier": tier, "description": f"{path.split('.')[1]}, tier {tier}"},
        )
    jobs = demo()
    for job in jobs:
        insert(connection, job)
    connection.commit()
    return jobs
