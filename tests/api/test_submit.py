import re

import pytest

from tests.api.rig import Rig, fields, job, problem

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
LISTED = [
    "id",
    "name",
    "type",
    "state",
    "reason",
    "fault",
    "tenant",
    "owner",
    "queue",
    "tier",
    "cluster",
    "attempt",
    "version",
    "labels",
    "correlation_id",
    "created_at",
    "started_at",
    "ended_at",
    "links",
]
FULL = {
    "name": "ads daily features",
    "type": "scala",
    "main_application_file": "s3a://moka-jobs/ads/app.jar",
    "main_class": "com.example.Daily$",
    "arguments": ["--date", "2026-11-22", "<script>alert(1)</script>", "\u202e日本", "a\tb\nc", ""],
    "spark_version": "3.5.9",
    "tenant": "ads",
    "queue": "root.etl.tier1",
    "arch": "arm64",
    "driver": {"cores": 2, "memory": "4g", "memory_overhead": "512m"},
    "executor": {"cores": 4, "memory": "8g", "memory_overhead": "1g", "instances": 3},
    "dynamic_allocation": {"enabled": True, "min_executors": 1, "max_executors": 9, "initial_executors": 2},
    "spark_conf": {"spark.sql.shuffle.partitions": "200", "spark.user.ads.mode": "a=b c"},
    "deps": {
        "jars": ["s3a://moka-jobs/a.jar"],
        "files": ["local:///opt/conf/a.conf"],
        "py_files": ["s3a://moka-jobs/a+b.zip"],
        "archives": ["s3a://moka-jobs/env.tgz#env"],
        "packages": ["org.example:lib_2.12:1.0.0"],
    },
    "env": {"MODE": "fast", "TEXT": "line\nbreak"},
    "labels": {"team": "ads", "empty": ""},
    "priority": 70,
    "retry": {"max_attempts": 3, "on": ["platform", "user"], "backoff_seconds": 5},
    "timeout_seconds": 3600,
    "correlation_id": "daily/scheduled__2026-11-22T00:00:00+00:00/train/-1",
}


async def test_a_submit_answers_201_and_where_the_job_is(rig: Rig):
    answer = await rig.client.post("/v1/jobs", json=job())
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    made = answer.json()
    assert answer.headers["location"] == made["links"]["self"] == f"/v1/jobs/{made['id']}"
    found = await rig.client.get(answer.headers["location"])
    assert found.json()["id"] == made["id"]


async def test_the_answer_to_a_submit_reads_like_the_list(rig: Rig):
    made = await rig.submit(labels={"team": "ads"})
    listed = (await rig.client.get("/v1/jobs")).json()
    assert listed == {"items": [made], "next_cursor": None}
    assert list(made) == LISTED


async def test_a_new_job_is_queued_and_unplaced_and_its_times_have_milliseconds_and_a_zone(rig: Rig):
    made = await rig.submit()
    assert re.fullmatch(r"j[0-9a-z]{26}", made["id"])
    expected = {
        "state": "queued",
        "tenant": "default",
        "owner": "local",
        "queue": "root.default",
        "tier": 3,
        "cluster": None,
        "attempt": 0,
        "version": 1,
        "reason": None,
        "fault": None,
        "labels": {},
        "correlation_id": None,
        "started_at": None,
        "ended_at": None,
    }
    assert {key: made[key] for key in expected} == expected
    assert TIME.match(made["created_at"])
    assert made["links"]["ui"] == f"http://ui.test/jobs/{made['id']}"
    assert made["links"]["logs"] == f"/v1/jobs/{made['id']}/logs"


async def test_every_field_of_a_request_is_taken_and_read_back(rig: Rig):
    made = await rig.submit(**FULL)
    found = (await rig.client.get(made["links"]["self"])).json()
    assert found["request"] == FULL | {"env": {"MODE": "*****", "TEXT": "*****"}}
    assert (found["tenant"], found["queue"], found["tier"]) == ("ads", "root.etl.tier1", 1)
    assert (found["arch"], found["spark_version"], found["priority"]) == ("arm64", "3.5.9", 70)
    assert found["correlation_id"] == FULL["correlation_id"]
    assert TIME.match(found["deadline_at"])


