"""An ASGI application on a real port, in a thread, for as long as a test needs it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

STARTED_SECONDS = 15
STOPPED_SECONDS = 15


@contextmanager
def served(app: Any, port: int = 0) -> Iterator[str]:
    """Serve *app* on loopback and give its address."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1, server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + STARTED_SECONDS
    while not server.started:
        assert thread.is_alive(), "the server ended before it was up"
        assert time.monotonic() < deadline, "the server is not up"
        thread.join(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(STOPPED_SECONDS)
        assert not thread.is_alive(), "the server does not end"
