"""The list of bad inputs is covered: each number that concerns a request stands in the name of a case."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from tests.api import test_bad_bodies, test_bad_jobs, test_bad_names, test_bad_tenancy, test_sockets

# Of the project's list: what concerns HTTP, identity, conf, the shape of pods, files, dependencies, the JVM,
# images, labels, queues, resources, secrets and texts. Proxies, filters, logs, browsers, tokens, cursors and
# keys of idempotency have tests of their own.
LISTED = {
    "HTTP and JSON": "001 002 004 005 007 008 010 011 013 014 016 017 019 020",
    "identity and conf": "022 023 025 026 028 029 031 032 034 035 037 038 040 041 043 044 046 047 049",
    "pod shape": "050 052 053 055 056 058 059 061 062 064 065 067 068 070",
    "files and dependencies": "071 073 074 076 077 079 080 082 083 085 086 088 089 091 092 094 095",
    "JVM": "097 098 100 101 103 104 106",
    "image": "107 109 110 112 113 115 116 118",
    "labels and annotations": "119 121 122 124 125 127 128 130",
    "queue": "131 133 134 136 137",
    "resources": "139 140 142 143 145 146 148 149 151 152",
    "secrets and environment": "154 155",
    "text": "176 178 179 181 182 184 185 187 188 190",
}
MODULES = (test_bad_bodies, test_bad_jobs, test_bad_names, test_bad_tenancy, test_sockets)


def numbers(module: ModuleType) -> set[str]:
    """Numbers in the names of the cases of a module's tests."""
    found: set[str] = set()
    for name, test in vars(module).items():
        if not name.startswith("test_"):
            continue
        for mark in getattr(test, "pytestmark", ()):
            if mark.name == "parametrize":
                ids = mark.kwargs.get("ids") or ()
                named = [*(() if callable(ids) else ids), *(getattr(one, "id", "") for one in mark.args[1])]
                found.update(re.findall(r"\bB(\d{3})\b", " ".join(str(one) for one in named)))
    return found


@pytest.mark.parametrize("group", LISTED)
def test_every_listed_bad_input_has_a_case(group: str):
    covered = set().union(*(numbers(module) for module in MODULES))
    assert sorted(set(LISTED[group].split()) - covered) == []
