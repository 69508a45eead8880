"""The connections to one API server: bytes out, bytes in, a deadline on everything.

Watches have sockets of their own, so that they never wait behind requests, nor requests behind them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from yarl import URL

from archer.clusters.kubernetes import statuses
from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.kubernetes.credentials import Access, Credentials
from archer.errors import ClusterUnavailable

CONNECT_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 60.0
READ_BYTES: Final = 1024 * 1024  # an event may be larger; this is only what is read at once
# the API server would spend more on compressing than a network near it takes
HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "moka-archer"}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and the whole body of one answer."""

    code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the API server did what was asked."""
        return 200 <= self.code < 300


class Connection:
    """The way to one API server."""

    def __init__(self, config: KubernetesConfig) -> None:
        self._config = config
        self._credentials = Credentials(config)
        self._requests: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None
        self._quiet_until = 0.0
        self._is_closed = False

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        accept: str = "application/json",
        seconds: float | None = None,
    ) -> Answer:
        """Ask once and read the whole answer. Asks a second time when the credentials were refused.

        Raises:
            ClusterUnavailable: No answer in time; it may or may not have been done.
        """
        headers = {"Accept": accept} | ({"Content-Type": "application/json"} if body is not None else {})
        wanted = {"query": query, "data": body, "headers": headers}
        async with self._translated(), asyncio.timeout(seconds or self._config.timeout_seconds):
            session = self._session(is_stream=False)
            async with self._send(session, method, path, **wanted) as response:
                return Answer(response.status, response.headers, await response.read())

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], *, silence_seconds: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an answer that goes on; it breaks after *silence_seconds* without a byte.

        Raises:
            ClusterUnavailable: It broke, while it was open too.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence_seconds)
        async with self._translated():
            session = self._session(is_stream=True)
            async with self._send(session, "GET", path, query=query, timeout=timeout) as response:
                yield response

    async def close(self) -> None:
        """Close all sockets."""
        self._is_closed = True
        for session in (self._requests, self._streams):
            if session is not None:
                await session.close()

    @contextlib.asynccontextmanager
    async def _send(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        **wanted: Any,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        self._require_no_pause()
        access = await self._credentials.access()
        async with _request(session, method, _url(access, path, query), access, **wanted) as response:
            fresh = await self._credentials.access(refused=access) if response.status == 401 else access
            if (fresh.authorization, fresh.tls) == (access.authorization, access.tls):
                self._heed(response)
                yield response
                return
        # a 401 comes before anything is done, so that even a create may be sent again
        async with _request(session, method, _url(fresh, path, query), fresh, **wanted) as response:
            self._heed(response)
            yield response

    def _session(self, *, is_stream: bool) -> aiohttp.ClientSession:
        """Sessions are made at the first call, since they belong to a running loop."""
        if self._is_closed:
            raise ClusterUnavailable(f"{self._config.name} is closed")
        if self._requests is None or self._streams is None:
            self._requests = _new_session(self._config.connections)
            self._streams = _new_session(0)
        return self._streams if is_stream else self._requests

    def _heed(self, response: aiohttp.ClientResponse) -> None:
        """Leave an API server alone for as long as it asked for."""
        if response.status != 429:
            return
        try:
            seconds = float(response.headers.get("Retry-After", "1"))
        except ValueError:
            seconds = 1.0
        until = asyncio.get_running_loop().time() + min(seconds, statuses.MAX_RETRY_AFTER_SECONDS)
        self._quiet_until = max(self._quiet_until, until)

    def _require_no_pause(self) -> None:
        left = self._quiet_until - asyncio.get_running_loop().time()
        if left > 0:
            raise ClusterUnavailable(
                f"{self._config.name} asked to be left alone for {left:.1f} seconds more",
                retry_after_seconds=left,
            )

    @contextlib.asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except TimeoutError as error:  # aiohttp's are of this class too
            raise ClusterUnavailable(f"{self._config.name}: no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            what = str(error) or type(error).__name__
            raise ClusterUnavailable(f"{self._config.name}: {what}") from error


def _request(session: aiohttp.ClientSession, method: str, url: URL, access: Access, **wanted: Any) -> Any:
    headers = dict(wanted.pop("headers", None) or {})
    if access.authorization:
        headers["Authorization"] = access.authorization
    return session.request(
        method,
        url,
        headers=headers,
        ssl=access.tls,
        server_hostname=access.tls_name,
        proxy=access.proxy,
        allow_redirects=False,
        **wanted,
    )


def _url(access: Access, path: str, query: Mapping[str, str] | None) -> URL:
    url = URL(access.server + path, encoded=True)
    return url.with_query(query) if query else url


def _new_session(connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=IDLE_SECONDS),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        headers=HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=True,
        read_bufsize=READ_BYTES,
    )
