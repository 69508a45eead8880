import asyncio

import pytest

from tests.api.rig import Rig, fields, job, problem


async def test_the_same_key_and_body_meet_the_same_job(rig: Rig):
    first = await rig.client.post("/v1/jobs", json=job(), headers={"Idempotency-Key": "k"})
    again = await rig.client.post("/v1/jobs", json=job(), headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert (await rig.counts())["jobs"] == 1


async def test_the_same_key_meets_its_job_in_whatever_state_it_is_now(rig: Rig):
    first = await rig.submit(key="k")
    await rig.client.post(f"/v1/jobs/{first['id']}/cancel")
    again = await rig.submit(key="k")
    assert (again["id"], again["state"], again["version"]) == (first["id"], "cancelled", 2)


async def test_the_same_key_with_another_body_is_refused_and_names_the_job(rig: Rig):
    first = await rig.submit(key="k")
    answer = await rig.client.post("/v1/jobs", json=job(name="other"), headers={"Idempotency-Key": "k"})
    assert first["id"] in problem(answer, 422, "idempotency-conflict")["detail"]
    assert (await rig.counts())["jobs"] == 1


async def test_a_key_belongs_to_its_tenant(rig: Rig):
    one = await rig.submit(key="k", tenant="one")
    other = await rig.submit(key="k", tenant="other")
    assert one["id"] != other["id"]


async def test_many_submits_of_one_key_at_once_make_one_job(rig: Rig):
    answers = await asyncio.gather(
        *(rig.client.post("/v1/jobs", json=job(), headers={"Idempotency-Key": "k"}) for _ in range(64))
    )
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 63 + [201]
    counts = await rig.counts()
    assert (counts["jobs"], counts["job_events"], counts["audit"]) == (1, 1, 64)


async def test_of_two_bodies_with_one_key_at_once_one_is_stored(rig: Rig):
    answers = await asyncio.gather(
        *(
            rig.client.post("/v1/jobs", json=job(name=f"n{number % 2}"), headers={"Idempotency-Key": "k"})
            for number in range(16)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201] + [422] * 8
    assert (await rig.counts())["jobs"] == 1


async def test_keys_at_once_are_independent(rig: Rig):
    answers = await asyncio.gather(*(rig.submit(key=f"k{number}") for number in range(40)))
    assert len({answer["id"] for answer in answers}) == 40


async def test_a_refused_body_does_not_use_up_its_key(rig: Rig):
    refused = await rig.client.post("/v1/jobs", json=job(x=1), headers={"Idempotency-Key": "k"})
    problem(refused, 422)
    assert (await rig.submit(key="k"))["state"] == "queued"


@pytest.mark.parametrize("key", ["k", "k" * 255, "a b/c:d~!", "{'json': 1}"])
async def test_a_key_of_printable_characters_is_taken(shared: Rig, key: str):
    assert await shared.submit(key=key)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(b"", id="B241 empty"),
        pytest.param(b"k" * 256, id="B242 of 256 characters"),
        pytest.param("ключ".encode(), id="not ASCII"),
        pytest.param(b"caf\xe9", id="Latin-1"),
        pytest.param(b"a\tb", id="a control character"),
    ],
)
async def test_another_key_is_refused(shared: Rig, key: bytes):
    before = await shared.counts()
    answer = await shared.client.post(
        "/v1/jobs", json=job(), headers=[(b"Idempotency-Key", key), (b"Content-Type", b"application/json")]
    )
    assert fields(problem(answer, 400, "invalid-parameter")) == ["Idempotency-Key"]
    assert await shared.counts() == before
