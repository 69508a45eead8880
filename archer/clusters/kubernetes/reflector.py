"""Lists and watches one kind of object, applications or driver pods, in a set of namespaces.

The version that a watch gives is one to go on from in every namespace: the oldest of those that its streams
have come to. Some changes are then told twice; none is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

import aiohttp

from archer.clusters.kubernetes import decoding
from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.kubernetes.connection import Answer, Ask, Connection
from archer.clusters.kubernetes.lines import Lines
from archer.clusters.kubernetes.paths import applications_path, pods_path
from archer.clusters.port import Change, DriverChange, DriverEvidence
from archer.errors import ClusterUnavailable, WatchExpired
from archer.translate import names
from archer.translate.observe import Application

MAX_WAITING: Final = 1000  # changes of all streams; what reads them is never far behind

T = TypeVar("T")
C = TypeVar("C", Change, DriverChange)
C_co = TypeVar("C_co", Change, DriverChange, covariant=True)


class ReadPage(Protocol[T]):
    """Reads a page of a list."""

    def __call__(self, body: bytes, *, cluster: str) -> tuple[list[T], decoding.ListMetadata]:
        """Objects of the page, and where the next one begins."""
        ...


class ReadChange(Protocol[C_co]):
    """Reads a line of a watch."""

    def __call__(self, line: bytes, *, cluster: str) -> C_co:
        """The change that it tells of."""
        ...


@dataclass(frozen=True)
class Kind(Generic[T, C]):
    """What is listed and watched: where it is found, and how it is read."""

    path: Callable[[str | None], str]
    selector: str
    page: ReadPage[T]
    change: ReadChange[C]
    bookmark: Callable[[str], C]


class Page(NamedTuple, Generic[T]):
    """A part of a list, and the version to watch from; *is_restart* takes earlier parts back."""

    items: list[T]
    version: str
    is_restart: bool


APPLICATIONS: Final = Kind[Application, Change](
    applications_path,
    names.JOB_ID,
    decoding.page,
    decoding.change,
    lambda version: Change("bookmark", version, None),
)
DRIVERS: Final = Kind[DriverEvidence, DriverChange](
    pods_path,
    f"{names.JOB_ID},{names.SPARK_ROLE}={names.DRIVER_ROLE}",
    decoding.driver_page,
    decoding.driver_change,
    lambda version: DriverChange("bookmark", version, None),
)


class Reflector(Generic[T, C]):
    """Reads one cluster's objects of one kind."""

    def __init__(self, config: KubernetesConfig, connection: Connection, kind: Kind[T, C]) -> None:
        self._config = config
        self._connection = connection
        self._kind = kind
        # None stands for all namespaces, in one stream
        self._namespaces: tuple[str | None, ...] = config.namespaces or (None,)

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Read all objects that carry a job id, as of now: a list that came to its end may prove absence."""
        try:
            async with contextlib.aclosing(self._everywhere(self._config.page_size)) as pages:
                async for page in pages:
                    yield page
            return
        except WatchExpired:  # it went on too long for its first page; source: client-go's pager
            is_restart = True
        try:
            async with contextlib.aclosing(self._everywhere(0)) as pages:
                async for page in pages:
                    yield page._replace(is_restart=is_restart)
                    is_restart = False
        except WatchExpired as error:
            raise ClusterUnavailable(f"{self._config.name}: a list that expires at once") from error

    async def watch(self, resource_version: str) -> AsyncGenerator[C, None]:
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

    async def _everywhere(self, limit: int) -> AsyncGenerator[Page[T], None]:
        """Read every namespace; each page's version is the oldest so far, from which nothing is missed."""
        reached: list[str] = []
        for namespace in self._namespaces:
            version = ""
            async with contextlib.aclosing(self._pages_of(namespace, limit)) as pages:
                async for items, version in pages:
                    yield Page(items, min([*reached, version], key=int), is_restart=False)
            reached.append(version)

    async def _pages_of(self, namespace: str | None, limit: int) -> AsyncGenerator[tuple[list[T], str], None]:
        query = {"labelSelector": self._kind.selector} | ({"limit": str(limit)} if limit else {})
        while True:
            ask = Ask("GET", self._kind.path(namespace), query, seconds=self._config.list_timeout_seconds)
            answer = await self._connection.call(ask)
            if not answer.is_success:
                raise answer.failure("watch", cluster=self._config.name)
            items, metadata = self._kind.page(answer.body, cluster=self._config.name)
            del answer  # some megabytes, which nobody needs while the page is recorded
            yield items, metadata.resource_version
            if not metadata.continue_:
                return
            query["continue"] = metadata.continue_

    async def _stream(self, namespace: str | None, version: str) -> AsyncGenerator[C, None]:
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
    ) -> AsyncGenerator[C, None]:
        config = self._config
        query = {
            "watch": "1",
            "labelSelector": self._kind.selector,
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": f"{random.uniform(*config.watch_seconds):.0f}",  # noqa: S311  (jitter)
        }
        lines = Lines()
        ask = Ask("GET", self._kind.path(namespace), query)
        stream = self._connection.stream(ask, silence_seconds=config.silence_seconds)
        async with stream as response:
            if response.status != 200:
                raise (await Answer.refused(response)).failure("watch", cluster=config.name)
            if has_been_silent:
                yield self._kind.bookmark(version)
            while chunk := await _next(response):
                for line in lines.feed(chunk):
                    yield self._kind.change(line, cluster=config.name)
        if not lines.is_between:
            raise ClusterUnavailable(f"{config.name}: the stream broke within an event")

    async def _merged(self, version: str) -> AsyncGenerator[C, None]:
        """Follow several namespaces; ends or breaks when the first of their streams does."""
        waiting: asyncio.Queue[tuple[str | None, C] | Exception | None]
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
