"""A migrated and seeded database, the application over it, and a browser."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psycopg
import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect
from psycopg import sql

from moka_ui.app import create_app
from moka_ui.read import Reader
from moka_ui.settings import Settings
from tests.conftest import Server
from tests.ui import seed
from tests.ui.fake_archer import FakeArcher
from tests.ui.served import served

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "moka_ui" / "static"
LOGIN = "moka_ui_test"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
]
COPY = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
numbers = itertools.count()
expect.set_options(timeout=8_000)


@dataclass(frozen=True)
class Demo:
    """A database of the test's own: as its owner, and as Moka UI sees it."""

    owner: str
    reader: str

    def connect(self) -> psycopg.Connection:
        """Connect as the owner; each statement is its own transaction."""
        return psycopg.connect(self.owner, autocommit=True)


@pytest.fixture(scope="session")
def demo_template(postgres: Server, template: str) -> str:
    """Name of a migrated database that holds the demo; tests copy it."""
    name = f"{template}_ui"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as server:
        server.execute(COPY.format(sql.Identifier(name), sql.Identifier(template)))
        server.execute(f"DROP ROLE IF EXISTS {LOGIN}")
        server.execute(f"CREATE ROLE {LOGIN} LOGIN IN ROLE moka_ui_ro")
    with psycopg.connect(postgres.dsn(name)) as connection:
        seed.insert_demo(connection)
    with psycopg.connect(postgres.dsn(name), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return name


@contextmanager
def copied(postgres: Server, demo_template: str) -> Iterator[Demo]:
    """A copy of the demo, dropped afterwards."""
    name = f"{demo_template}_{next(numbers)}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as server:
        server.execute(COPY.format(sql.Identifier(name), sql.Identifier(demo_template)))
    yield Demo(postgres.dsn(name), postgres.dsn(name, user=LOGIN))
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def demo(postgres: Server, demo_template: str) -> Iterator[Demo]:
    """The demo, shared by the tests that only read."""
    with copied(postgres, demo_template) as demo:
        yield demo


@pytest.fixture
def own_demo(postgres: Server, demo_template: str) -> Iterator[Demo]:
    """A copy of the demo that the test may change."""
    with copied(postgres, demo_template) as demo:
        yield demo


@asynccontextmanager
async def asking(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Ask *app* without a network, and close what it opened."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
    await app.state.archer.aclose()
    if isinstance(app.state.reader, Reader):
        await app.state.reader.close()


@pytest.fixture
async def client(demo: Demo) -> AsyncIterator[httpx2.AsyncClient]:
    """Moka UI over the shared demo."""
    async with asking(create_app(Settings(database=demo.reader), clock=lambda: seed.NOW)) as client:
        yield client


@pytest.fixture
async def own_client(own_demo: Demo) -> AsyncIterator[httpx2.AsyncClient]:
    """Moka UI over the test's own demo."""
    async with asking(create_app(Settings(database=own_demo.reader), clock=lambda: seed.NOW)) as client:
        yield client


@pytest.fixture
def archer() -> FakeArcher:
    """What Archer would say; the test fills in the logs."""
    return FakeArcher()


@pytest.fixture
def archer_url(archer: FakeArcher) -> Iterator[str]:
    """Address of the fake Archer."""
    with served(archer.app()) as url:
        yield url


@contextmanager
def site_over(demo: Demo, archer_url: str) -> Iterator[str]:
    """Moka UI on a real port, with the built page, at the time of the demo."""
    settings = Settings(database=demo.reader, archer_url=archer_url, static_dir=STATIC)
    with served(create_app(settings, clock=lambda: seed.NOW)) as url:
        yield url


@pytest.fixture
def site(demo: Demo, archer_url: str) -> Iterator[str]:
    """Address of Moka UI over the shared demo."""
    with site_over(demo, archer_url) as url:
        yield url


@pytest.fixture
def own_site(own_demo: Demo, archer_url: str) -> Iterator[str]:
    """Address of Moka UI over the test's own demo."""
    with site_over(own_demo, archer_url) as url:
        yield url


@dataclass
class Watched:
    """What a page complained about."""

    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        """Note an error or a warning of the console."""
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def unexpected(self) -> list[str]:
        """Complaints that the test did not provoke."""
        return [text for text in self.complaints if not any(part in text for part in self.expected)]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium on this machine")
    if not (STATIC / "index.html").exists():
        pytest.fail(
            "the page is not built: npm ci --prefix moka_ui/web && npm run build --prefix moka_ui/web"
        )
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield chromium
        await chromium.close()


@pytest.fixture
def watched() -> Watched:
    """Complaints of the test's pages; the test names those it expects."""
    return Watched()


def ending(text: str) -> re.Pattern[str]:
    """A pattern for addresses that end so."""
    return re.compile(re.escape(text) + "$")


@asynccontextmanager
async def opened(browser: Browser, site: str, watched: Watched) -> AsyncIterator[Page]:
    """A page of a browser of its own, at the time of the demo, whose console is watched."""
    context = await browser.new_context(
        base_url=site,
        viewport={"width": 1280, "height": 800},
        locale="en-GB",
        timezone_id="UTC",
        color_scheme="light",
        reduced_motion="reduce",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(15_000)
    await context.clock.set_fixed_time(seed.NOW)
    page = await context.new_page()
    page.on("console", watched.console)
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    yield page
    await context.close()
    assert watched.unexpected() == []


@pytest.fixture
async def page(browser: Browser, site: str, watched: Watched) -> AsyncIterator[Page]:
    """A page over the shared demo."""
    async with opened(browser, site, watched) as page:
        yield page


@pytest.fixture
async def own_page(browser: Browser, own_site: str, watched: Watched) -> AsyncIterator[Page]:
    """A page over the test's own demo."""
    async with opened(browser, own_site, watched) as page:
        yield page
