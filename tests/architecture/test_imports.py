"""Who may import whom. Each contract is kept by the tree as it is, and broken where it must be."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.project import ROOT, files

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
VERDICT = re.compile(r"^(.+) (KEPT|BROKEN)$", re.MULTILINE)
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

# For each contract an import that must break it: importer and imported.
MUST_BREAK = {
    "Archer is layered": ("archer.domain.job", "archer.translate.names"),
    "The core waits for nothing": ("archer.translate.names", "time"),
    "Moka UI knows only words and errors": ("moka_ui.links", "archer.telemetry"),
    "Only the embedded Moka starts Moka UI": ("archer.processes", "moka_ui.app"),
    "The command line is a client of the HTTP API": ("archer.cli.exits", "archer.errors"),
    "SQL lives in the store and in the UI's reader": ("archer.dispatcher.dispatcher", "sqlalchemy"),
    "Adapters of clusters are chosen in one place": ("archer.janitor", "archer.clusters.local.files"),
    "One adapter talks to API servers": ("archer.janitor", "aiohttp"),
}


def linted(tree: Path) -> str:
    """What import-linter prints about *tree*."""
    command = [sys.executable, "-c", LINT, "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False).stdout


def copy(to: Path) -> Path:
    """The two packages and the contracts, without what is not Python."""
    for name in files():
        if name == "pyproject.toml" or (name.startswith(("archer/", "moka_ui/")) and name.endswith(".py")):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)
    return to


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> str:
    """What is printed about a copy that holds every forbidden import."""
    tree = copy(tmp_path_factory.mktemp("broken"))
    for importer, imported in MUST_BREAK.values():
        with (tree / f"{importer.replace('.', '/')}.py").open("a") as file:
            file.write(f"\nimport {imported}\n")
    return linted(tree)


def test_every_contract_is_kept():
    printed = linted(ROOT)
    assert dict(VERDICT.findall(printed)) == {one["name"]: "KEPT" for one in CONTRACTS}, printed


def test_every_contract_has_its_proof():
    assert {contract["name"] for contract in CONTRACTS} == set(MUST_BREAK)


@pytest.mark.parametrize("contract", MUST_BREAK)
def test_a_contract_is_broken_by_an_import_that_must_break_it(contract, broken):
    importer, imported = MUST_BREAK[contract]
    assert dict(VERDICT.findall(broken))[contract] == "BROKEN"
    told = broken.partition(f"\n{contract}\n---")[2]
    for another in MUST_BREAK:
        told = told.partition(f"\n{another}\n---")[0]
    assert f"{importer} -> {imported} (l." in " ".join(told.split()), "another import broke it"


def test_a_new_module_of_archer_has_to_be_given_a_layer(tmp_path):
    tree = copy(tmp_path)
    (tree / "archer" / "newcomer.py").write_text('"""Nobody has placed this."""\n')
    assert re.search(r"newcomer", linted(tree))


@pytest.mark.parametrize(
    ("contract", "allowed"),
    [
        pytest.param("Moka UI knows only words and errors", {"domain", "translate", "errors"}, id="moka_ui"),
        pytest.param("The command line is a client of the HTTP API", {"cli"}, id="cli"),
    ],
)
def test_what_is_not_allowed_is_forbidden_by_name(contract, allowed):
    named = next(one for one in CONTRACTS if one["name"] == contract)["forbidden_modules"]
    modules = {
        name.split("/")[1].removesuffix(".py") for name in files() if re.match(r"archer/.+\.py$", name)
    }
    forbidden = {module.removeprefix("archer.") for module in named if module.startswith("archer.")}
    assert modules - {"__init__"} - allowed == forbidden
