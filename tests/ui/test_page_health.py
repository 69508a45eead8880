"""What holds for every page: nothing to complain of, room on a phone, text that stays text."""

import json

import pytest
from playwright.async_api import expect

from tests.ui import seed
from tests.ui.fake_archer import Log

pytestmark = pytest.mark.browser

JOB = next(job for job in seed.demo() if job.state == "failed" and job.attempt == 2)
PAGES = ["/", "/?state=failed&sort=longest", "/clusters", "/queues", f"/jobs/{JOB.id}", "/nowhere"]
PAGES += [f"/jobs/{JOB.id}?tab={tab}" for tab in ("attempts", "events", "log", "manifest")]
CONTRAST = """
() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => {
    const part = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((c) => part(c / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const box = element.getBoundingClientRect();
    if (!text || box.width < 2 || element.closest("svg, noscript, [disabled], [data-disabled]")) continue;
    const style = getComputedStyle(element);
    if (style.visibility === "hidden" || style.color.startsWith("color(")) continue;
    const [a, b] = [luminance(parse(style.color)), luminance(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const what = `${element.className} ${element.textContent.slice(0, 40)}`;
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${what}`);
  }
  return poor;
}
"""


def with_log(archer) -> None:
    archer.logs[JOB.id] = Log(
        b"26/11/22 06:00:01 INFO Main: started\n26/11/22 06:00:02 WARN Main: odd\n", complete=True
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_readable_and_complains_of_nothing(page, archer, scheme):
    with_log(archer)
    await page.emulate_media(color_scheme=scheme)
    for address in PAGES:
        await page.goto(address)
        await page.wait_for_load_state("networkidle")
        assert await page.evaluate(CONTRAST) == [], address
        assert await page.locator("h1, h2").count() > 0, address


async def test_a_phone_needs_no_sideways_scrolling(page, archer):
    with_log(archer)
    await page.set_viewport_size({"width": 390, "height": 844})
    for address in PAGES:
        await page.goto(address)
        await page.wait_for_load_state("networkidle")
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, address
    await page.goto("/")
    await expect(page.get_by_test_id("job")).to_have_count(50)
    assert await page.locator("table").count() == 0
    await page.get_by_role("button", name="Filters").click()
    await expect(page.get_by_label("Owner")).to_be_visible()


PAYLOADS = [
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "\"><svg/onload=window.hacked=1>",
    "{{constructor.constructor('window.hacked=1')()}}",
    "javascript:window.hacked=1",
    "safe\u202egnp.exe",
    "zero\u200bwidth\u2066hidden\u2069",
    "bell\x07and\x1b[31mred",
]  # fmt: skip


async def test_text_of_strangers_stays_text(own_page, own_demo, archer):
    page = own_page
    with own_demo.connect() as connection:
        for number, payload in enumerate(PAYLOADS):
            job = seed.Seeded(seed.new_id(seed.NOW, 60_000 + number), "failed", name=payload, owner=payload)
            job.labels, job.correlation_id, job.queue = {payload: payload}, payload, payload
            job.reason, job.fault = "user_code", "user"
            job.started_at = job.ended_at = seed.NOW
            words = {
                "reason": "user_code",
                "fault": "user",
                "message": payload,
                "evidence": json.dumps([payload]),
            }
            job.attempts = [seed.attempt(job, 1, seed.NOW, ended_at=seed.NOW, **words)]
            job.events = [(seed.NOW, 1, payload, "failed", payload)]
            seed.insert(connection, job)
            archer.logs[job.id] = Log(payload.encode() + b"\n", complete=True)
    await page.goto("/")
    await expect(page.get_by_test_id("job").first).to_contain_text("bell\\u{0007}and\\u{001B}[31mred")
    listed = await page.locator("[data-testid=job] td[data-column=name]").all_inner_texts()
    assert listed[2] == "safe\\u{202E}gnp.exe"
    assert listed[1] == "zero\\u{200B}width\\u{2066}hidden\\u{2069}"
    tabs = ["", "?tab=attempts", "?tab=events", "?tab=log", "?tab=manifest"]
    visits = [(number, tab) for number in range(len(PAYLOADS)) for tab in {"", tabs[number % len(tabs)]}]
    for number, tab in visits:
        await page.goto(f"/jobs/{seed.new_id(seed.NOW, 60_000 + number)}{tab}")
        await page.wait_for_load_state("networkidle")
        assert await page.evaluate("window.hacked") is None
        assert await page.locator("main a[href^='javascript:'], main img, main script").count() == 0


async def test_when_the_database_goes_away_old_data_stay_with_a_note(own_page, own_demo, watched):
    watched.expected.append("503")
    page = own_page
    await page.goto("/")
    await expect(page.get_by_test_id("job")).to_have_count(50)
    with own_demo.connect() as connection:
        name = connection.info.dbname
        connection.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'moka-ui' AND datname = current_database()"
        )
    await expect(page.get_by_test_id("stale")).to_contain_text("The database does not answer", timeout=20_000)
    await expect(page.get_by_test_id("job")).to_have_count(50)
    await page.reload()
    await expect(page.get_by_test_id("failure")).to_be_visible(timeout=20_000)
    with own_demo.connect() as connection:
        connection.execute(f"GRANT CONNECT ON DATABASE {name} TO PUBLIC")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_test_id("job")).to_have_count(50)
