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
from archer.errors import ClusterError, ClusterUnavailable

CONNECT_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 60.0
# the deadline of a call is around all of it
NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
MAX_REFUSAL_BYTES: Final = 64 * 1024
READ_BYTES: Final = 1024 * 1024  # an event may be larger; this is only what is read at once
# the API server would spend more on compressing than a network near it takes
HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": "moka-archer"}


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: what is asked, and how long an answer may take."""

    method: str
    path: str
    query: Mapping[str, str] | None = None
    body: bytes | None = None
    accept: str = "application/json"
    seconds: float | None = None  # none: as configured


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

    @property
    def status(self) -> statuses.Status:
        """What the API server says of its refusal."""
        return statuses.read(self.body)

    def failure(self, act: statuses.Act, *, cluster: str) -> ClusterError:
        """Make the error that this refusal of *act* means."""
        return statuses.failure(act, self.status, code=self.code, headers=self.headers, cluster=cluster)

    @classmethod
    async def refused(cls, response: aiohttp.ClientResponse) -> Answer:
        """Read the refusal of a stream."""
        return cls(response.status, response.headers, await response.content.read(MAX_REFUSAL_BYTES))


class Connection:
    """The way to one API server."""

    def __init__(self, config: KubernetesConfig) -> None:
        self._config = config
        self._credentials = Credentials(config)
        self._requests: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None
        self._quiet_until = 0.0
        self._is_closed = False

    async def call(self, ask: Ask) -> Answer:
        """Ask once and read the whole answer; asks a second time when the credentials were refused.

        Raises:
            ClusterUnavailable: No answer in time; it may or may not have been done.
        """
        async with (
            self._translated(),
            asyncio.timeout(ask.seconds or self._config.timeout_seconds),
            self._send(self._session(is_stream=False), ask, patience=NO_TIMEOUT) as response,
        ):
            return Answer(response.status, response.headers, await response.read())

    @contextlib.asynccontextmanager
    async def stream(self, ask: Ask, *, silence_seconds: float) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an answer that goes on; it breaks after *silence_seconds* without a byte.

        Raises:
            ClusterUnavailable: It broke, while it was open too.
        """
        # looking up the name, too: there is no deadline around a stream
        patience = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=silence_seconds)
        async with (
            self._translated(),
            self._send(self._session(is_stream=True), ask, patience=patience) as response,
        ):
            yield response

    async def close(self) -> None:
        """Close all sockets."""
        self._is_closed = True
        for session in (self._requests, self._streams):
            if session is not None:
                await session.close()

    @contextlib.asynccontextmanager
    async def _send(
        self, session: aiohttp.ClientSession, ask: Ask, *, patience: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        self._require_no_pause()
        access = await self._credentials.access()
        async with session.request(ask.method, **_parts(ask, access), timeout=patience) as response:
            fresh = await self._credentials.access(refused=access) if response.status == 401 else access
            if (fresh.authorization, fresh.tls) == (access.authorization, access.tls):
                self._heed(response)
                yield response
                return
        # a 401 comes before anything is done, so that even a create may be sent again
        async with session.request(ask.method, **_parts(ask, fresh), timeout=patience) as response:
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


def _parts(ask: Ask, access: Access) -> dict[str, Any]:
    headers = {"Accept": ask.accept}
    if ask.body is not None:
        headers["Content-Type"] = "application/json"
    if access.authorization:
        headers["Authorization"] = access.authorization
    url = URL(access.server + ask.path, encoded=True)
    return {
        "url": url.with_query(ask.query) if ask.query else url,
        "data": ask.body,
        "headers": headers,
        "ssl": access.tls,
        "server_hostname": access.tls_name,
        "proxy": access.proxy,
        "allow_redirects": False,
    }


def _new_session(connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=IDLE_SECONDS),
        headers=HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=True,
        read_bufsize=READ_BYTES,
    )
