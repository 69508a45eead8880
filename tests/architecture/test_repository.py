"""What must not be in the repository: paths of one machine, hosts of registries, secrets, unpinned locks."""

from __future__ import annotations

import json
import re

import pytest

from tests.architecture.project import ROOT, files, matching, text_of

# Written in parts, so that this file does not find itself.
MACHINE_PATHS = re.compile(r"(?<![\w./-])/(?:ro" r"ot|wo" r"rk|ho" r"me/\w+|Us" r"ers/\w+)/[\w.-]")
REGISTRIES = re.compile(
    r"\b(?:"
    + "|".join(
        [
            r"pypi\.o" r"rg", r"pythonhosted\.o" r"rg", r"registry\.npmjs\.o" r"rg", r"npmjs\.c" r"om",
            r"proxy\.golang\.o" r"rg", r"sum\.golang\.o" r"rg", r"goproxy\.(?:io|cn)", r"repo1?\.maven\.(?:apache\.)?o" r"rg",
            r"maven-central", r"deb\.debian\.o" r"rg", r"security\.debian\.o" r"rg", r"archive\.ubuntu\.c" r"om",
            r"index-u" r"rl\s*=", r"files\.pyt" r"hon",
        ]
    )
    + r")"
)  # fmt: skip
SECRETS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}"),
    "an access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token": re.compile(r"\b(?:ghp|gho|ghs|glpat|xox[abp]|npm)[_-][A-Za-z0-9]{20,}"),
    "a signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "a password in a URL": re.compile(r"\b\w+://[\w.-]+:(?!\*+@|\$)[^\s@/{}'\"<>]{6,}@[\w.-]+"),
}
# Whoever wrote a line, with whatever: the history has names for that.
WRITING_TOOLS = re.compile(
    r"\b(?:c" r"laude|anth" r"ropic|cop" r"ilot|chat" r"gpt|op" r"enai|gem" r"ini|ll" r"m|co-auth" r"ored-by"
    r"|a" r"i[- ](?:agent|session|generated|assistant))\b",
    re.IGNORECASE,
)  # fmt: skip
LOCKS = matching(".lock")
# Hashes and words at random; what they are locked to is looked at below.
GENERATED = (".lock", "package-lock.json", "go.sum", ".svg", ".png")


def found(pattern: re.Pattern[str], names: list[str] | tuple[str, ...] | None = None) -> list[str]:
    """File and line of each place where *pattern* is."""
    told = []
    for name in files() if names is None else names:
        text = text_of(name)
        if text is None:
            continue
        for match in pattern.finditer(text):
            told.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}")
    return told


def test_no_path_of_a_machine_is_written_down():
    assert found(MACHINE_PATHS) == []


def test_no_host_of_a_package_registry_is_written_down():
    assert found(REGISTRIES) == []


@pytest.mark.parametrize("what", SECRETS)
def test_no_secret_is_written_down(what):
    assert found(SECRETS[what]) == []


def test_no_tool_that_wrote_a_line_is_named():
    assert found(WRITING_TOOLS, [name for name in files() if not name.endswith(GENERATED)]) == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_each_package_and_holds_its_hashes(name):
    text = (ROOT / name).read_text()
    packages = re.findall(
        r"^([a-zA-Z0-9][^\n#]*?)(?=^[a-zA-Z0-9]|^    # via|\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert packages
    assert [
        package.split()[0] for package in packages if not re.match(r"[\w.\[\],-]+==[\w.!+]+", package)
    ] == []
    assert [package.split()[0] for package in packages if "--hash=sha256:" not in package] == []
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
