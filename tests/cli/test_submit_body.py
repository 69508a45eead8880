"""From options to the request: spark-submit's words mean what they mean there."""

from __future__ import annotations

import json

import pytest

from archer.cli.submit import properties
from archer.domain.request import JobRequest
from archer.domain.tenancy.spark_conf import REQUEST_FIELD_OF
from tests.cli.double import JOB_ID, Reply, job

APP = "s3a://jobs/pi.py"


@pytest.fixture
def sent(archer, moka):
    """Submit with these options; answers the body that arrived."""
    archer.answer(
        "POST", "/v1/jobs", Reply(json.dumps(job()).encode(), 201, {"content-type": "application/json"})
    )

    def run(*args, **more):
        result = moka("submit", *args, **more)
        assert result.exit_code == 0, result.output
        assert result.stdout == f"{JOB_ID}\n"
        return archer.asked[-1].json

    return run


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--name", "Daily report"], {"name": "Daily report"}),
        (["--queue", "root.etl"], {"queue": "root.etl"}),
        (["--driver-memory", "4G"], {"driver": {"memory": "4g"}}),
        (["--driver-memory", "2048"], {"driver": {"memory": "2048m"}}),
        (["--driver-cores", "2"], {"driver": {"cores": 2}}),
        (
            ["--executor-memory", "8g", "--executor-cores", "4", "--num-executors", "20"],
            {"executor": {"memory": "8g", "cores": 4, "instances": 20}},
        ),
        (["--conf", "spark.sql.shuffle.partitions=8"], {"spark_conf": {"spark.sql.shuffle.partitions": "8"}}),
        (["-c", "spark.user.q=a=b"], {"spark_conf": {"spark.user.q": "a=b"}}),
        (["--conf", "spark.executor.memory=3g"], {"executor": {"memory": "3g"}}),
        (["--conf", "spark.executor.memory=3g", "--executor-memory", "5g"], {"executor": {"memory": "5g"}}),
        (["--conf", "spark.executor.memoryOverhead=512"], {"executor": {"memory_overhead": "512m"}}),
        (
            [
                "--conf",
                "spark.dynamicAllocation.enabled=true",
                "--conf",
                "spark.dynamicAllocation.maxExecutors=9",
            ],
            {"dynamic_allocation": {"enabled": True, "max_executors": 9}},
        ),
        (["--conf", "spark.dynamicAllocation.enabled=false"], {}),
        (["--conf", "spark.yarn.queue=root.ads"], {"queue": "root.ads"}),
        (["--jars", "s3a://j/a.jar,s3a://j/b.jar"], {"deps": {"jars": ["s3a://j/a.jar", "s3a://j/b.jar"]}}),
        (
            ["--py-files", "s3a://j/a.zip", "--py-files", "s3a://j/b.py"],
            {"deps": {"py_files": ["s3a://j/a.zip", "s3a://j/b.py"]}},
        ),
        (["--files", "s3a://j/a.conf"], {"deps": {"files": ["s3a://j/a.conf"]}}),
        (["--archives", "s3a://j/env.tgz#env"], {"deps": {"archives": ["s3a://j/env.tgz#env"]}}),
        (["--packages", "g:a:1,g:b:2"], {"deps": {"packages": ["g:a:1", "g:b:2"]}}),
        (
            ["--tenant", "ads", "--arch", "arm64", "--spark-version", "3.5.7"],
            {"tenant": "ads", "arch": "arm64", "spark_version": "3.5.7"},
        ),
        (["--env", "A=1", "--env", "B=x=y"], {"env": {"A": "1", "B": "x=y"}}),
        (["--label", "team=ads"], {"labels": {"team": "ads"}}),
        (["--priority", "70", "--max-attempts", "3"], {"priority": 70, "retry": {"max_attempts": 3}}),
        (["--timeout", "2h"], {"timeout_seconds": 7200}),
        (["--timeout", "90"], {"timeout_seconds": 90}),
        (["--correlation-id", "dag/run/1"], {"correlation_id": "dag/run/1"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_becomes_its_field(sent, options, expected):
    body = sent(*options, APP)
    assert body == {"name": "pi.py", "type": "python", "main_application_file": APP, **expected}
    JobRequest.model_validate(body)


@pytest.mark.parametrize(
    ("app", "kind"),
    [("s3a://b/a.py", "python"), ("s3a://b/a.jar", "java"), ("s3a://b/a.R", "r"), ("s3a://b/a.sql", "sql")],
)
def test_the_suffix_tells_the_type(sent, app, kind):
    assert sent(app)["type"] == kind


def test_a_named_type_wins_over_the_suffix_and_the_class_names_the_job(sent):
    body = sent("--type", "scala", "--class", "org.example.Main$", "s3a://b/a.jar")
    assert (body["type"], body["main_class"], body["name"]) == (
        "scala",
        "org.example.Main$",
        "org.example.Main",
    )


def test_arguments_after_the_application_are_passed_through_untouched(sent):
    args = ["10", "--name", "theirs", "-f", "x", "--", "--master", "--help", "a=b", ""]
    assert sent("--name", "ours", APP, *args) == {
        "name": "ours", "type": "python", "main_application_file": APP, "arguments": args,
    }  # fmt: skip


def test_statements_need_no_application(sent):
    assert sent("--sql", "SELECT 1") == {"name": "sql", "type": "sql", "sql": "SELECT 1"}


def test_a_local_path_becomes_an_absolute_location(sent, tmp_path):
    (tmp_path / "a b").mkdir()
    for name in ("pi.py", "a b/lib.zip"):
        (tmp_path / name).write_text("")
    body = sent("--py-files", "a b/../a b/lib.zip#lib", "pi.py")
    assert body["main_application_file"] == f"file://{tmp_path}/pi.py"
    assert body["deps"]["py_files"] == [f"file://{tmp_path}/a b/lib.zip#lib"]


def test_a_missing_local_file_is_told_before_anything_is_sent(archer, moka):
    result = moka("submit", "gone.py")
    assert result.exit_code == 2
    assert "no such file on this machine" in result.stderr
    assert "s3a://" in result.stderr
    assert not archer.asked


def test_a_properties_file_lies_below_conf_and_options(sent, tmp_path):
    (tmp_path / "spark.properties").write_text(
        "# ours\nspark.executor.memory 2g\nspark.executor.cores=2\nspark.user.a: one \\\n  two\n"
        "spark.user.b b\nspark.user.empty=\nspark.master yarn\nlog4j.level=INFO\n"
    )
    body = sent(
        "--properties-file", "spark.properties", "--conf", "spark.user.b=c", "--executor-cores", "3", APP
    )
    assert body["executor"] == {"memory": "2g", "cores": 3}
    assert body["spark_conf"] == {"spark.user.a": "one two", "spark.user.b": "c", "spark.user.empty": ""}


def test_every_property_that_archer_keeps_a_field_for_is_moved_to_it():
    ours = {key: field for key, field in properties.FIELD_OF.items() if key != "spark.yarn.queue"}
    assert ours == REQUEST_FIELD_OF


def test_master_and_deploy_mode_are_left_out_with_a_note(archer, moka, sent):
    assert "master" not in sent("--master", "yarn", "--deploy-mode", "cluster", APP)
    result = moka("submit", "--master", "yarn", APP)
    assert "--master: left out" in result.stderr
    assert "left out" not in result.stdout


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "n", "type": "sql", "sql": "SELECT 1", "retry": {"on": ["user"]}}',
        "name: n\ntype: sql\nsql: SELECT 1\nretry:\n  on: [user]\n",
        "{name: n, type: sql, sql: SELECT 1, retry: {on: [user]}}",
    ],
    ids=["json", "yaml", "yaml in braces"],
)
def test_a_request_comes_from_standard_input_and_options_win(sent, text):
    body = sent("-f", "-", "--max-attempts", "2", "--name", "m", stdin=text.encode())
    assert body == {
        "name": "m",
        "type": "sql",
        "sql": "SELECT 1",
        "retry": {"on": ["user"], "max_attempts": 2},
    }


