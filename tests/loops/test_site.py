"""The clusters file changes while Archer runs: what changed is opened and closed, and nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from structlog.testing import capture_logs

from archer.clusters.port import Cluster
from archer.errors import ClusterUnavailable, StoreUnavailable
from archer.settings import ClusterEntry, load_inventory
from archer.site import files as module
from archer.site.files import SiteFiles
from archer.site.present import Site
from archer.site.tasks import each_cluster
from tests.waiting import eventually


class Opened:
    """A connection that tells whether it was closed."""

    def __init__(self, config: object) -> None:
        self.name, self.config = cast("tuple[str, object]", config)
        self.is_closed = False

    async def close(self) -> None:
        self.is_closed = True


class Rig:
    """A clusters file that a test writes, and every connection that was made for it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opened: list[Opened] = []
        self.refuses: Callable[[object], bool] = lambda _: False
        self.live: set[str] = set()
        self.write("a", "b")
        self.file = SiteFiles(
            load_inventory(path), configure=self.configure, open_cluster=self.open, path=path
        )

    @staticmethod
    def configure(entry: ClusterEntry) -> object:
        return (entry.name, entry.kubeconfig)

    def open(self, config: object) -> Cluster:
        if self.refuses(config):
            raise ClusterUnavailable("no such kubeconfig")
        self.opened.append(Opened(config))
        return cast("Cluster", self.opened[-1])

    async def holding(self, names: Collection[str]) -> set[str]:
        return self.live & set(names)

    def write(self, *names: str, **more: Any) -> None:
        """Put a file with these clusters in place, all at once. *more* is for the last of them."""
        clusters: list[dict[str, Any]] = [{"name": name, "adapter": "kubernetes"} for name in names]
        clusters[-1] |= more
        self.write_text(yaml.safe_dump({"clusters": clusters, "queues": [{"path": "root.default"}]}))

    def write_text(self, text: str) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self.path)

    @property
    def site(self) -> Site:
        return self.file.sites.current

    def configured(self) -> list[str]:
        return [profile.name for profile in self.site.profiles]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path / "clusters.yaml")
    yield rig
    await rig.file.close()
    assert all(one.is_closed for one in rig.opened)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for other processes and for calls under way waits no time."""
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.0)
    monkeypatch.setattr(module, "CLOSE_AFTER_SECONDS", 0.0)


async def test_the_same_content_in_other_words_changes_nothing(rig: Rig):
    before = rig.site
    rig.write_text("# a comment\n" + rig.path.read_text())
    await rig.file.look()
    assert rig.site is before
    assert len(rig.opened) == 2


async def test_a_new_cluster_is_opened_and_the_others_stay(rig: Rig):
    before = rig.site
    rig.write("a", "b", "c")
    await rig.file.look()
    assert rig.configured() == ["a", "b", "c"]
    assert [rig.site.clusters[name] for name in "ab"] == [before.clusters[name] for name in "ab"]
    assert len(rig.opened) == 3


async def test_a_changed_profile_keeps_the_connection(rig: Rig):
    before = rig.site
    rig.write("a", "b", weight=9)
    await rig.file.look()
    assert [profile.weight for profile in rig.site.profiles] == [1, 9]
    assert dict(rig.site.clusters) == dict(before.clusters)


@pytest.mark.usefixtures("at_once")
async def test_a_changed_connection_is_replaced_and_the_old_one_closed(rig: Rig):
    before = rig.site
    rig.write("a", "b", kubeconfig="/elsewhere")
    await rig.file.look()
    assert rig.site.clusters["a"] is before.clusters["a"]
    assert rig.site.clusters["b"] is not before.clusters["b"]
    _, old, new = rig.opened
    await eventually(lambda: _true(old.is_closed))
    assert not new.is_closed


async def test_a_replaced_connection_is_left_time_for_the_calls_under_way(rig: Rig):
    rig.write("a", "b", kubeconfig="/elsewhere")
    await rig.file.look()
    await asyncio.sleep(0)
    assert not rig.opened[1].is_closed


BROKEN = ["clusters: [", "", "clusters: []\nqueues: []\n", "\x00"]


@pytest.mark.parametrize("text", BROKEN)
async def test_a_wrong_content_keeps_the_last_good_one_and_is_told_once(rig: Rig, text: str):
    before = rig.site
    rig.write_text(text)
    with capture_logs() as logs:
        for _ in range(3):
            await rig.file.look()
    assert rig.site is before
    assert str(rig.path) in rig.file.sites.problem
    assert [line["log_level"] for line in logs] == ["warning"]
    rig.write("a", "b", "c")
    await rig.file.look()
    assert (rig.file.sites.problem, rig.configured()) == ("", ["a", "b", "c"])


async def test_each_wrong_content_is_told(rig: Rig):
    with capture_logs() as logs:
        for text in (*BROKEN, *BROKEN):
            rig.write_text(text)
            await rig.file.look()
    assert len(logs) == len(BROKEN)


async def test_a_file_that_is_away_keeps_the_last_good_one(rig: Rig):
    before = rig.site
    rig.path.unlink()
    with capture_logs() as logs:
        await rig.file.look()
        await rig.file.look()
    assert rig.site is before
    assert "No such file" in rig.file.sites.problem
    assert len(logs) == 1


async def test_a_file_that_is_right_again_as_it_was_is_no_problem_any_more(rig: Rig):
    before, text = rig.site, rig.path.read_text()
    rig.write_text("clusters: [")
    await rig.file.look()
    rig.write_text(text)
    await rig.file.look()
    assert (rig.site, rig.file.sites.problem) == (before, "")


async def test_a_cluster_that_cannot_be_opened_changes_nothing_and_is_tried_again(rig: Rig):
    before = rig.site
    rig.refuses = lambda config: cast("tuple[str, object]", config)[0] == "d"
    rig.write("a", "c", "d")
    with capture_logs() as logs:
        await rig.file.look()
        await rig.file.look()
    assert rig.site is before
    assert "no such kubeconfig" in rig.file.sites.problem
    assert len(logs) == 1
    opened_for_nothing = [one for one in rig.opened if one.name == "c"]
    assert len(opened_for_nothing) == 2
    await eventually(lambda: _true(all(one.is_closed for one in opened_for_nothing)))
    rig.refuses = lambda _: False
    await rig.file.look()
    assert rig.configured() == ["a", "c", "d"]


@pytest.mark.usefixtures("at_once")
async def test_a_removed_cluster_is_followed_until_it_holds_no_live_job(rig: Rig):
    rig.live = {"b"}
    kept = rig.site.clusters["b"]
    rig.write("a")
    with capture_logs() as logs:
        for _ in range(3):
            await rig.file.look()
            await rig.file.release(rig.holding)
    assert rig.configured() == ["a"]
    assert rig.site.clusters["b"] is kept
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == [
        "a cluster was removed: followed until its jobs have ended"
    ]
    rig.live = set()
    await rig.file.release(rig.holding)
    assert list(rig.site.clusters) == ["a"]
    await eventually(lambda: _true(rig.opened[1].is_closed))


async def test_a_removed_cluster_is_followed_while_others_may_know_the_old_file(rig: Rig):
    rig.write("a")
    await rig.file.look()
    await rig.file.release(rig.holding)
    assert set(rig.site.clusters) == {"a", "b"}


@pytest.mark.usefixtures("at_once")
async def test_a_removed_cluster_that_comes_back_is_the_same_connection(rig: Rig):
    kept = rig.site.clusters["b"]
    rig.write("a")
    await rig.file.look()
    rig.write("a", "b")
    await rig.file.look()
    await rig.file.release(rig.holding)
    assert (rig.site.clusters["b"], rig.configured()) == (kept, ["a", "b"])


@pytest.mark.usefixtures("at_once")
async def test_without_an_answer_about_live_jobs_nothing_is_let_go(rig: Rig):
    stop, asked = asyncio.Event(), 0

    async def away(_: Collection[str]) -> set[str]:
        nonlocal asked
        asked += 1
        raise StoreUnavailable("away")

    rig.write("a")
    running = asyncio.create_task(rig.file.run(away, every_seconds=0.001, stop=stop))
    await eventually(lambda: _true(asked > 1))
    assert set(rig.site.clusters) == {"a", "b"}
    stop.set()
    await running


@pytest.mark.usefixtures("at_once")
async def test_changes_are_found_without_being_told(rig: Rig):
    stop = asyncio.Event()
    running = asyncio.create_task(rig.file.run(rig.holding, every_seconds=0.001, stop=stop))
    rig.write("c")
    async with asyncio.timeout(10):
        site = await rig.file.sites.after(rig.site)
        while set(site.clusters) != {"c"}:
            site = await rig.file.sites.after(site)
    stop.set()
    await running


async def test_who_waits_for_changes_sees_the_last_of_several(rig: Rig):
    stop, seen = asyncio.Event(), list[Site]()

    async def wait() -> None:
        async for site in rig.file.sites.changes(before, stop=stop):
            seen[:] = [site]

    before = rig.site
    waiting = asyncio.create_task(wait())
    for names in (["c"], ["d"]):
        rig.write(*names)
        await rig.file.look()
    await eventually(lambda: _true(seen == [rig.site]))
    stop.set()
    await asyncio.wait_for(waiting, 10)


class Tasks:
    """A task for each cluster that tells when it begins and ends."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.breaks: set[str] = set()

    async def run(self, site: Site, name: str, ending: asyncio.Event) -> None:
        mark = f"{name}{cast('Opened', site.clusters[name]).config or ''}"
        self.told.append(f"+{mark}")
        if name in self.breaks:
            raise RuntimeError("broken")
        await ending.wait()
        self.told.append(f"-{mark}")


