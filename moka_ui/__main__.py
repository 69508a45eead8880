"""Run Moka UI: ``moka-ui``."""

from __future__ import annotations

import logging
import sys

import uvicorn
from pydantic import ValidationError

from moka_ui.app import create_app
from moka_ui.settings import Settings

# An open log stream never ends by itself; do not let one hold up a restart.
GOODBYE_SECONDS = 3

log = logging.getLogger("moka_ui")


def main() -> None:
    """Serve Moka UI until a signal comes."""
    try:
        settings = Settings()  # pyright: ignore[reportCallIssue]  # the environment fills it
    except ValidationError as error:
        for fault in error.errors():
            name = "_".join(str(part) for part in fault["loc"]).upper()
            where = f"MOKA_UI_{name}: " if name else ""
            sys.stderr.write(f"moka-ui: {where}{fault['msg'].removeprefix('Value error, ')}\n")
        raise SystemExit(2) from None
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )


if __name__ == "__main__":
    main()
