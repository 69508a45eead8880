"""The bad SparkApplications are what they say: one change each, and a change of every number of the list."""

from __future__ import annotations

import re

import pytest

from archer.translate.spark import Attempt, to_spark_application
from tests.api.test_bad_list import LISTED
from tests.builders import new_id, profile, request
from tests.cluster.bad_applications import CHANGES, NOT_OF_OBJECTS, Change, bad_applications

GROUPS = [group for group in LISTED if group not in ("HTTP and JSON", "text")]
ATTEMPT = Attempt(new_id(1), 1, "mine", "amara", "root.mine.etl", "arm64")


@pytest.fixture(scope="module")
def manifest() -> dict:
    asked = request(env={"A": "x"}, spark_conf={"spark.user.a": "y"}, tenant="mine")
    return to_spark_application(ATTEMPT, asked, profile()).manifest


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: ascii(str(change))[:80])
def test_a_change_changes_only_what_it_names(manifest: dict, change: Change):
    before = str(manifest)
    changed = change.of(manifest)
    assert changed != manifest
    assert str(manifest) == before
    top, section = str(change.path[0]), str(change.path[1])
    others = {key: value for key, value in manifest.items() if key != top}
    assert {key: value for key, value in changed.items() if key != top} == others
    assert {k: v for k, v in changed[top].items() if k != section} == {
        k: v for k, v in manifest[top].items() if k != section
    }


@pytest.mark.parametrize("group", GROUPS)
def test_every_listed_spec_case_has_an_application(group: str):
    made = set(re.findall(r"B(\d{3})", " ".join(change.number for change in CHANGES)))
    left_out = {number.removeprefix("B") for number in NOT_OF_OBJECTS}
    assert made & left_out == set()
    assert sorted(set(LISTED[group].split()) - made - left_out) == []


def test_each_application_has_a_name_of_its_own(manifest: dict):
    made = list(bad_applications(manifest))
    assert len(made) == len(CHANGES) > 100
    assert all(changed["kind"] == "SparkApplication" for _, changed in made)
