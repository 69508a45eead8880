from typing import Any

import pytest

from archer.api.incoming.cursors import Cursors
from archer.store.jobs import Position
from tests.api.rig import Rig, fields, open_rig, problem


async def page(rig: Rig, **params: Any) -> dict[str, Any]:
    answer = await rig.client.get("/v1/jobs", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def names(rig: Rig, **params: Any) -> list[str]:
    return sorted(one["name"] for one in (await page(rig, **params))["items"])


async def walk(rig: Rig, **params: Any) -> list[str]:
    """Ids of all pages."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        one = await page(rig, **params, **({"cursor": cursor} if cursor else {}))
        assert len(one["items"]) <= params["limit"]
        found += [item["id"] for item in one["items"]]
        cursor = one["next_cursor"]
        if cursor is None:
            return found


async def test_an_empty_list_is_a_list(rig: Rig):
    assert await page(rig) == {"items": [], "next_cursor": None}


async def test_pages_hold_every_job_once_and_the_newest_first(rig: Rig):
    made = [(await rig.submit(name=f"n{number}"))["id"] for number in range(11)]
    for limit in (1, 4, 11, 500):
        assert await walk(rig, limit=limit) == made[::-1]


async def test_a_job_that_comes_while_pages_are_read_moves_none(rig: Rig):
    made = [(await rig.submit())["id"] for _ in range(4)]
    first = await page(rig, limit=2)
    await rig.submit()
    second = await page(rig, limit=2, cursor=first["next_cursor"])
    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]


async def test_the_longest_come_first_and_those_that_never_ran_not_at_all(rig: Rig):
    made = [(await rig.submit())["id"] for _ in range(6)]
    for number, name in enumerate(made[:5]):
        # three that ended after 10, 30 and 50 minutes, two that run for 20 and 40
        ended = number % 2 == 0
        await rig.sql(
            "UPDATE jobs SET state = :state, cluster = 'here',"
            " started_at = archer_now() - :age * interval '1 minute',"
            " ended_at = CASE WHEN :ended THEN archer_now() END WHERE id = :id",
            state="succeeded" if ended else "running",
            age=10 * (number + 1),
            ended=ended,
            id=name,
        )
    for limit in (1, 2, 5, 50):
        assert await walk(rig, sort="longest", limit=limit) == made[4::-1]


async def test_each_filter_selects(rig: Rig):
    await rig.submit(name="a/one", queue="root.etl", tenant="ads", labels={"team": "ads", "day": "1"})
    await rig.submit(name="a/two", queue="root.etl.tier1", tenant="ads", labels={"team": "ads", "day": "2"})
    ended = await rig.submit(name="b_/three", tenant="maps")
    await rig.client.post(f"/v1/jobs/{ended['id']}/cancel")
    await rig.running(name="c")
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({"state": "cancelled"}, ["b_/three"]),
        ({"state": ["cancelled", "submitted"]}, ["a/one", "a/two", "b_/three"]),
        ({"state": "cancelled,running"}, ["b_/three", "c"]),
        ({"queue": "root.etl"}, ["a/one"]),
        ({"tenant": "ads"}, ["a/one", "a/two"]),
        ({"owner": "local"}, ["a/one", "a/two", "b_/three", "c"]),
        ({"owner": "nobody"}, []),
        ({"cluster": "here", "state": "running"}, ["c"]),
        ({"name": "a/"}, ["a/one", "a/two"]),
        ({"name": ""}, ["a/one", "a/two", "b_/three", "c"]),
        ({"label": "team:ads"}, ["a/one", "a/two"]),
        ({"label": ["team:ads", "day:2"]}, ["a/two"]),
        ({"label": "team:maps"}, []),
        ({"created_after": "2020-01-01T00:00:00Z"}, ["a/one", "a/two", "b_/three", "c"]),
        ({"created_before": "2020-01-01T00:00:00+02:00"}, []),
        ({"tenant": "ads", "queue": "root.etl.tier1", "state": "submitted"}, ["a/two"]),
    ]
    for params, wanted in expected:
        assert await names(rig, **params) == wanted, params


async def test_a_name_filter_knows_no_wildcards(rig: Rig):
    await rig.submit(name="a_b")
    await rig.submit(name="axb")
    assert await names(rig, name="a_") == ["a_b"]


async def test_a_filtered_list_is_paged_as_well(rig: Rig):
    made = [(await rig.submit(tenant="ads" if number % 2 else "maps"))["id"] for number in range(8)]
    assert await walk(rig, tenant="ads", limit=3) == made[7::-2]


# --- cursors ------------------------------------------------------------------------------------------------


@pytest.fixture
async def cursor(rig: Rig) -> str:
    for _ in range(3):
        await rig.submit(tenant="ads")
    return (await page(rig, tenant="ads", limit=1))["next_cursor"]


async def refused(rig: Rig, **params: Any) -> None:
    answer = await rig.client.get("/v1/jobs", params=params)
    problem(answer, 400, "invalid-cursor")


async def test_a_cursor_with_any_byte_changed_is_refused(rig: Rig, cursor: str):
    for place, letter in enumerate(cursor):
        other = "A" if letter != "A" else "B"
        await refused(rig, tenant="ads", cursor=cursor[:place] + other + cursor[place + 1 :])


async def test_a_cursor_belongs_to_its_filters_and_its_order(rig: Rig, cursor: str):
    await refused(rig, cursor=cursor)
    await refused(rig, tenant="maps", cursor=cursor)
    await refused(rig, tenant="ads", state="queued", cursor=cursor)
    await refused(rig, tenant="ads", sort="longest", cursor=cursor)


async def test_a_cursor_may_change_the_size_of_its_page(rig: Rig, cursor: str):
    assert len((await page(rig, tenant="ads", limit=7, cursor=cursor))["items"]) == 2


async def test_a_cursor_of_another_secret_is_refused(rig: Rig, cursor: str):
    async with open_rig(rig.database, cursor_secret="another") as other:
        await refused(other, tenant="ads", cursor=cursor)


async def test_a_cursor_of_the_same_secret_is_read_by_every_process(rig: Rig, cursor: str):
    async with open_rig(rig.database) as other:
        assert len((await page(other, tenant="ads", cursor=cursor))["items"]) == 2


@pytest.mark.parametrize(
    "text", ["", "x", "!!!!", "ключ", "=" * 8, "A" * 500, "\0", "bnVsbA", "'; DROP TABLE jobs--", "a b"]
)
async def test_what_was_never_a_cursor_is_refused(shared: Rig, text: str):
    await refused(shared, cursor=text)


async def test_a_cursor_is_bounded(shared: Rig):
    answer = await shared.client.get("/v1/jobs", params={"cursor": "A" * 501})
    assert fields(problem(answer, 400, "invalid-parameter")) == ["cursor"]


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "9" * 19, "1 OR 1=1"])
async def test_a_cursor_of_events_is_a_number(shared: Rig, text: str):
    made = await shared.submit()
    answer = await shared.client.get(made["links"]["events"], params={"cursor": text})
    assert fields(problem(answer, 400, "invalid-parameter")) == ["cursor"]


def test_a_cursor_holds_no_more_than_its_position():
    cursor = Cursors("secret").write(Position("j1"), "scope")
    assert Cursors("secret").read(cursor, "scope") == Position("j1")
    assert "secret" not in cursor


# --- filters that can match nothing -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param("queue=' OR 1=1--", "queue", id="B191 SQL"),
        pytest.param("queue=root.*", "queue", id="B192 a wildcard"),
        pytest.param("sort=(select pg_sleep(5))", "sort", id="B193 SQL as order"),
        pytest.param("sort=", "sort", id="no order"),
        pytest.param("state=RUNNING'", "state", id="B194 a quote"),
        pytest.param("state=RUNNING", "state", id="upper case"),
        pytest.param("state=", "state", id="no state"),
        pytest.param("state=queued,", "state", id="a comma behind"),
        pytest.param("state=%00", "state", id="NUL"),
        pytest.param("state=queued&state=gone", "state", id="one of two"),
        pytest.param("q=_", "q", id="B196 unknown"),
        pytest.param("limit=-1", "limit", id="B197 below"),
        pytest.param("limit=0", "limit", id="B198 none"),
        pytest.param("limit=501", "limit", id="B198 above"),
        pytest.param("limit=99999999999999999999", "limit", id="B198 far above"),
        pytest.param("limit=abc", "limit", id="B199 no number"),
        pytest.param("limit=1e2", "limit", id="B199 an exponent"),
        pytest.param("limit=", "limit", id="B199 nothing"),
        pytest.param("tenant=*", "tenant", id="B200 a wildcard"),
        pytest.param("tenant=", "tenant", id="B200 nothing"),
        pytest.param("tenant=%25", "tenant", id="B201 LIKE"),
        pytest.param("tenant=a&tenant=b", "tenant", id="B202 repeated"),
        pytest.param("limit=1&limit=1", "limit", id="B202 repeated alike"),
        pytest.param("since=9999-99-99", "since", id="B203 unknown"),
        pytest.param("created_after=9999-99-99", "created_after", id="B203 no date"),
        pytest.param("created_after=2026-11-22T00:00:00", "created_after", id="no zone"),
        pytest.param("created_before=now", "created_before", id="a word"),
        pytest.param(
            "created_before=2026-11-22T00:00:00+00:00", "created_before", id="a plus that is a space"
        ),
        pytest.param("created_after=nan", "created_after", id="no number"),
        pytest.param("label=team", "label", id="no colon"),
        pytest.param("label=:x", "label", id="no key"),
        pytest.param("label=a:b:c", "label", id="two colons"),
        pytest.param("label=a:%00", "label", id="NUL in a label"),
        pytest.param("label=a:1&label=a:2", "label", id="two values of one label"),
        pytest.param("name=%25", "name", id="LIKE in the name"),
        pytest.param("name=<script>", "name", id="markup in the name"),
        pytest.param("name=" + "x" * 201, "name", id="a long name"),
        pytest.param("owner=a%00", "owner", id="NUL in the owner"),
        pytest.param("owner=%e2%80%ae", "owner", id="an invisible owner"),
        pytest.param("cluster=../x", "cluster", id="a path as cluster"),
        pytest.param("State=queued", "State", id="upper-case parameter"),
        pytest.param("state[]=queued", "state[]", id="brackets"),
        pytest.param("%00=x", "\0", id="NUL as parameter"),
        pytest.param("%ff=x", "\ufffd", id="no UTF-8 as parameter"),
        pytest.param("=x", "", id="a value without a name"),
        pytest.param("limit", "limit", id="a name without a value"),
        pytest.param("x" * 5000 + "=1", "x" * 200, id="a long name of a parameter"),
    ],
)
async def test_a_filter_that_can_match_nothing_is_refused_and_named(shared: Rig, query: str, field: str):
    answer = await shared.client.get(f"/v1/jobs?{query}")
    found = problem(answer, 400, "invalid-parameter")
    assert fields(found) == [field]


async def test_every_wrong_parameter_is_named_at_once(shared: Rig):
    unknown = problem(await shared.client.get("/v1/jobs?q=1&since=2&limit=1&limit=2"), 400)
    assert fields(unknown) == ["q", "since", "limit"]
    wrong = problem(await shared.client.get("/v1/jobs?limit=x&sort=y&created_after=z&tenant=*"), 400)
    assert sorted(fields(wrong)) == ["created_after", "limit", "sort", "tenant"]
    states = problem(await shared.client.get("/v1/jobs?state=x&state=y&label=z"), 400)
    assert fields(states) == ["label", "state", "state"]


async def test_an_unknown_parameter_is_answered_with_the_known_ones(shared: Rig):
    found = problem(await shared.client.get("/v1/jobs?stat=queued"), 400)
    assert found["errors"][0]["allowed"] == [
        "cluster",
        "created_after",
        "created_before",
        "cursor",
        "label",
        "limit",
        "name",
        "owner",
        "queue",
        "sort",
        "state",
        "tenant",
    ]


@pytest.mark.parametrize(
    "path", ["/v1/clusters", "/v1/queues", "/v1/jobs", "/v1/jobs:batch", "/v1/jobs:render"]
)
async def test_no_route_takes_a_parameter_that_it_does_not_know(shared: Rig, path: str):
    method = "POST" if ":" in path else "GET"
    answer = await shared.client.request(method, f"{path}?dry_run=1", content=b"{}")
    assert fields(problem(answer, 400, "invalid-parameter")) == ["dry_run"]
