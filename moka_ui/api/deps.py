"""What routes are given: the reader of the views, Archer, the settings and the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import httpx2
from fastapi import Depends, Path, Request

from archer.domain.identifiers import is_job_id
from archer.errors import NotFound
from moka_ui.read import Reader
from moka_ui.settings import Settings


def _reader(request: Request) -> Reader:
    return request.app.state.reader


def _archer(request: Request) -> httpx2.AsyncClient:
    return request.app.state.archer


def _clock(request: Request) -> Callable[[], datetime]:
    return request.app.state.clock


def _settings(request: Request) -> Settings:
    return request.app.state.settings


def _job_id(job_id: Annotated[str, Path(max_length=64)]) -> str:
    if not is_job_id(job_id):
        raise NotFound("There is no job of this id.")
    return job_id


Views = Annotated[Reader, Depends(_reader)]
Archer = Annotated[httpx2.AsyncClient, Depends(_archer)]
Clock = Annotated[Callable[[], datetime], Depends(_clock)]
Configured = Annotated[Settings, Depends(_settings)]
JobId = Annotated[str, Depends(_job_id)]
Number = Annotated[int, Path(ge=1, le=32767)]
