import pytest

from archer.api import logs
from archer.errors import ClusterUnavailable
from tests.api.rig import Rig, fields, problem
from tests.api.serving import listening, serving, streamed

WORDS = "aé漢字🎉 — \u202e <script> \x1b[2J \0 end\n"
UNKNOWN = "j" + "0" * 26


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FOLLOW_SECONDS", 0.02)


async def read(rig: Rig, name: str, **params: str | int) -> dict:
    answer = await rig.client.get(f"/v1/jobs/{name}/logs", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_part_of_a_log_says_where_it_is(rig: Rig):
    name = await rig.running()
    rig.cluster.write_log(f"{name}-1", b"0123456789")
    assert await read(rig, name, offset=2, limit=5) == {
        "role": "driver",
        "attempt": 1,
        "text": "23456",
        "offset": 2,
        "next_offset": 7,
        "size": 10,
        "complete": False,
    }
    assert (await read(rig, name, offset=-3))["text"] == "789"
    assert (await read(rig, name, offset=-99))["text"] == "0123456789"
    beyond = await read(rig, name, offset=2**53)
    assert (beyond["text"], beyond["next_offset"], beyond["complete"]) == ("", 10, False)


async def test_a_log_is_complete_once_it_ended_and_was_read_to_its_end(rig: Rig):
    name = await rig.running()
    await rig.ended(name, log=b"0123456789")
    assert not (await read(rig, name, limit=5))["complete"]
    assert (await read(rig, name, offset=5))["complete"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 7, 100])
async def test_parts_of_a_log_put_together_are_the_log(rig: Rig, limit: int):
    name = await rig.running()
    await rig.ended(name, log=WORDS.encode())
    text, offset = "", 0
    while True:
        part = await read(rig, name, offset=offset, limit=limit)
        assert part["next_offset"] > offset, "a part must come on"
        text, offset = text + part["text"], part["next_offset"]
        if part["complete"]:
            break
    assert text == WORDS


async def test_half_a_character_at_the_present_end_waits_for_its_other_half(rig: Rig):
    name = await rig.running()
    rig.cluster.write_log(f"{name}-1", b"caf\xc3")
    first = await read(rig, name)
    assert (first["text"], first["next_offset"], first["size"]) == ("caf", 3, 4)
    assert (await read(rig, name, offset=3))["text"] == ""
    rig.cluster.write_log(f"{name}-1", b"\xa9")
    assert (await read(rig, name, offset=3))["text"] == "é"


async def test_bytes_that_are_no_characters_are_replaced(rig: Rig):
    name = await rig.running()
    await rig.ended(name, log=b"a\xff\xfe\xe2\x82")
    assert (await read(rig, name))["text"] == "a\ufffd\ufffd\ufffd"


async def test_a_log_that_the_cluster_does_not_have_is_404(rig: Rig):
    name = await rig.running()
    for params in ({"role": "executor-7"}, {}):
        problem(await rig.client.get(f"/v1/jobs/{name}/logs", params=params), 404, "log-not-found")


async def test_a_log_of_a_cluster_that_is_away_is_503(rig: Rig):
    name = await rig.running()
    rig.cluster.go_down()
    answer = await rig.client.get(f"/v1/jobs/{name}/logs")
    problem(answer, 503, "cluster-unavailable")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param("pod=%2e%2e%2f", "pod", id="B205 a pod"),
        pytest.param("pod=", "pod", id="B206 no pod"),
        pytest.param("container=a/b", "container", id="B208 a container"),
        pytest.param("role=", "role", id="no role"),
        pytest.param("role=Driver", "role", id="another role"),
        pytest.param("role=executor-0", "role", id="executor 0"),
        pytest.param("role=executor-1/../..", "role", id="a path as role"),
        pytest.param("role=executor-1%0a", "role", id="a line break behind"),
        pytest.param("role=executor-%d9%a1", "role", id="digits of another script"),
        pytest.param("role=driver&role=driver", "role", id="twice"),
        pytest.param("limit=0", "limit", id="none"),
        pytest.param("limit=1048577", "limit", id="more than a mebibyte"),
        pytest.param("offset=9007199254740993", "offset", id="beyond 2^53"),
        pytest.param("offset=x", "offset", id="no number"),
        pytest.param("follow=true", "follow", id="follow is asked for by Accept"),
    ],
)
async def test_a_wrong_parameter_of_a_log_is_named(shared: Rig, query: str, field: str):
    answer = await shared.client.get(f"/v1/jobs/{UNKNOWN}/logs?{query}")
    assert fields(problem(answer, 400, "invalid-parameter")) == [field]


async def test_ranges_are_not_read(rig: Rig):
    name = await rig.running()
    rig.cluster.write_log(f"{name}-1", b"0123456789")
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(10_000))
    answer = await rig.client.get(f"/v1/jobs/{name}/logs", headers={"Range": ranges})
    assert (answer.status_code, answer.json()["text"]) == (200, "0123456789")


# --- following ----------------------------------------------------------------------------------------------