@asynccontextmanager
async def going(rig: Rig) -> AsyncIterator[Tasks]:
    tasks, stop = Tasks(), asyncio.Event()
    running = asyncio.create_task(each_cluster(rig.file.sites, tasks.run, stop=stop))
    await eventually(lambda: _true(len(tasks.told) == 2))
    yield tasks
    stop.set()
    await asyncio.wait_for(running, 10)


async def test_a_change_touches_the_task_of_its_cluster_alone(rig: Rig):
    async with going(rig) as tasks:
        rig.write("a", "b", kubeconfig="/k")
        await rig.file.look()
        await eventually(lambda: _true(len(tasks.told) == 4))
        assert sorted(tasks.told[2:]) == ["+b/k", "-b"]
        rig.write("a", "b", "c")
        await rig.file.look()
        await eventually(lambda: _true(len(tasks.told) == 7))
        assert sorted(tasks.told[4:]) == ["+b", "+c", "-b/k"]
    assert sorted(tasks.told[7:]) == ["-a", "-b", "-c"]


@pytest.mark.usefixtures("at_once")
async def test_the_task_of_a_removed_cluster_goes_on_until_it_is_let_go(rig: Rig):
    rig.live = {"b"}
    async with going(rig) as tasks:
        rig.write("a", weight=5)
        await rig.file.look()
        await rig.file.release(rig.holding)
        rig.write("a", "c")
        await rig.file.look()
        await eventually(lambda: _true(tasks.told[2:] == ["+c"]))
        rig.live = set()
        await rig.file.release(rig.holding)
        await eventually(lambda: _true(tasks.told[3:] == ["-b"]))


async def test_a_task_that_breaks_ends_them_all(rig: Rig):
    tasks, stop = Tasks(), asyncio.Event()
    tasks.breaks = {"b"}
    with pytest.raises(RuntimeError, match="broken"):
        await asyncio.wait_for(each_cluster(rig.file.sites, tasks.run, stop=stop), 10)
    assert sorted(tasks.told) == ["+a", "+b", "-a"]


async def _true(fact: object) -> bool:
    return bool(fact)
