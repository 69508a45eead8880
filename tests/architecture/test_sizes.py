"""Files can be read at once, folders looked through, and names say what is in."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath

from tests.architecture.project import ROOT, matching

MOST_LINES = 400  # aim at 60 to 180, look twice at 250
MOST_MODULES = 12
MANY_ARE_FINE = ("tests", "archer/store/alembic")  # one file for each promise, one for each migration
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
GENERATED = ("moka_ui/web/src/generated/",)


def lines(name: str) -> int:
    return (ROOT / name).read_bytes().count(b"\n")


def test_no_source_file_is_longer_than_400_lines():
    sources = [name for name in matching(".py", ".ts", ".tsx") if not name.startswith(GENERATED)]
    assert len(sources) > 100, "the listing of git is broken"
    assert {name: lines(name) for name in sources if lines(name) > MOST_LINES} == {}


def test_no_folder_holds_more_than_12_python_modules():
    folders = Counter(
        str(PurePath(name).parent)
        for name in matching(".py")
        if PurePath(name).name not in ("__init__.py", "__main__.py") and not name.startswith(MANY_ARE_FINE)
    )
    assert {folder: count for folder, count in folders.items() if count > MOST_MODULES} == {}


def test_no_file_has_a_name_that_says_nothing():
    sources = [PurePath(name) for name in matching(".py", ".ts", ".tsx") if not name.startswith(GENERATED)]
    vague = [
        str(path)
        for path in sources
        # whole words of the name: `date_utils` too
        if SAYS_NOTHING & set(path.stem.lower().replace("-", "_").split("_"))
        or SAYS_NOTHING & set(path.parts)
    ]
    assert vague == []
