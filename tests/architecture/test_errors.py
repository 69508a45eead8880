"""Each error has one code, one status and one section of docs/errors.md that says what to do about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from archer.api import problems
from archer.errors import ArcherError
from tests.architecture.project import ROOT, matching, text_of

PAGE = (ROOT / "docs" / "errors.md").read_text()
SECTIONS = dict(re.findall(r"^### (\S+)\n(.+?)(?=\n#|\Z)", PAGE, re.MULTILINE | re.DOTALL))
# Answers that are made where there is no error of ours: by the framework, the server, or for a bug.
WITHOUT_A_CLASS = {"internal-error", "http-error", "head-too-large"}


def errors_of(root: type[ArcherError]) -> Iterator[type[ArcherError]]:
    yield root
    for error in root.__subclasses__():
        yield from errors_of(error)


# Moka UI has errors of its own, with a table of its own.
ERRORS = sorted(
    {error for error in errors_of(ArcherError) if error.__module__.startswith("archer.")},
    key=lambda error: error.code,
)


def test_every_error_has_a_code_of_its_own():
    assert {code: n for code, n in Counter(error.code for error in ERRORS).items() if n > 1} == {}
    assert all("code" in vars(error) for error in ERRORS)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code) for error in ERRORS)


def test_every_error_has_a_status_and_no_other_class_has():
    assert set(problems.STATUS) == set(ERRORS)


def test_every_code_has_a_section_and_every_section_a_code():
    assert set(SECTIONS) == {error.code for error in ERRORS} | WITHOUT_A_CLASS


def test_codes_without_a_class_are_answered_somewhere():
    sources = "".join(text_of(name) or "" for name in matching(".py") if name.startswith("archer/api/"))
    for code in WITHOUT_A_CLASS:
        assert f'"{code}"' in sources or f"#{code}" in sources


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_a_section_begins_with_the_status(error: type[ArcherError]):
    assert SECTIONS[error.code].startswith(f"{problems.STATUS[error]}. ")


@pytest.mark.parametrize("code", sorted(SECTIONS))
def test_a_section_says_whether_to_try_again(code: str):
    words = r"retry|again|Ask |report|callers of the API do not meet"
    assert re.search(words, SECTIONS[code], re.IGNORECASE), code


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_the_title_of_a_problem_is_one_sentence_without_markup(error: type[ArcherError]):
    title = problems.title_of(error)
    assert title
    assert title[0].isupper()
    assert not re.search(r"[`\n]|\.$", title)


def test_what_may_be_tried_again_is_answered_with_503():
    for error in ERRORS:
        is_later = "Retry after" in SECTIONS[error.code]
        assert is_later == (problems.STATUS[error] == 503), error.code
