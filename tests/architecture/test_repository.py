"""What must not be in the repository: paths of one machine, hosts of registries, secrets, unpinned locks."""

from __future__ import annotations

import json
import re

import pytest

from tests.architecture.project import ROOT, files, matching, text_of

# A pattern of a dot is not that dot: this file does not find itself.
# `/home/spark` is a home in the Spark image, not on a machine of ours.
MACHINE_PATHS = re.compile(r"(?<![\w./-])/(?:root|work|home/(?!spark/)\w+|Users/\w+)/[\w.-]")
REGISTRIES = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|(?:registry\.|www\.|//)npmjs\.(?:org|com)|(?:proxy|sum)\.golang\.org"
    r"|goproxy\.(?:io|cn)|repo1?\.maven\.(?:apache\.)?org|(?:deb|security|ftp)\.debian\.org"
    r"|(?:archive|ports)\.ubuntu\.com)\b"
)
SECRETS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}"),
    "an access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token": re.compile(r"\b(?:ghp|gho|ghs|glpat|xox[abp]|npm)[_-][A-Za-z0-9]{20,}"),
    "a signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "a password in a URL": re.compile(r"\b\w+://[\w.-]+:(?!\*+@|\$)[^\s@/{}'\"<>]{8,}@[\w.-]+"),
}
# Who wrote a line, and with what, is for the history to say. One letter of each word is in brackets, so that
# this file does not find itself.
WRITING_TOOLS = re.compile(
    r"\b(?:c[l]aude|a[n]thropic|c[o]pilot|c[h]atgpt|o[p]enai|c[o]-authored-by"
    r"|a[i][- ](?:agent|session|generated|assistant))\b",
    re.IGNORECASE,
)
LOCKS = matching(".lock")
# Written by the generator of the client, which links to pages about itself.
GENERATED = "moka_ui/web/src/generated/"


def found(pattern: re.Pattern[str]) -> list[str]:
    """File and line of each place where *pattern* is."""
    told = []
    for name in files():
        text = text_of(name) or ""
        lines = (text.count("\n", 0, match.start()) + 1 for match in pattern.finditer(text))
        told += [f"{name}:{line}" for line in lines]
    return told


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param(MACHINE_PATHS, "see {/}root/notes.md", id="a home of root"),
        pytest.param(MACHINE_PATHS, '"{/}home/someone/.cache"', id="a home"),
        pytest.param(REGISTRIES, "https:{/}/pypi{.}org/simple", id="an index of Python packages"),
        pytest.param(REGISTRIES, "https:{/}/registry{.}npmjs{.}org/react", id="an index of Node packages"),
        pytest.param(SECRETS["an access key"], "AKIA{I}OSFODNN7EXAMPLE", id="an access key"),
        pytest.param(SECRETS["a password in a URL"], "postgres:{/}/u:hunter2hunter2@db/x", id="a password"),
        pytest.param(WRITING_TOOLS, "Co{-}Authored-By: someone", id="a tool's mark"),
    ],
)
def test_a_pattern_finds_what_it_is_for(pattern, text):
    assert pattern.search(text.replace("{", "").replace("}", ""))


def test_no_path_of_a_machine_is_written_down():
    assert found(MACHINE_PATHS) == []


def test_no_host_of_a_package_registry_is_written_down():
    assert [place for place in found(REGISTRIES) if not place.startswith(GENERATED)] == []


@pytest.mark.parametrize("what", SECRETS)
def test_no_secret_is_written_down(what):
    assert found(SECRETS[what]) == []


def test_no_tool_that_wrote_a_line_is_named():
    assert found(WRITING_TOOLS) == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_each_package_and_holds_its_hashes(name):
    text = (ROOT / name).read_text()
    packages = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]
    assert packages
    assert [package for package in packages if not re.match(r"[\w.-]+==[\w.!+]+[ ;]", package)] == []
    assert [package for package in packages if "--hash=sha256:" not in package] == []
    assert "://" not in text


@pytest.mark.parametrize("name", matching("package-lock.json"))
def test_a_package_lock_holds_hashes_and_no_addresses(name):
    packages = json.loads((ROOT / name).read_text())["packages"]
    fetched = {path: package for path, package in packages.items() if path and not package.get("link")}
    assert fetched
    assert [
        path for path, package in fetched.items() if not package.get("integrity", "").startswith("sha")
    ] == []
    assert [path for path, package in fetched.items() if "resolved" in package] == []


@pytest.mark.parametrize("name", matching("go.mod"))
def test_a_go_module_has_its_sums(name):
    sums = ROOT / name.replace("go.mod", "go.sum")
    assert sums.exists()
    assert re.search(r" h1:[A-Za-z0-9+/]{43}=$", sums.read_text(), re.MULTILINE)
