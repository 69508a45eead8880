"""The page of one job in a real browser."""

import json
from datetime import timedelta

import psycopg
import pytest
from playwright.async_api import expect

from tests.ui import seed
from tests.ui.conftest import ending
from tests.ui.fake_archer import Log

pytestmark = pytest.mark.browser


def failed(reason: str) -> seed.Seeded:
    return next(job for job in seed.demo() if job.state == "failed" and job.reason == reason)


async def test_a_failure_says_why_and_whose_fault_it_is_and_shows_it(page, archer):
    job = failed("user_code")
    archer.logs[job.id] = Log(b"Traceback\n", complete=True)
    await page.goto(f"/jobs/{job.id}")
    headline = page.get_by_test_id("headline")
    await expect(headline.get_by_role("heading")).to_have_text("The job's own code raised an error")
    await expect(headline).to_contain_text("in the job itself")
    await expect(headline).to_contain_text("campaing_id")
    await expect(headline).to_contain_text("exit code was 1")
    await headline.get_by_role("link", name="Open the driver log").click()
    await expect(page).to_have_url(ending("?tab=log"))


async def test_a_running_job_ends_before_ones_eyes(own_page, own_demo):
    job = next(job for job in seed.demo() if job.state == "running")
    await own_page.goto(f"/jobs/{job.id}")
    await expect(own_page.get_by_text("Running on")).to_be_visible()
    with psycopg.connect(own_demo.owner) as connection:
        connection.execute(
            "UPDATE jobs SET state = 'succeeded', ended_at = %s, version = version + 1 WHERE id = %s",
            (seed.NOW, job.id),
        )
        connection.execute("UPDATE attempts SET ended_at = %s WHERE job_id = %s", (seed.NOW, job.id))
    await expect(own_page.get_by_text("Finished on")).to_be_visible(timeout=15_000)
    await expect(own_page.locator("li[data-end=succeeded]")).to_be_visible()


async def test_tabs_stand_in_the_address(page):
    job = failed("node_lost")
    await page.goto(f"/jobs/{job.id}")
    for tab, shows in (("Attempts", "Placement"), ("Events", "State after it"), ("Manifest", "apiVersion")):
        await page.get_by_role("navigation", name="Parts").get_by_role("link", name=tab).click()
        await expect(page).to_have_url(ending(f"?tab={tab.lower()}"))
        await expect(page.get_by_text(shows).first).to_be_visible()
        await page.reload()
        await expect(page.get_by_text(shows).first).to_be_visible()


async def test_attempts_show_where_they_were_placed_and_who_was_rejected(page):
    job = next(job for job in seed.demo() if job.attempt == 2 and job.cluster == "arm-use1-a")
    await page.goto(f"/jobs/{job.id}?tab=attempts")
    second = page.get_by_role("region", name="Attempt 2")
    await expect(second.get_by_role("row", name="arm-use1-a")).to_contain_text("chosen")
    await expect(second.get_by_role("row", name="x86-usw2")).to_contain_text("cordoned")
    first = page.get_by_role("region", name="Attempt 1")
    await expect(first).to_contain_text("The node went away")


async def test_the_manifest_is_copied_in_the_notation_that_is_shown(page):
    job = failed("node_lost")
    await page.goto(f"/jobs/{job.id}?tab=manifest")
    await page.get_by_text("JSON", exact=True).click()
    await page.get_by_role("button", name="Copy the manifest").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = json.loads(await page.evaluate("navigator.clipboard.readText()"))
    assert copied["metadata"]["name"] == f"{job.id}-{job.attempt}"


async def test_the_manifest_tells_which_layer_set_each_line(page):
    job = failed("node_lost")
    await page.goto(f"/jobs/{job.id}?tab=manifest")
    await page.get_by_text("Layers", exact=True).click()
    row = page.get_by_role("row", name="spec.sparkConf[spark.ui.port]")
    await expect(row).to_contain_text("4040")
    await expect(row).to_contain_text("4041 (Platform default)")
    await expect(page.get_by_role("row", name="spec.driver.cores")).to_contain_text("Request")


async def test_commands_can_be_copied_and_only_a_live_job_can_be_cancelled(page):
    running = next(job for job in seed.demo() if job.state == "running")
    await page.goto(f"/jobs/{running.id}")
    await page.get_by_role("button", name="Copy as").click()
    await page.get_by_role("menuitem", name=f"moka cancel {running.id}").click()
    assert await page.evaluate("navigator.clipboard.readText()") == f"moka cancel {running.id}"
    await expect(page.get_by_role("menuitem", name="curl")).to_contain_text(f"/v1/jobs/{running.id}'")
    await page.goto(f"/jobs/{failed('node_lost').id}")
    await page.get_by_role("button", name="Copy as").click()
    await expect(page.get_by_role("menuitem", name="moka get")).to_be_visible()
    await expect(page.get_by_role("menuitem", name="moka cancel")).to_have_count(0)


async def test_an_unknown_job_is_said_to_be_unknown(page, watched):
    watched.expected.append("404")
    await page.goto("/jobs/j7zzzzzzzzzzzzzzzzzzzzzzzzzz")
    await expect(page.get_by_test_id("failure")).to_contain_text("There is no job of this id")


async def test_every_state_has_a_page(own_page, own_demo):
    with own_demo.connect() as connection:
        asked = seed.NOW - timedelta(seconds=3)
        connection.execute(
            "UPDATE jobs SET state = 'cancelling', cancel_requested_at = %s WHERE id ="
            " (SELECT id FROM jobs WHERE state = 'running' LIMIT 1)",
            (asked,),
        )
        rows = connection.execute(
            "SELECT DISTINCT ON (state) state, id FROM jobs ORDER BY state, id"
        ).fetchall()
    assert len(rows) == 8
    for state, job in rows:
        for tab in ("", "?tab=attempts", "?tab=manifest"):
            await own_page.goto(f"/jobs/{job}{tab}")
            await expect(own_page.locator(f"header [data-state={state}]").first).to_be_visible()
        await expect(own_page.get_by_test_id("failure")).to_have_count(0)


async def test_what_a_job_waits_for_stands_on_its_page_as_long_as_it_waits(own_page, own_demo):
    job = next(job for job in seed.demo() if job.state == "submitted")
    say = "UPDATE jobs SET waiting = %s, version = version + 1 WHERE id = %s"
    with psycopg.connect(own_demo.owner) as connection:
        connection.execute(say, ("the image <b>spark:9</b> cannot be pulled", job.id))
    await own_page.goto(f"/jobs/{job.id}")
    await expect(own_page.get_by_test_id("waiting")).to_have_text("the image <b>spark:9</b> cannot be pulled")
    with psycopg.connect(own_demo.owner) as connection:
        connection.execute(say, (None, job.id))
    await expect(own_page.get_by_test_id("waiting")).to_have_count(0, timeout=15_000)
