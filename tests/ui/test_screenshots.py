"""The pictures in the documentation, taken from the demo, so that they cannot grow old.

Written only with MOKA_SCREENSHOTS=1: ``MOKA_SCREENSHOTS=1 pytest tests/ui/test_screenshots.py``.
"""

import os
import random
import re
from datetime import timedelta

import pytest
from playwright.async_api import expect

from tests.ui import seed
from tests.ui.conftest import ROOT
from tests.ui.fake_archer import Log

pytestmark = pytest.mark.browser

FOLDER = ROOT / "docs" / "screenshots"
FAILED = next(j for j in reversed(seed.demo()) if j.state == "failed" and j.reason == "executor_oom")
RETRIED = next(j for j in reversed(seed.demo()) if j.state == "running" and j.attempt == 2)
WIDE, NARROW = (1280, 800), (390, 844)
SHOTS = [
    pytest.param("explorer-light", "/", "light", WIDE, id="explorer light"),
    pytest.param("explorer-dark", "/", "dark", WIDE, id="explorer dark"),
    pytest.param("explorer-narrow", "/", "light", NARROW, id="explorer narrow"),
    pytest.param("job-light", f"/jobs/{FAILED.id}", "light", WIDE, id="job light"),
    pytest.param("job-dark", f"/jobs/{RETRIED.id}", "dark", WIDE, id="job dark"),
    pytest.param("job-narrow", f"/jobs/{FAILED.id}", "light", NARROW, id="job narrow"),
    pytest.param("log-dark", f"/jobs/{FAILED.id}?tab=log", "dark", WIDE, id="log dark"),
]


def driver_log() -> bytes:
    """A log much like Spark's."""
    dice = random.Random(5)
    lines = ["\x1b[1mStarting feature join\x1b[0m for \x1b[36mdt=2026-11-22\x1b[0m"]
    started = FAILED.attempts[-1]["started_at"]
    for task in range(400):
        second = (started + timedelta(seconds=task * 0.7)).strftime("%y/%m/%d %H:%M:%S")
        stage, host = 38 + task // 130, f"10.4.88.{dice.randint(11, 40)}"
        took = dice.randint(300, 9000)
        lines.append(
            f"{second} INFO TaskSetManager: Finished task {task % 130}.0 in stage {stage}.0"
            f" (TID {9000 + task}) in {took} ms on {host} (executor {dice.randint(1, 16)})"
        )
        if task % 37 == 20:
            lines.append(f"{second} WARN BlockManagerMasterEndpoint: No more replicas for rdd_91_{task}")
    lines += FAILED.attempts[-1]["evidence"].strip('[]"').replace('\\"', '"').split('", "')
    return "\n".join(lines).encode() + b"\n"


@pytest.mark.parametrize(("name", "address", "scheme", "size"), SHOTS)
async def test_a_picture(page, archer, name, address, scheme, size):
    archer.logs[FAILED.id] = Log(driver_log(), complete=True)
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    await page.emulate_media(color_scheme=scheme)
    await page.goto(address)
    await expect(page.locator("[data-state]").first).to_be_visible()
    await page.wait_for_load_state("networkidle")
    if "tab=log" in address:
        await page.get_by_label("Search the log").fill("executor 14")
        await expect(page.get_by_test_id("matches")).to_contain_text("1 of")
        await page.keyboard.press("Shift+Enter")  # the last one
        await expect(page.get_by_test_id("matches")).to_have_text(re.compile(r"^(\d+) of \1$"))
        await expect(page.locator("mark[data-current=true]")).to_be_in_viewport()
    picture = await page.screenshot(animations="disabled", caret="hide")
    assert len(picture) > 10_000
    if os.environ.get("MOKA_SCREENSHOTS") == "1":
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{name}.png").write_bytes(picture)
