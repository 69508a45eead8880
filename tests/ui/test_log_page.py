"""The driver log in a real browser, over a real server that speaks Archer's contract."""

import pytest
from playwright.async_api import expect

from tests.ui import seed
from tests.ui.conftest import ending
from tests.ui.fake_archer import Log

pytestmark = pytest.mark.browser

JOB = next(job for job in seed.demo() if job.state == "running")
ENDED = next(job for job in seed.demo() if job.state == "succeeded")
ROWS = "[role=log]"


def spark(number: int, level: str = "INFO", text: str = "") -> bytes:
    return b"26/11/22 06:00:%02d %s TaskSetManager: line %d %s\n" % (
        number % 60, level.encode(), number, text.encode(),
    )  # fmt: skip


async def is_at_end(page) -> bool:
    return await page.locator(ROWS).evaluate(
        "box => box.scrollHeight - box.scrollTop - box.clientHeight < 30"
    )


async def test_following_shows_what_comes_and_stops_when_people_scroll_up(page, archer):
    log = archer.logs[JOB.id] = Log(b"".join(spark(number) for number in range(1, 301)))
    await page.goto(f"/jobs/{JOB.id}?tab=log")
    await expect(page.get_by_test_id("log-status")).to_have_text("● live")
    await expect(page.get_by_text("line 300")).to_be_visible()
    log.data += spark(301, "WARN", "came later")
    await expect(page.get_by_text("line 301 came later")).to_be_visible()
    await page.locator(ROWS).hover()
    await page.mouse.wheel(0, -2500)
    await expect(page.get_by_label("Follow")).not_to_be_checked()
    log.data += b"".join(spark(number) for number in range(302, 402))
    await expect(page.get_by_role("status").filter(has_text="401 lines")).to_be_visible()
    assert not await is_at_end(page)
    await page.get_by_label("Follow").click()
    await expect(page.get_by_text("line 401")).to_be_visible()
    log.complete = True
    await expect(page.get_by_test_id("log-status")).to_have_text("complete")


