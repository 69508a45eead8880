"""Lists in pages: a version to watch from that misses nothing, and what becomes of a list that expires."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.kubernetes.connection import Answer, Ask
from archer.clusters.kubernetes.reflector import APPLICATIONS, Page, Reflector
from archer.errors import ClusterUnavailable
from archer.translate import names

EXPIRED = Answer(410, {}, json.dumps({"kind": "Status", "code": 410, "reason": "Expired"}).encode())


class Scripted:
    """Answers asks one after the other, and remembers their queries."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.queries: list[Mapping[str, str]] = []

    async def call(self, ask: Ask) -> Answer:
        self.queries.append(dict(ask.query or {}))
        return self._answers.pop(0)


def page(version: str, *found: str, following: str = "") -> Answer:
    items = [{"kind": names.KIND, "metadata": {"name": name}} for name in found]
    metadata = {"resourceVersion": version, "continue": following}
    return Answer(
        200, {}, json.dumps({"kind": "SparkApplicationList", "metadata": metadata, "items": items}).encode()
    )


async def read(connection: Scripted, *namespaces: str) -> list[tuple[list[str], str, bool]]:
    config = KubernetesConfig("c", namespaces=namespaces, page_size=2)
    given: Any = connection
    pages: list[Page] = [found async for found in Reflector(config, given, APPLICATIONS).pages()]
    return [([item.name for item in one.items], one.version, one.is_restart) for one in pages]


async def test_pages_follow_each_other_through_all_namespaces():
    connection = Scripted(page("9", "a", "b", following="more"), page("9", "c"), page("8", "d"))
    assert await read(connection, "one", "two") == [
        (["a", "b"], "9", False),
        (["c"], "9", False),
        (["d"], "8", False),  # what happened in the first namespace after 8 is told twice, and none is missed
    ]
    assert [query.get("continue") for query in connection.queries] == [None, "more", None]


async def test_an_older_version_stays_the_one_to_watch_from():
    pages = await read(Scripted(page("10"), page("12")), "one", "two")
    assert [version for _, version, _ in pages] == ["10", "10"]


async def test_a_list_that_expires_begins_anew_in_one_piece():
    connection = Scripted(page("9", "a", "b", following="more"), EXPIRED, page("15", "b", "c"), page("16"))
    assert await read(connection, "one", "two") == [
        (["a", "b"], "9", False),
        (["b", "c"], "15", True),
        ([], "15", False),
    ]
    assert [query.get("limit") for query in connection.queries] == ["2", "2", None, None]


async def test_a_list_that_expires_at_once_is_no_list():
    with pytest.raises(ClusterUnavailable):
        await read(Scripted(EXPIRED, EXPIRED), "one")
