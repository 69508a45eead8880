"""What no generated request may show: a valid one that is refused, or one that breaks the rules."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archer.api.incoming import body as incoming
from archer.domain.request import JobRequest
from archer.domain.tenancy.image import parse_image
from archer.domain.tenancy.rules.check import faults_of
from archer.domain.tenancy.rules.files import canonical
from archer.errors import ArcherError
from tests.policies import DIGEST, IMAGE, policy

POLICY = policy()
SLOW_MACHINES = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
WORD = st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=20)
SHOWN = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=20)
FILE = st.builds("{}{}/{}.py".format, st.sampled_from(["s3a://mine/programs/", "local:///opt/"]), WORD, WORD)
OPTION = st.sampled_from(["-XX:+UseG1GC", "-Xss4m", "-Duser.timezone=UTC", "-XX:MaxGCPauseMillis=200"])
CONF = st.fixed_dictionaries(
    {},
    optional={
        "spark.sql.shuffle.partitions": st.integers(1, 5000).map(str),
        "spark.sql.adaptive.enabled": st.sampled_from(["true", "false"]),
        "spark.speculation.multiplier": st.just("3"),
        "spark.user.anything": TEXT,
        "spark.kubernetes.allocation.batch.size": st.integers(1, 100).map(str),
        "spark.sql.caseSensitive": st.just("true"),
    },
)


def sized(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    memory = st.integers(1, 4).map("{}g".format)
    options = st.lists(OPTION, max_size=3)
    known = {"cores": st.integers(1, 2), "memory": memory, "memory_overhead": memory, "java_options": options}
    return st.fixed_dictionaries({}, optional=known | fields)


def requests() -> st.SearchStrategy[dict[str, Any]]:
    """Raw requests of the tenant `mine` that its policy allows."""
    of_type = st.one_of(
        st.fixed_dictionaries({"type": st.sampled_from(["python", "r"]), "main_application_file": FILE}),
        st.fixed_dictionaries(
            {
                "type": st.sampled_from(["java", "scala"]),
                "main_application_file": FILE,
                "main_class": st.just("a.B"),
            }
        ),
        st.fixed_dictionaries({"type": st.just("sql"), "sql": st.just("SELECT 1")}),
    )
    rest = st.fixed_dictionaries(
        {"name": WORD, "tenant": st.just("mine")},
        optional={
            "queue": st.sampled_from(["root.mine.etl", "root.mine.adhoc"]),
            "arguments": st.lists(TEXT, max_size=3),
            "spark_version": st.sampled_from(["3.5", "3.5.9"]),
            "arch": st.sampled_from(["auto", "arm64"]),
            "image": st.sampled_from([IMAGE, f"registry.example.com/mine/a/b:1@{DIGEST}"]),
            "driver": sized(),
            "executor": sized(instances=st.integers(1, 20)),
            "dynamic_allocation": st.integers(0, 5).flatmap(
                lambda least: st.fixed_dictionaries(
                    {"min_executors": st.just(least), "max_executors": st.integers(max(least, 1), 20)}
                )
            ),
            "spark_conf": CONF,
            "deps": st.fixed_dictionaries({}, optional={"jars": st.lists(FILE, max_size=2)}),
            "env": st.dictionaries(WORD.map("ENV_{}".format), TEXT, max_size=3),
            "secrets": st.just({"DB_LOGIN": "db"}),
            "labels": st.dictionaries(WORD.map("x-{}".format), WORD, max_size=3),
            "annotations": st.dictionaries(WORD.map("x-{}".format), SHOWN, max_size=3),
            "priority": st.integers(0, 100),
            "timeout_seconds": st.integers(1, 86_400),
        },
    )
    return st.builds(lambda one, other: one | other, of_type, rest)


@settings(max_examples=500, **SLOW_MACHINES)
@given(requests())
def test_a_valid_request_breaks_no_rule(raw: dict[str, Any]):
    JobRequest.model_validate(raw)
    assert faults_of(raw, POLICY) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted(JobRequest.model_fields)


@settings(max_examples=500, **SLOW_MACHINES)
@given(requests(), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_a_request_of_any_kind_is_taken_or_refused_and_never_breaks(raw: dict[str, Any], odd: dict[str, Any]):
    faults = faults_of(raw | odd, POLICY)
    assert all(fault.field and fault.rule and fault.message for fault in faults)
    assert faults_of(raw | odd) is not None


@settings(max_examples=300, **SLOW_MACHINES)
@given(requests(), st.dictionaries(st.sampled_from(FIELDS), JSON, min_size=1, max_size=3))
def test_what_is_not_refused_is_of_the_form(raw: dict[str, Any], odd: dict[str, Any]):
    data = json.dumps(raw | odd).encode()
    try:
        made = incoming.job_request(data, json.loads(data), POLICY)
    except ArcherError:
        return
    assert made == JobRequest.model_validate_json(data)


@settings(max_examples=500, **SLOW_MACHINES)
@given(st.lists(st.sampled_from(["mine", "programs", ".", "..", "", "other", "%2e"]), max_size=6))
def test_a_place_that_is_taken_lies_in_a_folder_of_the_tenant(steps: list[str]):
    raw = {"name": "x", "type": "python", "tenant": "mine"}
    raw |= {"main_application_file": "s3a://" + "/".join([*steps, "x.py"])}
    try:
        JobRequest.model_validate(raw)
    except ValueError:
        return
    if not faults_of(raw, POLICY):
        assert canonical(raw["main_application_file"]).startswith("s3a://mine/programs/")
        assert ".." not in raw["main_application_file"]


@settings(max_examples=500, **SLOW_MACHINES)
@given(
    st.lists(
        st.sampled_from(["registry.example.com", "/", "mine", "@", ":", "-evil", "..", "evil.io"]), max_size=7
    )
)
def test_an_image_that_is_taken_is_of_the_tenants_repository(parts: list[str]):
    text = "".join(parts) + f"@{DIGEST}"
    raw = {"name": "x", "type": "python", "tenant": "mine", "image": text}
    try:
        image = parse_image(text)
    except ValueError:
        return
    taken = "image" not in {fault.field for fault in faults_of(raw, POLICY)}
    assert taken == (f"{image.repository}/".startswith("registry.example.com/mine/"))
