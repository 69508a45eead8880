"""The list of jobs and what belongs to one: filters, orders, pages, and what is refused."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from archer.domain.states import JobState, Reason
from moka_ui.api.jobs import lines
from moka_ui.listing import after_prefix
from tests.ui import seed
from tests.ui.conftest import ROOT

WIRE = {
    "id", "name", "type", "state", "reason", "fault", "tenant", "owner", "queue", "tier", "cluster",
    "attempt", "version", "labels", "correlation_id", "created_at", "started_at", "ended_at", "links",
}  # fmt: skip


async def everything(client, **params):
    """All jobs of a list, page by page."""
    found, cursor = [], None
    for _ in range(100):
        answer = await client.get(
            "/api/jobs", params={"limit": 37, **params, **({"cursor": cursor} if cursor else {})}
        )
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


def duration(job):
    if job.started_at is None:
        return None
    return (job.ended_at or seed.NOW) - job.started_at


async def test_a_job_on_the_wire(client):
    job = (await client.get("/api/jobs", params={"state": "failed", "limit": 1})).json()["items"][0]
    assert set(job) == WIRE
    assert datetime.strptime(job["created_at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC) < seed.NOW
    assert len(job["created_at"]) == len("2026-11-22T06:03:00.123Z")
    assert job["links"]["page"] == f"/jobs/{job['id']}"
    detail = (await client.get(job["links"]["self"])).json()
    assert set(detail) == WIRE | {
        "arch",
        "spark_version",
        "priority",
        "waiting",
        "deadline_at",
        "cancel_requested_at",
    }


async def test_pages_hold_every_job_once_the_newest_first(client):
    jobs = await everything(client)
    assert [job["id"] for job in jobs] == sorted((job.id for job in seed.demo()), reverse=True)


async def test_pages_hold_every_started_job_once_the_longest_first(client):
    jobs = await everything(client, sort="longest")
    started = [job for job in seed.demo() if job.started_at is not None]
    expected = sorted(started, key=lambda job: (duration(job), job.id), reverse=True)
    assert [job["id"] for job in jobs] == [job.id for job in expected]


async def test_a_new_job_does_not_shift_the_next_page(own_client, own_demo):
    first = (await own_client.get("/api/jobs", params={"limit": 5})).json()
    with own_demo.connect() as connection:
        seed.insert(
            connection,
            seed.Seeded(seed.new_id(seed.NOW + timedelta(seconds=1), 9), "queued", cluster=None, attempt=0),
        )
    second = (await own_client.get("/api/jobs", params={"limit": 5, "cursor": first["next_cursor"]})).json()
    ids = sorted((job.id for job in seed.demo()), reverse=True)
    assert [job["id"] for job in first["items"] + second["items"]] == ids[:10]


MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
UNDER_WAY = ("failed", "running")


def narrow(job):
    return job.name.startswith("ads_c") and job.state == "succeeded" and job.owner == "diego"


@pytest.mark.parametrize(
    ("params", "holds"),
    [
        pytest.param({"state": "failed"}, lambda j: j.state == "failed", id="one state"),
        pytest.param({"state": ["failed", "running"]}, lambda j: j.state in UNDER_WAY, id="states repeated"),
        pytest.param({"state": "failed,running"}, lambda j: j.state in UNDER_WAY, id="states by comma"),
        pytest.param({"queue": "root.ml.training"}, lambda j: j.queue == "root.ml.training", id="queue"),
        pytest.param({"tenant": "ads"}, lambda j: j.tenant == "ads", id="tenant"),
        pytest.param({"owner": "amara"}, lambda j: j.owner == "amara", id="owner"),
        pytest.param({"cluster": "x86-usw2"}, lambda j: j.cluster == "x86-usw2", id="cluster"),
        pytest.param({"name": "ads_c"}, lambda j: j.name.startswith("ads_c"), id="name prefix"),
        pytest.param({"name": "ads%"}, lambda j: False, id="a wildcard is a character"),
        pytest.param({"name": "ads_c", "state": "succeeded", "owner": "diego"}, narrow, id="together"),
        pytest.param({"label": "task:hello_pi"}, lambda j: j.labels.get("task") == "hello_pi", id="label"),
        pytest.param(
            {"label": ["try:1", "dag:ml_daily"]}, lambda j: j.labels.get("dag") == "ml_daily", id="labels"
        ),
        pytest.param(
            {"created_after": "2026-11-22T00:00:00Z"}, lambda j: j.created_at >= MIDNIGHT, id="after"
        ),
        pytest.param(
            {"created_after": "2026-11-21T01:00:00+01:00", "created_before": "2026-11-22T00:00:00.000Z"},
            lambda j: MIDNIGHT - timedelta(days=1) <= j.created_at < MIDNIGHT,
            id="range",
        ),
    ],
)
@pytest.mark.parametrize("sort", ["newest", "longest"])
async def test_a_filter_lists_what_it_names(client, params, holds, sort):
    jobs = await everything(client, **params, sort=sort)
    expected = {job.id for job in seed.demo() if holds(job) and (sort == "newest" or job.started_at)}
    assert {job["id"] for job in jobs} == expected
    assert len(jobs) == len(expected)


@pytest.mark.parametrize(
    ("prefix", "above"),
    [
        pytest.param("ads", "adt", id="the last letter grows"),
        pytest.param("a\ud7ff", "a\ue000", id="surrogates are no characters"),
        pytest.param("a\U0010ffff", "b", id="the last character carries"),
        pytest.param("\U0010ffff", None, id="nothing is above"),
    ],
)  # fmt: skip
def test_what_is_above_a_prefix(prefix, above):
    assert after_prefix(prefix) == above


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"state": "exploded"}, "state.0"),
        ({"state": ["failed", ""] * 40}, "state"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"sort": "random"}, "sort"),
        ({"queue": ""}, "queue"),
        ({"queue": "a\x00b"}, "queue"),
        ({"name": "x" * 257}, "name"),
        ({"label": "novalue"}, "label.0"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_after": "1700000000"}, "created_after"),
        ({"created_after": "2026-11-22T00:00:00"}, "created_after"),
        ({"created_before": "0001-01-01T00:00:00+14:00"}, "created_before"),
        ({"created_before": "2026-13-41T00:00:00Z"}, "created_before"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_parameter_is_named(client, params, field):
    answer = await client.get("/api/jobs", params=params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [fault["field"] for fault in answer.json()["errors"]]


def packed(document):
    return (
        base64.urlsafe_b64encode(json.dumps(document, separators=(",", ":")).encode()).rstrip(b"=").decode()
    )


ID = "j01m80x9w8ce0c83101gg0r80c4"
BAD_CURSORS = [
    "", "x", "!!", "a" * 300, "é", packed([]), packed({}), packed(1), packed(None), packed({"s": "newest"}),
    packed({"s": "newest", "i": 1}), packed({"s": "newest", "i": "nope"}),
    packed({"s": "newest", "i": ID, "x": 1}),
    packed({"s": "longest", "i": ID, "a": 1, "d": 1}), packed({"i": ID, "s": "newest"}),
]  # fmt: skip
BAD_LONGEST = [
    packed({"s": "newest", "i": ID}), packed({"s": "longest", "i": ID}),
    packed({"s": "longest", "i": ID, "a": "1", "d": 1}), packed({"s": "longest", "i": ID, "a": True, "d": 1}),
    packed({"s": "longest", "i": ID, "a": 1, "d": -1}), packed({"s": "longest", "i": ID, "a": 1, "d": 2}),
    packed({"s": "longest", "i": ID, "a": 10**30, "d": 1}),
    packed({"s": "longest", "i": ID, "a": 1.5, "d": 1}),
]  # fmt: skip


@pytest.mark.parametrize("cursor", BAD_CURSORS)
async def test_a_malformed_cursor_is_refused(client, cursor):
    answer = await client.get("/api/jobs", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["type"].split("#")[1]) == (400, "invalid-cursor")


@pytest.mark.parametrize("cursor", BAD_LONGEST)
async def test_a_malformed_cursor_of_the_longest_is_refused(client, cursor):
    answer = await client.get("/api/jobs", params={"cursor": cursor, "sort": "longest"})
    assert (answer.status_code, answer.json()["type"].split("#")[1]) == (400, "invalid-cursor")


async def test_a_job_that_has_not_changed_is_not_sent_again(own_client, own_demo):
    job = seed.demo()[-1]
    first = await own_client.get(f"/api/jobs/{job.id}")
    etag = first.headers["etag"]
    assert etag == f'W/"{job.version}"'
    again = await own_client.get(f"/api/jobs/{job.id}", headers={"if-none-match": f'"x", {etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    with own_demo.connect() as connection:
        connection.execute("UPDATE jobs SET version = version + 1 WHERE id = %s", (job.id,))
    changed = await own_client.get(f"/api/jobs/{job.id}", headers={"if-none-match": etag})
    assert (changed.status_code, changed.json()["version"]) == (200, job.version + 1)


@pytest.mark.parametrize("part", ["", "/attempts", "/events", "/attempts/1/manifest"])
@pytest.mark.parametrize("job", ["j7zzzzzzzzzzzzzzzzzzzzzzzzzz", "nonsense", "j" * 64, "%00"])
async def test_an_unknown_job_is_not_found(client, job, part):
    answer = await client.get(f"/api/jobs/{job}{part}")
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_attempts_carry_the_decision_where_they_were_placed(client):
    job = next(job for job in seed.demo() if job.state == "failed" and job.attempt == 2)
    attempts = (await client.get(f"/api/jobs/{job.id}/attempts")).json()["items"]
    assert [one["number"] for one in attempts] == [1, 2]
    assert attempts[0]["reason"] == "node_lost"
    assert attempts[0]["placement"]["cluster"] == job.cluster
    assert {"candidates", "rejects"} <= set(attempts[0]["placement"])
    assert attempts[0]["has_manifest"] is True
    assert "manifest" not in attempts[0]


async def test_a_queued_job_has_no_attempts_but_exists(client):
    job = next(job for job in seed.demo() if job.state == "queued")
    assert (await client.get(f"/api/jobs/{job.id}/attempts")).json() == {"items": [], "next_cursor": None}


async def test_events_come_in_order(client):
    job = next(job for job in seed.demo() if job.state == "cancelled")
    events = (await client.get(f"/api/jobs/{job.id}/events")).json()["items"]
    assert (events[0]["kind"], events[-1]["kind"]) == ("accepted", "cancelled")
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)


async def test_a_manifest_reads_in_both_notations(client):
    import yaml

    job = next(job for job in seed.demo() if job.state == "running")
    manifest = (await client.get(f"/api/jobs/{job.id}/attempts/1/manifest")).json()
    assert json.loads(manifest["json_text"]) == yaml.safe_load(manifest["yaml_text"])
    assert json.loads(manifest["json_text"])["kind"] == "SparkApplication"
    assert (await client.get(f"/api/jobs/{job.id}/attempts/99/manifest")).status_code == 404


async def test_each_line_of_a_manifest_has_the_layer_that_set_it(client):
    job = next(job for job in seed.demo() if job.state == "running")
    manifest = (await client.get(f"/api/jobs/{job.id}/attempts/1/manifest")).json()
    lines = {line["path"]: line for line in manifest["lines"]}
    assert lines["/spec/driver/cores"] | {"path": ""} == {
        "path": "", "value": "1", "source": "request", "replaced": []
    }  # fmt: skip
    assert lines["/spec/sparkConf/spark.ui.port"]["replaced"] == [{"source": "default", "value": "4041"}]
    attempts = (await client.get(f"/api/jobs/{job.id}/attempts")).json()["items"]
    assert all("layers" not in attempt["placement"] for attempt in attempts)


async def test_a_manifest_of_an_older_archer_has_no_layers_to_show():
    assert lines('{"spec": {"type": "Python"}}', {}) == []
    assert lines("no JSON", {"lines": "c", "replaced": {}}) == []


async def test_any_name_of_a_job_finds_it(client):
    job = next(job for job in seed.demo() if job.state == "running")
    app = job.attempts[-1]["spark_app_id"]
    for name in (
        job.id,
        f" {job.id.upper()} ",
        f"{job.id}-1",
        f"{job.id}-1-driver",
        f"{job.id}-1-exec-7",
        app,
    ):
        assert (await client.get("/api/search", params={"q": name})).json() == {"job_id": job.id}, name
    for name in ("nothing", "j7zzzzzzzzzzzzzzzzzzzzzzzzzz", "a\x00b", "' OR 1=1"):
        assert (await client.get("/api/search", params={"q": name})).status_code == 404, name


async def test_counts_are_those_of_the_lists(client):
    counts = (await client.get("/api/counts")).json()
    live = {"queued", "dispatching", "submitted", "running", "cancelling"}
    assert set(counts["live"]) == live
    assert set(counts["accepted"]) == {state.value for state in JobState}
    for state in live:
        assert counts["live"][state] == sum(job.state == state for job in seed.demo())
    day = seed.NOW - timedelta(hours=24)
    for state in counts["accepted"]:
        assert counts["accepted"][state] == sum(
            job.state == state and job.created_at >= day for job in seed.demo()
        )


async def test_clusters_and_queues_say_how_busy_they_are(client):
    live = {"dispatching", "submitted", "running", "cancelling"}
    for cluster in (await client.get("/api/clusters")).json()["items"]:
        expected = sum(job.cluster == cluster["name"] and job.state in live for job in seed.demo())
        assert cluster["live_jobs"] == expected
        _, state, _, _, _, why = seed.CLUSTERS[cluster["name"]]
        assert (cluster["state"], cluster["wanted_state"], cluster["wanted_reason"]) == (state, state, why)
        assert cluster["wanted_by"] == ("amara" if why else None)
    queues = (await client.get("/api/queues")).json()["items"]
    assert [queue["path"] for queue in queues] == sorted(seed.QUEUES)
    for queue in queues:
        expected = sum(job.queue == queue["path"] and job.state in live | {"queued"} for job in seed.demo())
        assert queue["live_jobs"] == expected


def test_the_page_has_words_for_every_reason():
    words = (ROOT / "moka_ui/web/src/text/words.ts").read_text(encoding="utf-8")
    assert [reason for reason in Reason if f"  {reason.value}: {{ title:" not in words] == []
    assert [state for state in JobState if f'"{state.value}"' not in words] == []
