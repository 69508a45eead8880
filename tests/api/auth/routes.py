"""The routes of an application, by method and path."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI


def operations(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Each method and path, routes that the document leaves out, too."""
    yield from _of(app.router.routes)


def _of(routes: object) -> Iterator[tuple[str, str]]:
    for route in routes:  # pyright: ignore[reportGeneralTypeIssues]
        if (inner := getattr(route, "original_router", None)) is not None:
            yield from _of(inner.routes)
            continue
        for method in getattr(route, "methods", None) or ():
            if method not in ("HEAD", "OPTIONS"):
                yield method, route.path