def test_paths_in_a_request_file_start_at_the_file(sent, tmp_path):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "pi.py").write_text("")
    (tmp_path / "jobs" / "pi.yaml").write_text("name: pi\ntype: python\nmain_application_file: pi.py\n")
    assert sent("-f", "jobs/pi.yaml")["main_application_file"] == f"file://{tmp_path}/jobs/pi.py"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "not one job request"),
        ("name: a\nname: b\n", "'name' comes twice"),
        ('{"name": 1, "name": 2}', "'name' comes twice"),
        ("name: [", "while parsing"),
        ("name: !!binary aGk=\n", "not JSON serializable"),
        ("a: .nan\n", "not JSON compliant"),
        ("a: !!python/object:os.system {}\n", "could not determine a constructor"),
        ("[" * 5000, "nested too deeply"),
        ("x" * 300_000, "larger than the 256 KiB"),
        ("\xff", "not UTF-8"),
        ("? [a]\n: b\n", "is not a text"),
        ("", "not one job request"),
    ],
)
def test_a_request_that_cannot_be_read_is_told_in_one_line(archer, moka, text, words):
    result = moka("submit", "-f", "-", stdin=text.encode("latin-1"))
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not archer.asked


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "nothing to run"),
        (["--sql", "SELECT 1", APP], "exclude each other"),
        (["--conf", "spark.x", APP], "--conf 'spark.x' is not of the form name=value"),
        (["--env", "=x", APP], "--env"),
        (["--timeout", "soon", APP], "--timeout 'soon'"),
        (["s3a://b/app"], "--type"),
        (["-f", "gone.yaml"], "No such file"),
        (["--properties-file", "gone", APP], "No such file"),
        (["--executor-memroy", "4g", APP], "--executor-memory"),
        (["--driver-cores", "two", APP], "--driver-cores"),
        (["--follow", "-o", "json", APP], "--wait"),
    ],
)
def test_wrong_usage_says_what_would_be_right(archer, moka, options, words):
    result = moka("submit", *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not result.stdout
    assert not archer.asked


def test_a_dry_run_shows_the_manifest_and_submits_nothing(archer, moka):
    origin = {"path": "spec.type", "source": "request", "field": "type"}
    archer.answer(
        "POST", "/v1/jobs:render", {"manifest": {"kind": "SparkApplication"}, "provenance": [origin]}
    )
    result = moka("submit", "--dry-run", APP)
    assert (result.exit_code, result.stdout) == (0, "kind: SparkApplication\n")
    assert [asked.path for asked in archer.asked] == ["/v1/jobs:render"]
    assert "spec.type" in moka("submit", "--dry-run", "-o", "wide", APP).stdout


def test_a_dry_run_that_no_cluster_would_take_says_why(archer, moka):
    rejected = {"rejects": [{"cluster": "local", "rule": "architecture"}]}
    archer.answer("POST", "/v1/jobs:render", {"manifest": None, "provenance": [], "placement": rejected})
    result = moka("submit", "--dry-run", APP)
    assert result.exit_code == 2
    assert "rule: architecture" in result.stderr
