"""What is said when Postgres or Archer does not answer, and what a mistake of ours looks like."""

import pytest

from moka_ui.app import create_app
from moka_ui.settings import Settings
from tests.ui.conftest import asking

READS = ["/api/jobs", "/api/jobs?sort=longest", "/api/counts", "/api/clusters", "/api/queues", "/readyz",
         "/api/jobs/j01m80x9w8ce0c83101gg0r80c4", "/api/search?q=spark-1"]  # fmt: skip


@pytest.mark.parametrize("address", READS)
async def test_without_postgres_the_answer_is_503(tmp_path, address):
    app = create_app(Settings(database=f"postgresql://nobody@/none?host={tmp_path}"))
    async with asking(app) as client:
        answer = await client.get(address)
        assert (answer.status_code, answer.json()["type"].split("#")[1]) == (503, "store-unavailable")
        assert answer.headers["retry-after"] == "5"
        assert (await client.get("/livez")).text == "ok\n"


async def test_a_database_that_comes_back_is_used_again(own_client, own_demo):
    assert (await own_client.get("/api/jobs")).status_code == 200
    with own_demo.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'moka-ui'"
            " AND datname = current_database()"
        )
    assert (await own_client.get("/api/jobs")).status_code == 200


async def test_a_query_that_takes_too_long_is_given_up(own_demo):
    app = create_app(Settings(database=own_demo.reader, statement_timeout_seconds=0.3))
    with own_demo.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        async with asking(app) as client:
            assert (await client.get("/api/jobs")).status_code == 503


async def test_a_mistake_of_ours_is_a_problem_and_tells_nothing(demo, caplog):
    class Broken:
        async def jobs(self, *_):
            raise ZeroDivisionError("secret")

    app = create_app(Settings(database=demo.reader), reader=Broken())  # pyright: ignore[reportArgumentType]
    async with asking(app) as client:
        answer = await client.get("/api/jobs")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "content-security-policy" in answer.headers
    assert "ZeroDivisionError" in caplog.text


async def test_unknown_addresses_of_the_api_are_problems(client):
    for address in ("/api", "/api/", "/api/nothing", "/assets/none.js"):
        answer = await client.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_page_that_is_not_built_says_how_to_build_it(demo, tmp_path):
    app = create_app(Settings(database=demo.reader, static_dir=tmp_path))
    async with asking(app) as client:
        answer = await client.get("/jobs/x")
    assert answer.status_code == 503
    assert "npm run build --prefix moka_ui/web" in answer.text


async def test_files_with_a_hash_are_kept_and_pages_are_asked_for_again(demo, tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-AbC.js").write_text("1;" * 2000)
    (tmp_path / "index.html").write_text("<!doctype html>page")
    (tmp_path.parent / "secret.txt").write_text("secret")
    app = create_app(Settings(database=demo.reader, static_dir=tmp_path))
    async with asking(app) as client:
        script = await client.get("/assets/index-AbC.js")
        assert "immutable" in script.headers["cache-control"]
        assert script.headers["content-type"].startswith("text/javascript")
        assert script.headers["content-encoding"] == "gzip"
        assert script.text == "1;" * 2000
        for address in ("/", "/jobs/j1", "/clusters", "/%2e%2e/secret.txt", "/..%2fsecret.txt"):
            answer = await client.get(address)
            assert (answer.text, answer.headers["cache-control"]) == ("<!doctype html>page", "no-cache")
