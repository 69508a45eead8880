"""The job request: every bound and every contradiction, each named by its field."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from archer.domain.request import JobRequest
from archer.domain.tenancy.rules.check import faults_of
from tests.builders import body, request


def wrong(**fields) -> set[str]:
    """Fields that the model refuses."""
    with pytest.raises(ValidationError) as raised:
        JobRequest.model_validate(body(**fields))
    return {".".join(str(step) for step in fault["loc"]) for fault in raised.value.errors()}


def contradicted(**fields) -> list[tuple[str, str]]:
    return [(fault.field, fault.rule) for fault in faults_of(body(**fields))]


def test_the_least_request_has_defaults():
    made = request()
    assert (made.spark_version, made.tenant, made.queue, made.arch, made.priority) == (
        "3.5.9",
        "default",
        None,
        "auto",
        50,
    )
    assert (made.driver.cores, made.driver.memory, made.executor.instances) == (1, "1g", 1)
    assert (made.retry.max_attempts, made.timeout_seconds) == (1, None)
    assert faults_of(body()) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "ends with a space "}, "name"),
        ({"type": "perl"}, "type"),
        ({"spark_version": "3"}, "spark_version"),
        ({"tenant": "Ads"}, "tenant"),
        ({"tenant": "x" * 64}, "tenant"),
        ({"queue": "default"}, "queue"),
        ({"queue": "root"}, "queue"),
        ({"queue": "root..a"}, "queue"),
        ({"queue": "root." + "a" * 200}, "queue"),
        ({"arch": "sparc"}, "arch"),
        ({"priority": -1}, "priority"),
        ({"priority": 101}, "priority"),
        ({"priority": "50"}, "priority"),
        ({"priority": True}, "priority"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": 14 * 24 * 3600 + 1}, "timeout_seconds"),
        ({"driver": {"cores": 0}}, "driver.cores"),
        ({"driver": {"cores": 129}}, "driver.cores"),
        ({"driver": {"cores": 1.5}}, "driver.cores"),
        ({"driver": {"memory": "lots"}}, "driver.memory"),
        ({"driver": {"memory": "5t"}}, "driver.memory"),
        ({"driver": {"memory_overhead": "0"}}, "driver.memory_overhead"),
        ({"driver": {"instances": 2}}, "driver.instances"),
        ({"executor": {"instances": 0}}, "executor.instances"),
        ({"executor": {"instances": 5001}}, "executor.instances"),
        ({"dynamic_allocation": {}}, "dynamic_allocation.max_executors"),
        ({"dynamic_allocation": {"max_executors": 5001}}, "dynamic_allocation.max_executors"),
        ({"retry": {"max_attempts": 0}}, "retry.max_attempts"),
        ({"retry": {"max_attempts": 11}}, "retry.max_attempts"),
        ({"retry": {"on": ["luck"]}}, "retry.on.0"),
        ({"retry": {"backoff_seconds": 3601}}, "retry.backoff_seconds"),
        ({"arguments": ["a\x00"]}, "arguments.0"),
        ({"arguments": ["x" * 32769]}, "arguments.0"),
        ({"arguments": ["x"] * 513}, "arguments"),
        ({"env": {"A": "\x1b"}}, "env.A"),
        ({"spark_conf": {"spark.x": "y" * 32769}}, "spark_conf.spark.x"),
        ({"deps": {"packages": ["a:b"]}}, "deps.packages.0"),
        ({"deps": {"jars": ["a.jar"]}}, "deps.jars.0"),
        ({"correlation_id": ""}, "correlation_id"),
        ({"correlation_id": "x" * 251}, "correlation_id"),
        ({"correlation_id": "a\tb"}, "correlation_id"),
        ({"main_class": "1a"}, "main_class"),
        ({"sql": ""}, "sql"),
        ({"sql": "x" * 65537}, "sql"),
        ({"image": "mine"}, "image"),
        ({"driver": {"podTemplate": {}}}, "driver.podTemplate"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_its_field(fields, field):
    assert wrong(**fields) == {field}


def test_all_wrong_fields_are_named_at_once():
    assert wrong(name="", priority=101, extra=1) == {"name", "priority", "extra"}


@pytest.mark.parametrize(
    ("location", "is_fine"),
    [
        ("s3a://bucket/a/b.py", True),
        ("local:///opt/a.py", True),
        ("file:///opt/a.jar", True),
        ("https://host/a.jar", False),
        ("s3a://bucket/a.zip#name", True),
        ("/opt/a.py", False),
        ("a.py", False),
        ("s3a:bucket", False),
        ("s3a://bucket/../x", False),
        ("s3a://bucket/a,s3a://bucket/b", False),
        ("s3a://bucket/%2e%2e/x", False),
        ("s3a://bucket\\x", False),
        ("s3a://a#b#c", False),
        ("s3a://a\nb", False),
        ("s3a://bucket/day=2026-11-22/_a+b@c:d~e.py", True),
        *((f"s3a://bucket/a{odd}b.py", False) for odd in " {}[]*?<>|^`\"'!$&();é\u00a0\u2028"),
        ("S3A://bucket/a", False),
        ("--master", False),
    ],
)
def test_a_location_is_one_plain_place_with_a_scheme(location, is_fine):
    if is_fine:
        assert request(main_application_file=location).main_application_file == location
    else:
        assert wrong(main_application_file=location) == {"main_application_file"}


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        pytest.param(
            {"main_application_file": None}, [("main_application_file", "required")], id="no program"
        ),
        pytest.param({"sql": "select 1"}, [("sql", "not_for_type")], id="sql for python"),
        pytest.param({"main_class": "a.B"}, [("main_class", "not_for_type")], id="class for python"),
        pytest.param({"type": "java"}, [("main_class", "required")], id="java without a class"),
        pytest.param({"type": "scala", "main_class": "a.B"}, [], id="scala"),
        pytest.param({"type": "sql"}, [], id="sql from a file"),
        pytest.param({"type": "sql", "sql": "select 1"}, [("sql", "one_of")], id="sql twice"),
        pytest.param(
            {"type": "sql", "main_application_file": None}, [("sql", "one_of")], id="sql without any"
        ),
        pytest.param({"type": "nonsense"}, [], id="a wrong type is the model's to refuse"),
        pytest.param(
            {"dynamic_allocation": {"min_executors": 5, "initial_executors": 6, "max_executors": 4}},
            [
                ("dynamic_allocation.min_executors", "order"),
                ("dynamic_allocation.initial_executors", "order"),
            ],
            id="least and first above most",
        ),
        pytest.param(
            {"dynamic_allocation": {"min_executors": "5", "max_executors": 4}}, [], id="not numbers"
        ),
        pytest.param(
            {"spark_conf": {"spark.master": "x"}},
            [("spark_conf.spark.master", "not_open")],
            id="a closed key",
        ),
        pytest.param(
            {"spark_conf": {"spark.executor.cores": "4"}},
            [("spark_conf.spark.executor.cores", "has_own_field")],
            id="a field's key",
        ),
        pytest.param(
            {"spark_conf": {"spark.user.x": "a\nb"}},
            [("spark_conf.spark.user.x", "control_character")],
            id="a line break",
        ),
        pytest.param({"spark_conf": {"spark.user.x": 1}}, [], id="a number is the model's to refuse"),
        pytest.param({"env": {"1A": "x"}}, [("env.1A", "name_form")], id="a wrong name"),
        pytest.param({"env": {"LD_PRELOAD": "x"}}, [("env.LD_PRELOAD", "reserved")], id="code of one's own"),
        pytest.param({"env": {"PYTHONPATH": "x"}}, [("env.PYTHONPATH", "reserved")], id="python's path"),
        pytest.param({"env": {"AWS_ROLE_ARN": "x"}}, [("env.AWS_ROLE_ARN", "reserved")], id="another's role"),
        pytest.param({"env": {"PATH": "x"}}, [("env.PATH", "reserved")], id="path"),
        pytest.param({"labels": {"a/b": "x"}}, [("labels.a/b", "label_key")], id="a prefix"),
        pytest.param({"labels": {"app": "x"}}, [("labels.app", "reserved")], id="a platform label"),
        pytest.param(
            {"labels": {"spark-role": "driver"}}, [("labels.spark-role", "reserved")], id="spark's label"
        ),
        pytest.param({"labels": {"team": "a b"}}, [("labels.team", "label_value")], id="a blank in a value"),
        pytest.param({"labels": {"team": ""}}, [], id="an empty value"),
        pytest.param(
            {"spark_conf": "x", "env": 1, "labels": [], "dynamic_allocation": 2}, [], id="not even mappings"
        ),
    ],
)
def test_contradictions_are_named_by_field_and_rule(fields, found):
    assert contradicted(**fields) == found


def test_a_request_reads_back_as_it_was_written():
    made = request(retry={"on": ["user"]}, env={"A": "b"}, dynamic_allocation={"max_executors": 3})
    assert JobRequest.model_validate_json(made.model_dump_json()) == made
