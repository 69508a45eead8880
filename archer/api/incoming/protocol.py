"""HTTP/1.1 as uvicorn reads it, with an end to how much of a request's head it takes.

The fast parser (httptools) has no limit of its own: one client could fill the memory with one header.
"""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEAD_BYTES: Final = 32 * 1024
MAX_HEADERS: Final = 100
PROBLEM: Final = (
    b'{"type":"https://moka.dev/docs/errors#head-too-large","title":"The head of the request is too large",'
    b'"status":431,"detail":"At most 100 headers and 32 KiB are read."}'
)


class HeadTooLarge(Exception):
    """Ends the parser's work; never seen outside of this module."""


class BoundedHeadProtocol(HttpToolsProtocol):
    """Answers 431 to a head that is too large, before the application is asked."""

    _is_too_large = False
    _is_in_head = True
    _has_ended_one = False  # whether the last read held the end of a request
    _head_bytes = 0  # of the parts that are whole
    _read_bytes = 0  # since the head began; its parts may be unfinished

    def data_received(self, data: bytes) -> None:
        """Take bytes of the connection."""
        if self._is_too_large:
            return
        self._has_ended_one = False
        super().data_received(data)
        if self._is_in_head and not self._has_ended_one:
            self._read_bytes += len(data)
            if self._read_bytes > MAX_HEAD_BYTES and not self._is_too_large:
                self._refuse()

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the body."""
        self._is_in_head = False
        self._head_bytes = self._read_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the request; the next one on this connection begins with its head."""
        self._is_in_head = self._has_ended_one = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be read; called by the parser's errors, also by the one raised here."""
        if self._is_too_large:
            self._refuse()
        else:
            super().send_400_response(msg)

    def _count(self, more: int) -> None:
        self._head_bytes += more
        if self._head_bytes > MAX_HEAD_BYTES or len(self.headers) >= MAX_HEADERS:
            self._is_too_large = True
            raise HeadTooLarge

    def _refuse(self) -> None:
        self._is_too_large = True
        length = str(len(PROBLEM)).encode()
        head = b"content-type: application/problem+json\r\nconnection: close\r\ncontent-length: " + length
        self.transport.write(STATUS_LINE[431] + head + b"\r\n\r\n" + PROBLEM)
        self.transport.close()
