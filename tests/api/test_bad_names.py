"""Names, places and texts that break a rule, and the texts that are legal and stay what they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.rig import Rig, job
from tests.api.test_bad_jobs import case, refused

EVIL = {
    "B176": "<script>alert(1)</script>",
    "B178": "javascript:alert(1)",
    "B179": "{{7*7}}",
    "B181": "\x1b[2J",
    "B182": "\x1b]8;;http://evil\x07x\x1b]8;;\x07",
    "B183": "%s%n{0}",
    "B184": "a\u202eb",
    "B185": "a\u200db",
    "B187": "</textarea>",
    "B188": "=cmd()",
    "B189": "\ufeffx",
    "NUL": "a\0b",
    "newline": "a\nb",
    "last": "a\n",
    "quote": "a'b",
    "wide": "\uff52oot",
    "emoji": "🎉",
    "C1": "a\x9bb",
}
LEGAL = [text for name, text in EVIL.items() if name not in ("B181", "B182", "NUL")]
LOCATIONS = [
    "pi.py",
    "/opt/pi.py",
    "",
    "s3a://",
    "s3a:///x",
    "s3a://jobs",
    "s3a://jobs/",
    "FILE:/x",
    "FILE:///x",
    "file:/x",
    "file://host/x",
    "local:////opt/%2e%2e/x",
    "local:////opt/x",
    "local:///opt/../x",
    "local:/opt/x",
    "s3://mine.evil.com/x",
    "s3n://jobs/x",
    "http://169.254.169.254/latest/meta-data",
    "https://x/y.py",
    "ftp://x/y",
    "hdfs://nn/x",
    "gs://b/x",
    "abfs://b/x",
    "jar:http://x!/y",
    "--master=k8s://x",
    "--conf",
    "-",
    "spark-internal",
    "s3a://jobs/a.jar,file:///x",
    "s3a://mine/a#../../x",
    "s3a://mine/a#..",
    "s3a://mine/a#b#c",
    "s3a://mine/a#",
    "s3a://mine/a\\b",
    "s3a://mine/a%2e",
    "s3a://mine/../x",
    "s3a://mine/a/..",
    "s3a://key:secret@mine/a",
    "s3a://mine:80/a",
    "s3a://MINE/a",
    "s3a://m ine/a",
    "s3a://mine/a\nb",
    "s3a://mine/a\0",
    "s3a://mine/\u202ea",
    "s3a://mine/" + "x" * 2048,
    "\uff533a://mine/a",
    " s3a://mine/a",
    "s3a:mine/a",
    "//mine/a",
    "data:,x",
]
PROGRAMS = [
    case("program", "main_application_file", type="python", main_application_file=None),
    case("program", "main_application_file", type="java", main_class="A", main_application_file=None),
    case("program", "main_class", type="java"),
    case("program", "main_class", type="scala"),
    case("program", "main_class", type="python", main_class="A"),
    case("program", "sql", type="python", sql="SELECT 1"),
    case("program", "sql", type="sql", main_application_file=None),
    case("program", "sql", type="sql", sql="SELECT 1"),
    case("program", "sql", type="sql", main_application_file=None, sql=""),
    case("B016", "sql", type="sql", main_application_file=None, sql="SELECT '\0'"),
    case("program", "sql", type="sql", main_application_file=None, sql="x" * 65_537),
    case("program", "type", type="perl"),
    case("program", "type", type="Python"),
    case("program", "type", type=None),
    *(
        case("program", "main_class", type="java", main_class=text)
        for text in ("", "a b", "a..b", ".a", "--master", "1a", "a;b", "a\n")
    ),
    case("B016", "arguments.0", arguments=["\0"]),
    case("arguments", "arguments.1", arguments=["a", 1]),
    case("arguments", "arguments.0", arguments=["x" * 32_769]),
    case("arguments", "arguments", arguments=["x"] * 513),
    case("arguments", "arguments", arguments="--date"),
    case("version", "spark_version", spark_version="3.5.9; rm"),
    case("version", "spark_version", spark_version="latest"),
    case("version", "spark_version", spark_version=3.5),
    case("arch", "arch", arch="riscv64"),
]
LABELS = [
    case("B119", "labels.yunikorn.apache.org/user.info", labels={"yunikorn.apache.org/user.info": "x"}),
    case("B121", "labels.yunikorn.apache.org/app-id", labels={"yunikorn.apache.org/app-id": "x"}),
    case("B122", "labels.app", labels={"app": "yunikorn"}),
    case("B123", "labels.applicationId", labels={"applicationId": "x"}),
    case("B124", "labels.queue", labels={"queue": "root.mine"}),
    case("B125", "labels.sparkoperator.k8s.io/app-name", labels={"sparkoperator.k8s.io/app-name": "x"}),
    case("B126", "labels.spark-role", labels={"spark-role": "driver"}),
    case("B127", "labels.moka/job-id", labels={"moka/job-id": "x"}),
    case("B127", "labels.moka.dev/job-id", labels={"moka.dev/job-id": "x"}),
    case("B127", "labels.moka-x", labels={"moka-x": "x"}),
    case("B128", "labels.a", labels={"a": "x" * 64}),
    case("B128", f"labels.{'x' * 64}", labels={"x" * 64: "a"}),
    case("B129", "labels.", labels={"": "a"}),
    case("B129", "labels.-a", labels={"-a": "a"}),
    case("B129", "labels.a", labels={"a": "-"}),
    case("B129", "labels.a", labels={"a": 1}),
    case("B129", "labels.a", labels={"a": None}),
    case("B130", "labels", labels={f"a{n}": "" for n in range(33)}),
    case("B130", "labels", labels=["a"]),
]
QUEUES = [
    case("queue", "queue", queue=text)
    for text in (
        "root",
        "",
        "ROOT.Mine",
        "root.mine.",
        "root..mine",
        "root.Mine",
        "mine",
        ".root.mine",
        "\uff52oot.mine",
        "root.mine\0",
        "root.mine\n",
        "root.mine ",
        " root.mine",
        "root.*",
        "root/mine",
        "root.\u0430",
        "root." + "x" * 64,
        "root" + ".x" * 100,
        "root.default.x",
        "root.nowhere",
        1,
        ["root.default"],
    )
]
PACKAGES = [
    "a:b",
    "a:b:[1,)",
    "a:b:c:d",
    "",
    "a:b:1 ",
    "http://x/a:b:1",
    "a:b:1,c:d:2",
    "a:b:${x}",
    "a:b:1\n",
    "ä:b:1",
]


@pytest.mark.parametrize("text", EVIL.values(), ids=EVIL.keys())
@pytest.mark.parametrize("field", ["name", "labels", "label key", "tenant", "queue"])
async def test_a_name_cannot_hold_markup_or_invisible_characters(shared: Rig, field: str, text: str):
    given = {"labels": {"a": text}} if field == "labels" else {field: text}
    if field == "label key":
        given = {"labels": {text: "a"}}
    named = {"labels": "labels.a", "label key": f"labels.{text}"}.get(field, field)
    await refused(shared, given, named)


@pytest.mark.parametrize(
    "text", [EVIL[name] for name in ("B181", "B182", "B184", "B185", "B189", "NUL", "newline", "C1")]
)
async def test_a_correlation_id_cannot_hold_invisible_characters(shared: Rig, text: str):
    await refused(shared, {"correlation_id": text}, "correlation_id")


@pytest.mark.parametrize("text", LEGAL)
async def test_a_text_that_is_legal_is_stored_and_comes_back_inert(shared: Rig, text: str):
    made = await shared.submit(arguments=[text])
    answer = await shared.client.get(made["links"]["self"])
    assert answer.json()["request"]["arguments"] == [text]
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("text", [pytest.param("x" * 1024 * 1024, id="B190 a line of 1 MiB")])
async def test_a_line_of_a_mebibyte_is_too_much_for_one_job(shared: Rig, text: str):
    answer = await shared.client.post("/v1/jobs", json=job(arguments=[text]))
    assert answer.status_code == 413


@pytest.mark.parametrize("text", LOCATIONS)
async def test_a_program_is_taken_only_from_where_programs_may_be(shared: Rig, text: str):
    await refused(shared, {"main_application_file": text}, "main_application_file")


@pytest.mark.parametrize("text", LOCATIONS)
@pytest.mark.parametrize("field", ["jars", "files", "py_files", "archives"])
async def test_a_file_is_taken_only_from_where_files_may_be(shared: Rig, field: str, text: str):
    await refused(shared, {"deps": {field: ["s3a://jobs/a", text]}}, f"deps.{field}.1")


@pytest.mark.parametrize("text", PACKAGES)
async def test_a_package_is_a_plain_coordinate(shared: Rig, text: str):
    await refused(shared, {"deps": {"packages": [text]}}, "deps.packages.0")


@pytest.mark.parametrize(("given", "field"), [*PROGRAMS, *LABELS, *QUEUES])
async def test_a_program_label_or_queue_that_breaks_a_rule(shared: Rig, given: dict[str, Any], field: str):
    await refused(shared, given, field)


@pytest.mark.parametrize(
    "text",
    ["s3a://jobs/a@b/x.py", "local:///opt/x.jar", "file:///jobs/pi.py", "s3a://my.bucket-1/a=1/b+c.zip#env"],
)
async def test_a_place_of_programs_is_taken(shared: Rig, text: str):
    assert (await shared.submit(main_application_file=text))["state"] == "queued"
