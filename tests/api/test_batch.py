import httpx2
import pytest

from tests.api.rig import Rig, job, problem


async def batch(rig: Rig, jobs: list, **headers: str) -> list:
    answer = await rig.client.post("/v1/jobs:batch", json={"jobs": jobs}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_hundred_jobs_good_and_bad_have_one_result_each_in_order(rig: Rig):
    wanted = [job(name=f"n{number}") if number % 10 else job(bad=number) for number in range(100)]
    results = await batch(rig, wanted)
    assert [result["status"] for result in results] == [201 if number % 10 else 422 for number in range(100)]
    for number, result in enumerate(results):
        assert set(result) == {"status", "job", "problem"}
        if number % 10:
            assert (result["job"]["name"], result["problem"]) == (f"n{number}", None)
        else:
            assert result["job"] is None
            assert result["problem"]["errors"][0]["field"] == "bad"
    assert (await rig.counts())["jobs"] == 90


async def test_a_batch_repeated_with_its_key_makes_no_new_job(rig: Rig):
    wanted = [job(name=f"n{number}") for number in range(20)]
    first = await batch(rig, wanted, **{"Idempotency-Key": "b"})
    again = await batch(rig, wanted, **{"Idempotency-Key": "b"})
    assert [result["status"] for result in again] == [200] * 20
    assert [result["job"]["id"] for result in again] == [result["job"]["id"] for result in first]
    assert (await rig.counts())["jobs"] == 20


async def test_a_batch_repeated_with_its_key_refuses_only_what_changed(rig: Rig):
    await batch(rig, [job(), job()], **{"Idempotency-Key": "b"})
    again = await batch(rig, [job(), job(name="other")], **{"Idempotency-Key": "b"})
    assert [result["status"] for result in again] == [200, 422]
    assert again[1]["problem"]["type"].endswith("#idempotency-conflict")


async def test_a_batch_may_be_yaml(rig: Rig):
    text = "jobs:\n- {name: a, type: sql, sql: SELECT 1}\n- {name: b, type: sql}\n"
    answer = await rig.client.post(
        "/v1/jobs:batch", content=text, headers={"content-type": "application/yaml"}
    )
    assert [result["status"] for result in answer.json()["items"]] == [201, 422]


async def test_a_job_of_a_batch_is_bounded_like_a_job_alone(shared: Rig):
    large = job(arguments=["x" * 32_000] * 9)
    assert [result["status"] for result in await batch(shared, [large, job()])] == [413, 201]


@pytest.mark.parametrize("wanted", [1, None, "x", [], True], ids=str)
async def test_what_is_no_job_has_its_own_problem(shared: Rig, wanted: object):
    [result] = await batch(shared, [wanted])
    assert (result["status"], result["job"]) == (422, None)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"jobs": []}, id="none"),
        pytest.param({"jobs": [job()] * 101}, id="a hundred and one"),
        pytest.param({"jobs": {}}, id="no list"),
        pytest.param({"jobs": [job()], "x": 1}, id="an unknown field beside"),
        pytest.param([job()], id="a bare list"),
    ],
)
async def test_another_batch_is_refused_as_a_whole(shared: Rig, body: object):
    before = await shared.counts()
    problem(await shared.client.post("/v1/jobs:batch", json=body), 422, "invalid-job")
    assert await shared.counts() == before


async def test_a_batch_of_more_than_four_mebibytes_is_not_read(shared: Rig):
    answer: httpx2.Response = await shared.client.post(
        "/v1/jobs:batch",
        content=b" " * (4 * 1024 * 1024 + 1),
        headers={"content-type": "application/json"},
    )
    problem(answer, 413, "body-too-large")
