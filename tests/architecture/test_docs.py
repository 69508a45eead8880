"""What the documentation says is so: tables match the code, links lead somewhere, commands exist."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from archer.cli.main import app
from archer.domain.diagnosis import SENTENCES
from archer.domain.request import JobRequest
from archer.domain.retry import NEVER_AGAIN
from archer.domain.states import FAULT_OF, FINAL, FOLLOWS, JobState, Reason
from archer.store.tables import metadata
from tests.architecture import settings_page
from tests.architecture.project import ROOT, matching, text_of

PAGES = matching(".md")
STATES = (ROOT / "docs" / "states.md").read_text()
README = (ROOT / "README.md").read_text()
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
MAKE = re.compile(r"(?:^|`)make(?: ([a-z-]+))?(?=$|[`\s])", re.MULTILINE)
MOKA = re.compile(r"(?:^|`|\s)(?:\.venv/bin/)?moka( [a-z][^`\n]*)", re.MULTILINE)
SECTIONS_OF_A_DECISION = ["Context", "Decision", "Consequences", "Alternatives"]


def rows(page: str, heading: str) -> list[list[str]]:
    """Rows of the first table below *heading*, cell by cell, without its head."""
    below = page.partition(f"\n## {heading}\n")[2]
    table = re.search(r"(?:^\|.*\|\n)+", below, re.MULTILINE)
    assert table is not None, heading
    lines = table[0].strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def named(cell: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", cell)


def code_of(page: str) -> str:
    """What a reader may type: shell blocks, and whatever stands in backticks."""
    prose = FENCE.sub("", page)
    blocks = [block for kind, block in FENCE.findall(page) if kind in ("sh", "bash")]
    return "\n".join([*blocks, *(f"`{code}`" for code in re.findall(r"`([^`\n]+)`", prose))])


# --- states and reasons ------------------------------------------------------------------------------------


def test_the_picture_of_states_is_the_table_of_the_code():
    picture = next(block for kind, block in FENCE.findall(STATES) if kind == "mermaid")
    drawn = set(re.findall(r"^\s*(\S+) --> (\S+)$", picture, re.MULTILINE))
    followed = {(state.value, other.value) for state, others in FOLLOWS.items() for other in others}
    ends = {(state.value, "[*]") for state in FINAL}
    assert drawn == followed | ends | {("[*]", JobState.QUEUED.value)}


def test_the_table_of_states_is_the_table_of_the_code():
    told = {named(row[0])[0]: set(named(row[2])) for row in rows(STATES, "States")}
    assert told == {state.value: {other.value for other in others} for state, others in FOLLOWS.items()}


def test_the_table_of_reasons_names_each_with_its_fault():
    told = [(named(row[0])[0], named(row[1])[0]) for row in rows(STATES, "Reasons")]
    assert told == [(reason.value, FAULT_OF[reason].value) for reason in Reason]


def test_reasons_are_explained_in_the_words_of_the_diagnosis():
    told = {Reason(named(row[0])[0]): row[2] for row in rows(STATES, "Reasons")}
    assert {reason: told[reason] for reason in SENTENCES} == SENTENCES
    assert all(told.values())


def test_the_table_of_reasons_says_what_is_never_tried_again():
    again = {Reason(named(row[0])[0]): row[3] for row in rows(STATES, "Reasons")}
    assert {reason for reason, word in again.items() if word == "never"} == NEVER_AGAIN
    assert {reason for reason, word in again.items() if word == "at once"} == {Reason.MOVED}
    assert set(again.values()) == {"never", "if asked", "at once"}


# --- settings ----------------------------------------------------------------------------------------------


def test_the_page_of_settings_is_fresh():
    assert settings_page.PAGE.read_text() == settings_page.page(), (
        "python -m tests.architecture.settings_page"
    )


def test_every_setting_is_documented():
    assert settings_page.undocumented() == []


# --- tables, decisions, licence ----------------------------------------------------------------------------


def test_the_architecture_names_every_table():
    page = (ROOT / "docs" / "architecture.md").read_text()
    told = [name for row in rows(page, "Tables") for name in named(row[0])]
    assert sorted(told) == sorted(metadata.tables)


def test_every_decision_has_its_sections_and_is_listed():
    folder = ROOT / "docs" / "adr"
    pages = sorted(folder.glob("[0-9]*.md"))
    listed = LINK.findall((folder / "README.md").read_text())
    assert [page.name for page in pages] == listed
    for number, page in enumerate(pages, start=1):
        text = page.read_text()
        assert text.startswith(f"# {number}. "), page.name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS_OF_A_DECISION, page.name


def test_the_licence_is_whole():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert re.findall(r"^   (\d)\. ", text, re.MULTILINE) == list("123456789")
    assert text.index("END OF TERMS AND CONDITIONS") < text.index("limitations under the License.")


# --- links and commands ------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Anchors of the page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(name: str) -> Iterator[str]:
    """Relative links of a page that lead nowhere."""
    page = ROOT / name
    for target in LINK.findall(CODE.sub("", FENCE.sub("", text_of(name) or ""))):
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        if "://" in target or target.startswith("mailto:"):
            continue
        if not to.exists() or (anchor and to.suffix == ".md" and anchor not in anchors(to)):
            yield target


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name):
    assert list(broken_links(name)) == []


def test_the_readme_is_short():
    assert README.count("\n") <= 150


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_that_is_named_exists(name):
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    wanted = {target for target in MAKE.findall(code_of(text_of(name) or "")) if target}
    assert wanted - targets == set()


COMMANDS = getattr(typer.main.get_command(app), "commands")  # noqa: B009


def unknown_to_moka(line: str) -> Iterator[str]:
    """Commands and options of one ``moka …`` that do not exist."""
    name, *rest = shlex.split(line, comments=True)
    if name not in COMMANDS:
        yield name
        return
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    yield from (f"{name} {part}" for part in rest if part.startswith("-") and part not in options)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_moka_that_is_named_exists(name):
    lines = MOKA.findall(code_of(text_of(name) or ""))
    assert [fault for line in lines for fault in unknown_to_moka(line)] == []


def test_commands_are_found_where_they_stand():
    code = code_of(
        "Say `make bench`.\n\n```sh\nmake run   # serves\n.venv/bin/moka logs -f ID  # follows\n```\n"
    )
    assert set(MAKE.findall(code)) == {"run", "bench"}
    assert [line.split() for line in MOKA.findall(code)] == [["logs", "-f", "ID", "#", "follows"]]
    assert list(unknown_to_moka(" logs --sideways ID")) == ["logs --sideways"]
    assert list(unknown_to_moka(" fly ID")) == ["fly"]


def test_the_files_that_commands_of_the_readme_name_are_there():
    code = "\n".join(block for kind, block in FENCE.findall(README) if kind == "sh")
    examples = re.findall(r"examples/\S+", code)
    assert examples
    assert [name for name in examples if not (ROOT / name).exists()] == []


def test_the_request_in_the_readme_is_accepted():
    bodies = re.findall(r"-d '([^']+)'", README)
    assert bodies
    for body in bodies:
        JobRequest.model_validate(json.loads(body))
