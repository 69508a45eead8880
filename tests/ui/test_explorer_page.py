"""The list of jobs in a real browser."""

import re
from datetime import timedelta

import psycopg
import pytest
from playwright.async_api import Page, expect

from tests.ui import seed
from tests.ui.conftest import ending

pytestmark = pytest.mark.browser
ROWS = "[data-testid=job]"
NOT_READ = "\N{EN DASH}"


async def shown(page: Page) -> None:
    """Open the list, and wait until it listens."""
    await page.goto("/")
    await expect(page.locator(ROWS)).to_have_count(50)


async def names(page: Page) -> list[str]:
    return await page.locator(f"{ROWS} td[data-column=name]").all_inner_texts()


async def test_the_list_shows_the_newest_jobs_and_loads_more(page):
    await page.goto("/")
    await expect(page.locator(ROWS)).to_have_count(50)
    newest = sorted(seed.demo(), key=lambda job: job.id, reverse=True)
    assert await names(page) == [job.name for job in newest[:50]]
    await page.get_by_role("button", name="Load more").click()
    await expect(page.locator(ROWS)).to_have_count(100)
    assert await names(page) == [job.name for job in newest[:100]]


async def test_filters_stand_in_the_address_and_survive_a_reload(page):
    await page.goto("/")
    await page.get_by_role("navigation", name="Jobs by state").get_by_role("button", name="failed").click()
    await page.get_by_label("Name starts with").fill("ads_")
    await page.get_by_label("Name starts with").press("Enter")
    await page.get_by_text("Longest").click()
    await expect(page).to_have_url(ending("/?state=failed&since=24h&name=ads_&sort=longest"))
    jobs = [job for job in seed.demo() if job.state == "failed" and job.name.startswith("ads_")]
    expected = {job.id for job in jobs if job.created_at >= seed.NOW - timedelta(hours=24)}
    assert expected
    await expect(page.locator(ROWS)).to_have_count(len(expected))
    await page.reload()
    await expect(page.locator(ROWS)).to_have_count(len(expected))
    await expect(page.get_by_label("Name starts with")).to_have_value("ads_")
    await page.go_back()
    await expect(page.locator(ROWS)).to_have_count(50)


async def test_a_count_links_to_exactly_that_many_jobs(page):
    await page.goto("/")
    states = page.get_by_role("navigation", name="Jobs by state")
    for state in ("submitted", "failed", "cancelled"):
        chip = states.get_by_role("button", name=state)
        await expect(chip.locator("b")).not_to_have_text(NOT_READ)
        count = int(await chip.locator("b").inner_text())
        await chip.click()
        await expect(page.locator(ROWS)).to_have_count(count)
        assert set(await page.locator(f"{ROWS} td[data-column=state]").all_inner_texts()) == {state}
        await chip.click()
        await expect(page).to_have_url(ending("/"))


async def test_what_is_wrong_in_the_address_is_left_out_with_a_note(page):
    await page.goto("/?state=exploded,failed&since=ever&colour=red&owner=amara&label=x&sort=%00")
    note = page.get_by_test_id("dropped")
    for name in ("colour", "state", "since", "label", "sort"):
        await expect(note).to_contain_text(name)
    await expect(page).to_have_url(ending("/?state=failed&owner=amara"))
    await note.get_by_role("button", name="Dismiss").click()
    await expect(note).to_have_count(0)


async def test_a_new_job_shows_by_itself_and_not_while_paused(own_page, own_demo):
    page = own_page
    await page.goto("/")
    await expect(page.locator(ROWS)).to_have_count(50)

    def arrive(number: int, name: str) -> None:
        job = seed.Seeded(seed.new_id(seed.NOW, number), "queued", name=name, cluster=None, attempt=0)
        with psycopg.connect(own_demo.owner) as connection:
            seed.insert(connection, job)

    arrive(50_001, "came_while_looking")
    await expect(page.get_by_text("came_while_looking")).to_be_visible(timeout=15_000)
    await page.get_by_role("button", name="Live refresh").click()
    await expect(page.get_by_role("button", name="Live refresh")).to_have_text("Paused")
    arrive(50_002, "came_while_paused")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.get_by_role("button", name="Refresh", exact=True).click()
    await expect(page.get_by_text("came_while_paused")).to_be_visible()
    assert len([url for url in asked if "/api/jobs" in url]) == 1


