"""The token that `moka` finds by itself: only where its own user put it, since any folder may hold a file."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from archer.cli import target
from archer.cli.target import token_here
from archer.dev.login import prepare, token_of

URL = "http://127.0.0.1:8080"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder whose `.moka` is served."""
    folder = tmp_path / ".moka"
    folder.mkdir(mode=0o700)
    prepare(folder, URL)
    return folder


def test_the_token_beside_it_is_found_from_below(place: Path):
    below = place.parent / "a" / "b"
    below.mkdir(parents=True)
    assert token_here(URL, below) == (place / "token").read_text()


@pytest.mark.parametrize("mode", [0o020, 0o002, 0o022])
@pytest.mark.parametrize("name", [".", "served.json", "token"])
def test_what_others_may_write_is_not_believed(place: Path, name: str, mode: int):
    one = place / name
    one.chmod(stat.S_IMODE(one.stat().st_mode) | mode)
    assert token_here(URL, place.parent) is None


def test_what_belongs_to_somebody_else_is_not_believed(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(target.os, "geteuid", lambda: os.getuid() + 1)
    assert token_here(URL, place.parent) is None


def test_a_link_is_not_followed(place: Path, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("mine")
    secret.chmod(0o600)
    (place / "token").unlink()
    (place / "token").symlink_to(secret)
    assert token_here(URL, place.parent) is None


def test_a_folder_that_a_wide_umask_made_is_narrowed(place: Path):
    place.chmod(0o775)
    prepare(place, URL)
    assert token_here(URL, place.parent) == token_of(place)


def test_the_file_does_not_choose_which_file_is_sent(place: Path, tmp_path: Path):
    secret = tmp_path / "id_rsa"
    secret.write_text("mine")
    (place / "served.json").write_text(json.dumps({"url": URL, "token_file": str(secret)}))
    assert token_here(URL, place.parent) == (place / "token").read_text()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_token_that_others_could_read_is_made_anew(place: Path, mode: int):
    before = token_of(place)
    assert token_of(place) == before
    (place / "token").chmod(mode)
    assert token_of(place) != before
    assert stat.S_IMODE((place / "token").stat().st_mode) == 0o600


def test_a_token_of_somebody_else_is_made_anew(place: Path, monkeypatch: pytest.MonkeyPatch):
    before = token_of(place)
    with monkeypatch.context() as patched:
        patched.setattr("archer.dev.login.os.geteuid", lambda: os.getuid() + 1)
        assert token_of(place) != before


def test_a_link_in_place_of_the_token_is_replaced(place: Path, tmp_path: Path):
    known = tmp_path / "known"
    known.write_text("moka_known")
    known.chmod(0o600)
    (place / "token").unlink()
    (place / "token").symlink_to(known)
    assert token_of(place) != "moka_known"
    assert known.read_text() == "moka_known"
