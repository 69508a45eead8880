"""The built page: one document for every address that people open, and files whose names carry a hash."""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from archer.errors import NotFound

FOREVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
WORTH_PACKING: Final = 1024  # bytes; below, the headers weigh more than what is saved
PACKABLE: Final = ("text/", "application/json", "image/svg+xml")
NOT_BUILT: Final = (
    "<!doctype html><meta charset=utf-8><title>Moka UI</title><h1>The page is not built yet</h1>"
    "<p>Run <code>npm ci --prefix moka_ui/web &amp;&amp; npm run build --prefix moka_ui/web</code>,"
    " then reload."
)


@dataclass(frozen=True, slots=True)
class File:
    """One file of the bundle, as it is sent."""

    content: bytes
    packed: bytes | None
    media_type: str
    cache: str


class Bundle:
    """Files of the built page, read once. Only names found by listing are answered: none leads outside."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, File] = {}

    def file(self, name: str) -> File | None:
        """A file by its address, or None."""
        if not self._files:
            self._files = {
                path.relative_to(self._folder).as_posix(): _read(path, self._folder)
                for path in sorted(self._folder.rglob("*"))
                if path.is_file() and not path.name.startswith(".")
            }
        return self._files.get(name)


def _read(path: Path, folder: Path) -> File:
    content = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    media_type = {".js": "text/javascript", ".woff2": "font/woff2"}.get(path.suffix, media_type)
    packable = media_type.startswith(PACKABLE) and len(content) > WORTH_PACKING
    hashed = path.relative_to(folder).parts[0] == "assets"
    return File(
        content,
        gzip.compress(content, mtime=0) if packable else None,
        media_type,
        FOREVER if hashed else ASK_AGAIN,
    )


def router(folder: Path) -> APIRouter:
    """Routes of the page; included last, since they answer every address."""
    routes = APIRouter(include_in_schema=False)
    bundle = Bundle(folder)

    @routes.get("/{path:path}")
    async def page(path: str, request: Request) -> Response:
        if path == "api" or path.startswith("api/"):
            raise NotFound("There is no such resource.")
        file = bundle.file(path or "index.html")
        if file is None and path.startswith("assets/"):
            raise NotFound("There is no such file; reload the page, a newer one is served.")
        file = file or bundle.file("index.html")
        if file is None:
            return Response(NOT_BUILT, 503, {"cache-control": "no-store"}, "text/html")
        headers = {"cache-control": file.cache, "vary": "accept-encoding"}
        if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.packed, 200, {**headers, "content-encoding": "gzip"}, file.media_type)
        return Response(file.content, 200, headers, file.media_type)

    return routes