async def test_a_followed_log_waits_grows_and_ends_with_its_job(rig: Rig):
    made = await rig.submit()
    name = made["id"]
    async with serving(rig) as port, listening(rig), streamed(port, f"/v1/jobs/{name}/logs") as events:
        await rig.dispatch()
        rig.cluster.run(f"{name}-1")
        await rig.observe()
        rig.cluster.write_log(f"{name}-1", b"first\n")
        event, place, chunk = await anext(events)
        assert (event, place, chunk["text"], chunk["attempt"]) == ("chunk", "6", "first\n", 1)
        rig.cluster.write_log(f"{name}-1", "caf\u00e9".encode()[:-1])
        assert (await anext(events))[2]["text"] == "caf"
        rig.cluster.write_log(f"{name}-1", "caf\u00e9".encode()[-1:])
        assert (await anext(events))[2]["text"] == "é"
        await rig.ended(name, log=b"last\n")
        rest = [one async for one in events]
    assert [(event, place) for event, place, _ in rest] == [("chunk", "16"), ("end", "16")]
    assert rest[-1][2] == {"attempt": 1, "next_offset": 16}


async def test_a_followed_log_goes_on_after_the_last_event(rig: Rig):
    name = await rig.running()
    await rig.ended(name, log=b"0123456789")
    async with serving(rig) as port:
        for headers, query in (
            ({"Last-Event-ID": "4"}, ""),
            ({}, "?offset=4"),
            ({"Last-Event-ID": "4"}, "?offset=9"),
        ):
            async with streamed(port, f"/v1/jobs/{name}/logs{query}", **headers) as events:
                found = [one async for one in events]
            assert [event for event, _, _ in found] == ["chunk", "end"]
            assert found[0][2]["text"] == "456789"
        async with streamed(
            port, f"/v1/jobs/{name}/logs", **{"Last-Event-ID": "99999999999999999999"}
        ) as events:
            assert [event for event, _, _ in [one async for one in events]] == ["end"]


async def test_characters_at_the_border_of_two_events_are_whole(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logs, "MAX_LOG_BYTES", 5)
    name = await rig.running()
    await rig.ended(name, log=WORDS.encode())
    async with serving(rig) as port, streamed(port, f"/v1/jobs/{name}/logs") as events:
        found = [one async for one in events]
    assert len(found) > 5
    assert "".join(chunk["text"] for event, _, chunk in found if event == "chunk") == WORDS


async def test_half_a_character_at_the_very_end_is_shown_and_ends_the_stream(rig: Rig):
    name = await rig.running()
    rig.cluster.write_log(f"{name}-1", b"caf\xc3")
    rig.cluster.end(f"{name}-1", exit_code=0)
    await rig.observe()
    async with serving(rig) as port, streamed(port, f"/v1/jobs/{name}/logs") as events:
        found = [(event, chunk.get("text")) async for event, _, chunk in events]
    assert found == [("chunk", "caf\ufffd"), ("end", None)]


async def test_a_job_cancelled_in_the_queue_ends_its_stream(rig: Rig):
    made = await rig.submit()
    async with serving(rig) as port, listening(rig), streamed(port, f"/v1/jobs/{made['id']}/logs") as events:
        await rig.client.post(f"/v1/jobs/{made['id']}/cancel")
        assert [event async for event, _, _ in events] == ["end"]


async def test_a_cluster_that_is_away_has_not_said_that_the_log_is_over(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logs, "PING_SECONDS", 0.05)
    name = await rig.running()
    await rig.ended(name, log=b"all of it")
    rig.cluster.go_down()
    async with serving(rig) as port, streamed(port, f"/v1/jobs/{name}/logs") as events:
        assert await anext(events) == ("", "", {})  # a sign of life, no end
        rig.cluster.come_back()
        found = [(event, chunk.get("text")) async for event, _, chunk in events if event]
    assert found == [("chunk", "all of it"), ("end", None)]


async def test_an_ended_attempt_is_followed_to_its_end_while_its_job_goes_on(rig: Rig):
    name = await rig.running(retry={"max_attempts": 2, "on": ["user", "platform"], "backoff_seconds": 0})
    await rig.ended(name, exit_code=1, log=b"first attempt")
    assert (await rig.client.get(f"/v1/jobs/{name}")).json()["state"] == "queued"
    await rig.dispatch()
    rig.cluster.write_log(f"{name}-2", b"second")
    async with serving(rig) as port:
        async with streamed(port, f"/v1/jobs/{name}/logs?attempt=1") as events:
            assert [chunk.get("text") async for _, _, chunk in events] == ["first attempt", None]
        async with streamed(port, f"/v1/jobs/{name}/logs") as events:
            assert (await anext(events))[2]["text"] == "second"


async def test_a_client_that_goes_away_leaves_nobody_waiting(rig: Rig):
    name = await rig.running()
    rig.cluster.write_log(f"{name}-1", b"x")
    async with serving(rig) as port, streamed(port, f"/v1/jobs/{name}/logs") as events:
        await anext(events)
    assert not rig.parts.changes._watches


async def test_a_stream_of_nothing_is_404_and_says_so_as_a_problem(shared: Rig):
    answer = await shared.client.get(f"/v1/jobs/{UNKNOWN}/logs", headers={"accept": "text/event-stream"})
    problem(answer, 404, "not-found")


async def test_a_removed_job_ends_its_stream(rig: Rig):
    name = await rig.running()
    rig.cluster.fail("read_log", ClusterUnavailable("away"), times=10_000)
    async with serving(rig) as port, streamed(port, f"/v1/jobs/{name}/logs") as events:
        await rig.sql("TRUNCATE jobs, attempts, job_specs")
        assert [event async for event, _, _ in events] == ["end"]