async def test_any_id_pasted_into_the_search_lands_on_its_job(page):
    job = next(job for job in seed.demo() if job.state == "running")
    await shown(page)
    for name in (job.id, f"{job.id}-1", f"{job.id}-1-driver", job.attempts[-1]["spark_app_id"]):
        await page.keyboard.press("/")
        await page.keyboard.insert_text(name)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(ending(f"/jobs/{job.id}"))
        await shown(page)


async def test_a_word_in_the_search_is_the_start_of_a_name(page, watched):
    watched.expected.append("404")
    await shown(page)
    await page.keyboard.press("/")
    await page.keyboard.insert_text("spam_")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(ending("/?name=spam_"))
    await expect(page.locator(ROWS)).to_have_count(sum(j.name.startswith("spam_") for j in seed.demo()))


async def test_the_keyboard_alone_is_enough(page):
    await page.goto("/")
    await expect(page.locator(ROWS)).to_have_count(50)
    newest = sorted((job.id for job in seed.demo()), reverse=True)
    for key in ("j", "j", "j", "k"):
        await page.keyboard.press(key)
    await expect(page.locator(ROWS).nth(1).get_by_role("link")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(ending(newest[1]))
    await page.keyboard.press("g")
    await page.keyboard.press("j")
    await expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("g")
    await page.keyboard.press("q")
    await expect(page.get_by_role("heading", name="Queues")).to_be_visible()


async def test_dark_follows_the_system_and_can_be_chosen(page):
    await page.goto("/")
    html = page.locator("html")
    await expect(html).to_have_attribute("data-mantine-color-scheme", "light")
    await page.emulate_media(color_scheme="dark")
    await expect(html).to_have_attribute("data-mantine-color-scheme", "dark")
    await page.get_by_role("button", name="Theme").click()
    await page.get_by_role("menuitem", name="Light").click()
    await expect(html).to_have_attribute("data-mantine-color-scheme", "light")
    await page.reload()
    await expect(html).to_have_attribute("data-mantine-color-scheme", "light")


async def test_nothing_found_says_what_to_do(page):
    await page.goto("/?owner=nobody")
    await expect(page.get_by_test_id("empty")).to_contain_text("No job matches")
    await page.get_by_test_id("empty").get_by_role("button", name="Clear the filters").click()
    await expect(page.locator(ROWS)).to_have_count(50)


async def test_no_jobs_at_all_says_how_to_submit_one(own_page, own_demo):
    with own_demo.connect() as connection:
        connection.execute("TRUNCATE jobs CASCADE")
    await own_page.goto("/")
    await expect(own_page.get_by_test_id("empty")).to_contain_text("moka submit")


async def test_a_cluster_says_who_asked_for_its_state_and_how_old_its_watch_is(page):
    await page.goto("/clusters")
    row = page.get_by_role("row").filter(has_text="x86-usw2")
    for words in (
        "cordoned",
        "by amara",
        "2 h ago",
        "node upgrade",
        "of 500",
        "root.core.tier1, root.core.tier2",
    ):
        await expect(row).to_contain_text(words)
    await expect(row).to_contain_text(re.compile(r"watch is \d"))
    await expect(page.get_by_role("row").filter(has_text="arm-use1-a")).to_contain_text("all")


async def test_clusters_and_queues_link_to_their_jobs(page):
    await page.goto("/clusters")
    await page.get_by_role("link", name="x86-usw2").click()
    await expect(page).to_have_url(ending("/?cluster=x86-usw2"))
    await page.goto("/queues")
    await page.get_by_role("link", name="root.ml.training").click()
    await expect(page).to_have_url(ending("/?queue=root.ml.training"))
    await expect(page.locator(ROWS).first).to_be_visible()
