"""Lists and watches the applications of a set of namespaces.

The version that a watch gives is one to go on from in every namespace: the oldest of those that its streams
have come to. Some changes are then told twice; none is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Final

import aiohttp

from archer.clusters.kubernetes import decoding
from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.kubernetes.connection import Answer, Ask, Connection
from archer.clusters.kubernetes.lines import Lines
from archer.clusters.kubernetes.paths import applications_path
from archer.clusters.port import Change, Listing
from archer.errors import ClusterUnavailable, WatchExpired
from archer.translate import names
from archer.translate.observe import Application

MAX_WAITING: Final = 1000  # changes of all streams; what reads them is never far behind


class Reflector:
    """Reads one cluster's applications."""

    def __init__(self, config: KubernetesConfig, connection: Connection) -> None:
        self._config = config
        self._connection = connection
        # None stands for all namespaces, in one stream
        self._namespaces: tuple[str | None, ...] = config.namespaces or (None,)

    async def list(self) -> Listing:
        """Read all applications that carry a job id, as of now: a list may prove absence."""
        found: list[Application] = []
        versions: list[str] = []
        for namespace in self._namespaces:
            applications, version = await self._list_one(namespace)
            found += applications
            versions.append(version)
        return Listing(found, min(versions, key=int))

    async def watch(self, resource_version: str) -> AsyncGenerator[Change, None]:
        """Follow changes after *resource_version* in all namespaces."""
        # The API server reads "" and "0" as "from anywhere", which would leave a gap unnoticed.
        if not resource_version.isdecimal() or int(resource_version) == 0:
            raise WatchExpired(f"{self._config.name}: {resource_version!r} is no version of a list")
        if len(self._namespaces) == 1:
            async with contextlib.aclosing(self._stream(self._namespaces[0], resource_version)) as stream:
                async for change in stream:
                    yield change
            return
        async with contextlib.aclosing(self._merged(resource_version)) as merged:
            async for change in merged:
                yield change

    async def _list_one(self, namespace: str | None) -> tuple[list[Application], str]:
        limit = self._config.page_size
        try:
            return await self._pages(namespace, limit)
        except WatchExpired:  # it went on too long for its first page; source: client-go's pager
            try:
                return await self._pages(namespace, 0)
            except WatchExpired as error:
                raise ClusterUnavailable(f"{self._config.name}: a list that expires at once") from error

    async def _pages(self, namespace: str | None, limit: int) -> tuple[list[Application], str]:
        query = {"labelSelector": names.JOB_ID} | ({"limit": str(limit)} if limit else {})
        path = applications_path(namespace)
        found: list[Application] = []
        while True:
            ask = Ask("GET", path, query, seconds=self._config.list_timeout_seconds)
            answer = await self._connection.call(ask)
            if not answer.is_success:
                raise answer.failure("watch", cluster=self._config.name)
            applications, metadata = decoding.page(answer.body, cluster=self._config.name)
            found += applications
            if not metadata.continue_:
                return found, metadata.resource_version
            query["continue"] = metadata.continue_
            await asyncio.sleep(0)  # a long list leaves the loop to others between pages

    async def _stream(self, namespace: str | None, version: str) -> AsyncGenerator[Change, None]:
        """Follow one namespace until the API server closes the stream; open it again after a silence.

        A quiet API server sends no bookmarks as long as nothing has changed since the list. That it takes
        the version again says as much as a bookmark.
        """
        has_been_silent = False
        while True:
            try:
                opened = self._opened(namespace, version, has_been_silent=has_been_silent)
                async with contextlib.aclosing(opened):
                    async for change in opened:
                        version = change.resource_version
                        yield change
            except _Silence:
                has_been_silent = True
                continue
            return

    async def _opened(
        self, namespace: str | None, version: str, *, has_been_silent: bool
    ) -> AsyncGenerator[Change, None]:
        config = self._config
        query = {
            "watch": "1",
            "labelSelector": names.JOB_ID,
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": f"{random.uniform(*config.watch_seconds):.0f}",  # noqa: S311  (jitter)
        }
        lines = Lines()
        ask = Ask("GET", applications_path(namespace), query)
        stream = self._connection.stream(ask, silence_seconds=config.silence_seconds)
        async with stream as response:
            if response.status != 200:
                raise (await Answer.refused(response)).failure("watch", cluster=config.name)
            if has_been_silent:
                yield Change("bookmark", version, None)
            while chunk := await _next(response):
                for line in lines.feed(chunk):
                    yield decoding.change(line, cluster=config.name)
        if not lines.is_between:
            raise ClusterUnavailable(f"{config.name}: the stream broke within an event")

    async def _merged(self, version: str) -> AsyncGenerator[Change, None]:
        """Follow several namespaces; ends or breaks when the first of their streams does."""
        waiting: asyncio.Queue[tuple[str | None, Change] | Exception | None]
        waiting = asyncio.Queue(maxsize=MAX_WAITING)

        async def read(namespace: str | None) -> None:
            try:
                async with contextlib.aclosing(self._stream(namespace, version)) as stream:
                    async for change in stream:
                        await waiting.put((namespace, change))
            except Exception as error:  # whatever it is, the reader of the queue raises it
                await waiting.put(error)
            else:
                await waiting.put(None)

        reached = dict.fromkeys(self._namespaces, int(version))
        readers = [asyncio.create_task(read(namespace)) for namespace in self._namespaces]
        try:
            while (item := await waiting.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                namespace, change = item
                reached[namespace] = int(change.resource_version)
                yield replace(change, resource_version=str(min(reached.values())))
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)


class _Silence(Exception):
    """A stream said nothing for too long; nobody knows whether there was nothing to say."""


async def _next(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.content.readany()
    except TimeoutError as error:
        raise _Silence from error