async def test_a_submit_writes_job_spec_event_and_audit_together(rig: Rig):
    before = await rig.counts()
    made = await rig.submit(key="k")
    after = await rig.counts()
    grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert grown == {"jobs": 1, "job_specs": 1, "job_events": 1, "audit": 1, "idempotency_keys": 1}
    [row] = await rig.sql("SELECT principal, action, object, decision FROM audit")
    assert tuple(row) == ("local", "submit", made["id"], "allowed")


@pytest.mark.parametrize("media_type", ["application/yaml", "text/x-yaml; charset=utf-8"])
async def test_a_job_in_yaml_is_the_same_job(rig: Rig, media_type: str):
    text = """
        name: nightly
        type: sql
        sql: |
          SELECT 1;
          SELECT 2
        arguments: [2026-11-22, no, 1:30, 007, 0x1f, "5", 1_000]
        labels: {day: 2026-11-22, on: yes}
        priority: 7
    """
    answer = await rig.client.post("/v1/jobs", content=text, headers={"content-type": media_type})
    assert answer.status_code == 201, answer.text
    found = (await rig.client.get(answer.headers["location"])).json()
    assert found["request"]["sql"] == "SELECT 1;\nSELECT 2\n"
    # words of YAML 1.2: only true, false, null and plain numbers are not texts
    assert found["request"]["arguments"] == ["2026-11-22", "no", "1:30", "007", "0x1f", "5", "1_000"]
    assert found["labels"] == {"day": "2026-11-22", "on": "yes"}
    assert found["priority"] == 7


async def test_a_body_that_does_not_say_what_it_is_is_not_read(rig: Rig):
    before = await rig.counts()
    answer = await rig.client.post("/v1/jobs", content=b'{"name":"a","type":"sql","sql":"SELECT 1"}')
    problem(answer, 415, "unsupported-media-type")
    assert await rig.counts() == before


async def test_every_wrong_field_is_named_at_once(rig: Rig):
    wrong = job(
        name="",
        typ="python",
        driver={"memory": "1e3g"},
        env={"LD_PRELOAD": "x"},
        labels={"a/b": "c"},
        spark_conf={"spark.master": "local"},
        main_class="A",
        executor={"instances": 0},
    )
    found = problem(await rig.client.post("/v1/jobs", json=wrong), 422, "invalid-job")
    assert sorted(fields(found)) == [
        "driver.memory",
        "env.LD_PRELOAD",
        "executor.instances",
        "labels.a/b",
        "main_class",
        "name",
        "spark_conf.spark.master",
        "typ",
    ]
    assert found["detail"] == "8 fields are wrong."


async def test_a_fault_says_the_rule_and_what_is_allowed(rig: Rig):
    found = problem(await rig.client.post("/v1/jobs", json=job(type="perl", queue="root.x")), 422)
    [kind] = [fault for fault in found["errors"] if fault["field"] == "type"]
    assert kind["rule"] == "literal_error"
    assert "'python'" in kind["allowed"]


async def test_an_unknown_queue_is_answered_with_the_known_ones(rig: Rig):
    found = problem(await rig.client.post("/v1/jobs", json=job(queue="root.mine")), 422, "invalid-job")
    assert found["errors"][0]["field"] == "queue"
    assert found["errors"][0]["allowed"] == ["root.default", "root.etl", "root.etl.tier1"]


async def test_a_correlated_job_under_way_is_met_again(rig: Rig):
    first = await rig.client.post("/v1/jobs", json=job(correlation_id="dag/run/task"))
    again = await rig.client.post("/v1/jobs", json=job(correlation_id="dag/run/task"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    other = await rig.client.post("/v1/jobs", json=job(correlation_id="dag/run/task", name="other"))
    assert first.json()["id"] in problem(other, 409, "correlation-conflict")["detail"]


async def test_a_correlated_job_that_ended_makes_room_for_a_new_one(rig: Rig):
    first = await rig.submit(correlation_id="dag/run/task")
    await rig.client.post(f"/v1/jobs/{first['id']}/cancel")
    second = await rig.submit(correlation_id="dag/run/task")
    assert second["id"] != first["id"]
