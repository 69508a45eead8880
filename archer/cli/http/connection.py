"""Archer's HTTP API as the command line sees it: answers as dicts, faults as words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import httpx2

from archer import __version__
from archer.cli.exits import CommandError, TryAgain
from archer.cli.http.problems import error_of, problem_of

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
QUIET_SECONDS: Final = 60.0  # a stream that says nothing for so long is asked for again
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
JOB_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
CLUSTER_NAME: Final = re.compile(r"[a-z][-a-z0-9]{0,31}\Z")

Query = Mapping[str, Any]


def is_loopback(url: str) -> bool:
    """Whether *url* means this machine."""
    try:
        return httpx2.URL(url).host in LOOPBACK
    except httpx2.InvalidURL:
        return False


def job_path(job_id: str, below: str = "") -> str:
    """Path of a job, or of something below it."""
    if JOB_ID.match(job_id) is None:
        raise CommandError(f"{job_id!r} is not a job id", hint="`moka list` shows the ids.")
    return f"/v1/jobs/{job_id}{below}"


def cluster_path(name: str) -> str:
    """Path of a cluster."""
    if CLUSTER_NAME.match(name) is None:
        raise CommandError(f"{name!r} is not a cluster's name", hint="`moka clusters` shows the names.")
    return f"/v1/clusters/{name}"


class Archer:
    """A connection to Archer; close it, or use it in a ``with``."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        try:
            parsed = httpx2.URL(self.url)
        except httpx2.InvalidURL as error:
            raise CommandError(f"--url {url!r} is not an address: {error}") from error
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise CommandError(f"--url {url!r} is not an address such as http://127.0.0.1:8080")
        headers = {"User-Agent": f"moka/{__version__}", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            self._client = httpx2.Client(
                base_url=self.url,
                headers=headers,
                verify=parsed.scheme
                == "https",  # for plain HTTP, reading certificates takes 0.2 s for nothing
                timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
                trust_env=parsed.host
                not in LOOPBACK,  # a company's proxy must not get in the way of `moka dev`
            )
        except (UnicodeError, ValueError) as error:
            raise CommandError("the token holds characters that no HTTP header may hold") from error

    def __enter__(self) -> Archer:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, *, seconds: float = ANSWER_SECONDS, **query: Any) -> dict[str, Any]:
        """Read one document; parameters that are None are left out."""
        return self._document(self._ask("GET", path, params=_present(query), seconds=seconds))

    def post(
        self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send *body*; answers the status and the document."""
        headers = {"Idempotency-Key": key} if key else {}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, allow_nan=False).encode()
        response = self._ask("POST", path, headers=headers, content=content)
        return response.status_code, self._document(response)

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for a change; answers the document as it is then."""
        content = json.dumps(body, allow_nan=False).encode()
        headers = {"Content-Type": "application/json"}
        return self._document(self._ask("PATCH", path, headers=headers, content=content))

    def peek(self, path: str, **query: Any) -> tuple[int, str]:
        """Status and text of whatever answers, refusals included."""
        timeout = httpx2.Timeout(CONNECT_SECONDS)
        try:
            response = self._client.get(path, params=_present(query), timeout=timeout)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise self._unreachable(error) from error
        return response.status_code, response.text

    @contextmanager
    def stream(self, path: str, *, headers: Mapping[str, str], query: Query) -> Iterator[httpx2.Response]:
        """Open an event stream; a fault before its first byte is raised like any other."""
        timeout = httpx2.Timeout(QUIET_SECONDS, connect=CONNECT_SECONDS)
        accept = {"Accept": "text/event-stream", **headers}
        try:
            with self._client.stream(
                "GET", path, headers=accept, params=_present(query), timeout=timeout
            ) as response:
                if response.status_code >= 400:
                    response.read()
                    raise self._refusal(response)
                yield response
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def _ask(
        self, method: str, path: str, *, seconds: float = ANSWER_SECONDS, **parts: Any
    ) -> httpx2.Response:
        timeout = httpx2.Timeout(seconds, connect=CONNECT_SECONDS)
        try:
            response = self._client.request(method, path, timeout=timeout, **parts)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise self._unreachable(error) from error
        if response.status_code >= 400:
            raise self._refusal(response)
        return response

    def _document(self, response: httpx2.Response) -> dict[str, Any]:
        try:
            document = response.json()
        except ValueError:
            document = None
        if response.status_code >= 300 or not isinstance(document, dict):
            raise error_of(response.status_code, None, url=self.url)
        return document

    def _refusal(self, response: httpx2.Response) -> CommandError:
        problem = problem_of(response.headers.get("content-type", ""), response.text)
        seconds = response.headers.get("retry-after", "")
        after = float(seconds) if seconds.isdecimal() else None
        return error_of(response.status_code, problem, url=self.url, retry_after_seconds=after)

    def _unreachable(self, error: Exception) -> TryAgain:
        why = "no answer in time" if isinstance(error, httpx2.TimeoutException) else str(error) or "closed"
        hint = "Start it with `moka dev`, or name another with --url or MOKA_URL."
        return TryAgain(
            f"Archer cannot be reached at {self.url}: {why}", hint=hint if is_loopback(self.url) else None
        )


def _present(query: Query) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