async def test_search_goes_over_the_whole_log_and_not_only_what_is_drawn(page, archer):
    lines = [spark(number, text="needle" if number in (7, 2500, 4990) else "") for number in range(1, 5001)]
    archer.logs[ENDED.id] = Log(b"".join(lines), complete=True)
    await page.goto(f"/jobs/{ENDED.id}?tab=log")
    await expect(page.get_by_test_id("log-status")).to_have_text("complete")
    assert await page.locator(f"{ROWS} [data-index]").count() < 200
    await page.keyboard.press("/")
    await expect(page.get_by_label("Search the log")).to_be_focused()
    await page.keyboard.insert_text("NEEDLE".lower())
    counter = page.get_by_test_id("matches")
    await expect(counter).to_have_text("1 of 3")
    await expect(page.locator("mark[data-current=true]")).to_be_visible()
    for text, key in (
        ("2 of 3", "Enter"),
        ("3 of 3", "Enter"),
        ("1 of 3", "Enter"),
        ("3 of 3", "Shift+Enter"),
    ):
        await page.keyboard.press(key)
        await expect(counter).to_have_text(text)
    await expect(page.get_by_text("line 4990")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(counter).to_have_text("")
    await expect(page.get_by_label("Search the log")).to_have_value("")


async def test_levels_keep_the_lines_of_a_stack_trace(page, archer):
    data = (
        spark(1) + spark(2, "ERROR", "broke") + b"\tat Main.run(Main.scala:3)\n" + spark(3) + spark(4, "WARN")
    )
    archer.logs[ENDED.id] = Log(data, complete=True)
    await page.goto(f"/jobs/{ENDED.id}?tab=log")
    await page.get_by_role("combobox", name="Level").click()
    await page.get_by_role("option", name="Errors").click()
    await expect(page.get_by_role("status").filter(has_text="5 lines, 2 shown")).to_be_visible()
    await expect(page.get_by_text("Main.scala:3")).to_be_visible()
    await expect(page.get_by_text("line 3")).to_have_count(0)


async def test_a_link_to_a_line_opens_at_that_line(page, archer):
    archer.logs[ENDED.id] = Log(b"".join(spark(number) for number in range(1, 3001)), complete=True)
    await page.goto(f"/jobs/{ENDED.id}?tab=log#L1200")
    linked = page.locator("[data-linked=true]")
    await expect(linked).to_be_in_viewport()
    await expect(linked).to_contain_text("line 1200")
    await page.get_by_label("Link to line 1203", exact=True).click()
    await expect(page).to_have_url(ending("?tab=log#L1203"))
    await expect(linked).to_contain_text("line 1203")


async def test_colours_are_shown_and_nothing_else_in_a_line_does_anything(page, archer):
    data = (
        b"\x1b[31mred\x1b[0m <img src=x onerror=alert(1)> \x1b]8;;https://evil.example\x07link\x1b]8;;\x07\n"
        b"\x1b]0;title\x07plain \xe2\x80\xaereversed\xe2\x80\xac\n"
        b"[Stage 1:>  (0 + 4) / 8]\r[Stage 1:===>(8 + 0) / 8]\n"
        b"\xff\xfe\x00 not text\n"
    )
    archer.logs[ENDED.id] = Log(data, complete=True)
    await page.goto(f"/jobs/{ENDED.id}?tab=log")
    rows = page.locator(f"{ROWS} [data-index]")
    await expect(rows.nth(0)).to_contain_text("red <img src=x onerror=alert(1)> link")
    await expect(rows.nth(1)).to_contain_text("plain \\u{202E}reversed\\u{202C}")
    await expect(rows.nth(2)).not_to_contain_text("(0 + 4)")
    await expect(rows.nth(3)).to_contain_text("\\u{0000} not text")
    red, plain = rows.nth(0).locator("span span").first, rows.nth(1)
    assert await red.evaluate("e => getComputedStyle(e).color") != await plain.evaluate(
        "e => getComputedStyle(e).color"
    )
    assert await page.locator(f"{ROWS} img, {ROWS} a[href*=evil]").count() == 0


async def test_wrapped_lines_are_whole(page, archer):
    archer.logs[ENDED.id] = Log(b"x" * 4000 + b" end\nnext\n", complete=True)
    await page.goto(f"/jobs/{ENDED.id}?tab=log")
    await page.get_by_label("Wrap").click()
    box = page.locator(ROWS)
    await expect(page.locator(f"{ROWS} [data-index='0']")).to_have_css("white-space", "normal")
    assert await box.evaluate("box => box.scrollWidth <= box.clientWidth")
    first = await page.locator(f"{ROWS} [data-index='0']").bounding_box()
    await expect(page.get_by_text("next", exact=True)).to_be_visible()
    second = await page.locator(f"{ROWS} [data-index='1']").bounding_box()
    assert first is not None
    assert second is not None
    assert second["y"] >= first["y"] + first["height"] - 1
    await page.reload()
    await expect(page.get_by_label("Wrap")).to_be_checked()


async def test_a_log_that_is_not_there_yet_shows_once_it_is(page, archer, watched):
    watched.expected.append("404")
    await page.goto(f"/jobs/{JOB.id}?tab=log")
    await expect(page.get_by_test_id("empty")).to_contain_text("It begins when the driver starts")
    archer.logs[JOB.id] = Log(spark(1, text="first words"))
    await expect(page.get_by_text("first words")).to_be_visible()


async def test_the_whole_log_can_be_downloaded(page, archer):
    whole = b"".join(spark(number) for number in range(1, 40_001))
    archer.logs[ENDED.id] = Log(whole, complete=True)
    await page.goto(f"/jobs/{ENDED.id}?tab=log")
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Download").click()
    download = await started.value
    assert download.suggested_filename == f"{ENDED.id}-1-driver.log"
    with open(await download.path(), "rb") as file:  # noqa: ASYNC230, PTH123
        assert file.read() == whole
