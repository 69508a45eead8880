"""What a manifest becomes as a spark-submit call on this machine."""

from pathlib import Path

import pytest

from archer.clusters.local import manifest as manifests
from archer.clusters.local.driver import submission
from archer.errors import ManifestRejected
from archer.translate import names
from tests.cluster.rigs import manifest

PLACES = submission.Places(
    spark_home=Path("/spark"),
    drivers=Path("/drivers"),
    events=Path("/root dir/events"),
    conf=Path("/conf"),
    home=Path("/home"),
    work=Path("/work dir"),
    python="/bin/python",
    search_path="/bin",
    java_home=Path("/java"),
    max_cores=4,
)


def order(**spec):
    resource = manifests.resource(manifest("job-1", **spec), uid="u", created_at="t")
    return submission.order(resource, PLACES)


def conf_of(argv):
    pairs = [argv[at + 1] for at, word in enumerate(argv) if word == "--conf"]
    return dict(pair.split("=", 1) for pair in pairs)


def after(argv, flag):
    return argv[argv.index(flag) + 1]


def test_the_program_and_its_arguments_come_last():
    argv = order(mainApplicationFile="file:///jobs/a.py", arguments=["--conf", "x", ""]).argv
    assert argv[-4:] == ["file:///jobs/a.py", "--conf", "x", ""]
    assert argv[0] == "/spark/bin/spark-submit"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("local:///opt/moka/sql.py", "/drivers/sql.py", id="a program of ours"),
        pytest.param("local:///opt/spark/examples/a.jar", "/spark/examples/a.jar", id="a file of Spark's"),
        pytest.param("local:///data/a.py", "/data/a.py", id="another file of the image"),
        pytest.param("file:///data/a.py", "file:///data/a.py", id="a file here"),
        pytest.param("s3a://bucket/a.py", "s3a://bucket/a.py", id="elsewhere"),
    ],
)
def test_locations_of_the_image_are_found_here(given, expected):
    assert order(mainApplicationFile=given).argv[-1] == expected
    assert after(order(deps={"jars": [given, "file:///b.jar"]}).argv, "--jars") == f"{expected},file:///b.jar"


@pytest.mark.parametrize(
    ("driver", "executor", "dynamic", "expected"),
    [
        pytest.param(1, {"cores": 1, "instances": 1}, None, 2, id="driver and executor"),
        pytest.param(1, {"cores": 1}, None, 2, id="one executor by default"),
        pytest.param(2, {"cores": 8, "instances": 50}, None, 4, id="up to the bound"),
        pytest.param(1, {"cores": 1}, {"enabled": True, "maxExecutors": 2}, 3, id="dynamic: at its most"),
    ],
)
def test_the_local_master_has_the_cores_of_all(driver, executor, dynamic, expected):
    spec = {"driver": {"cores": driver}, "executor": executor} | (
        {"dynamicAllocation": dynamic} if dynamic else {}
    )
    assert after(order(**spec).argv, "--master") == f"local[{expected}]"


def test_people_see_the_name_that_they_gave():
    wanted = manifest("job-1")
    wanted["metadata"]["annotations"] = {names.JOB_NAME: "Daily report"}
    resource = manifests.resource(wanted, uid="u", created_at="t")
    assert after(submission.order(resource, PLACES).argv, "--name") == "Daily report"
    assert after(order().argv, "--name") == "job-1"


def test_configuration_that_makes_no_sense_here_is_left_out():
    conf = conf_of(
        order(
            sparkConf={
                "spark.kubernetes.executor.podNamePrefix": "job-1",
                "spark.shuffle.manager": "org.apache.spark.shuffle.celeborn.SparkShuffleManager",
                "spark.celeborn.master.endpoints": "celeborn:9097",
                "spark.dynamicAllocation.enabled": "true",
                "spark.driver.host": "example.com",
                "spark.sql.ansi.enabled": "true",
                "spark.hadoop.fs.s3a.endpoint": "http://s3",
                "spark.ui.enabled": "true",
                "spark.eventLog.dir": "s3a://moka/events",
            }
        ).argv
    )
    assert not [
        key for key in conf if key.startswith(("spark.kubernetes", "spark.celeborn", "spark.shuffle"))
    ]
    assert conf["spark.driver.host"] == conf["spark.driver.bindAddress"] == "127.0.0.1"
    assert conf["spark.sql.ansi.enabled"] == "true"
    assert conf["spark.hadoop.fs.s3a.endpoint"] == "http://s3"
    assert conf["spark.ui.enabled"] == "true"
    assert conf["spark.eventLog.dir"] == "file:///root%20dir/events"


def test_an_event_log_may_stay_on_this_machine_or_off():
    conf = conf_of(
        order(sparkConf={"spark.eventLog.enabled": "false", "spark.eventLog.dir": "file:///e"}).argv
    )
    assert (conf["spark.eventLog.enabled"], conf["spark.eventLog.dir"]) == ("false", "file:///e")


def test_java_options_are_added_to_ours():
    conf = conf_of(order(sparkConf={"spark.driver.extraJavaOptions": "-Dx=1"}).argv)
    assert (
        conf["spark.driver.extraJavaOptions"]
        == '-XX:TieredStopAtLevel=1 -Djava.io.tmpdir="/work dir/tmp" -Dx=1'
    )


def test_the_environment_is_the_jobs_under_ours():
    container = {
        "name": names.DRIVER_CONTAINER,
        "env": [
            {"name": "A", "value": "1"},
            {"name": "PATH", "value": "/evil"},
            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
    }
    other = {"name": "sidecar", "env": [{"name": "B", "value": "2"}]}
    env = order(driver={"template": {"spec": {"containers": [other, container]}}}).env
    assert (env["A"], env["PATH"], env["JAVA_HOME"], env["MOKA_RUN"]) == ("1", "/bin", "/java", "u")
    assert "B" not in env
    assert "SECRET" not in env


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"type": "Perl"}, "spec.type", id="an unknown type"),
        pytest.param({"type": "Scala"}, "spec.mainClass", id="Scala without a class"),
        pytest.param({"mainApplicationFile": "a.py"}, "spec.mainApplicationFile", id="no scheme"),
        pytest.param({"mainApplicationFile": None}, "spec.mainApplicationFile", id="no program"),
        pytest.param({"arguments": [1]}, "spec.arguments", id="a number as argument"),
        pytest.param({"arguments": ["a\0b"]}, "spec.arguments", id="a NUL no command line can carry"),
        pytest.param({"sparkConf": {"spark.x": True}}, "spec.sparkConf", id="a boolean as value"),
        pytest.param({"driver": {"cores": "2"}}, "spec.driver.cores", id="cores as text"),
        pytest.param({"driver": []}, "spec.driver", id="no object"),
        pytest.param({"deps": {"jars": "a.jar"}}, "spec.deps", id="no list"),
        pytest.param({"arguments": ["x" * 2_000_000]}, "bytes", id="larger than etcd takes"),
        pytest.param({"arguments": [object()]}, "JSON", id="not JSON"),
    ],
)
def test_a_wrong_manifest_is_refused_by_field(change, field):
    with pytest.raises(ManifestRejected, match=field):
        order(**change)


@pytest.mark.parametrize("name", ["", "Job", "1job", "a" * 64, "a/b", "..", None])
def test_a_wrong_name_is_refused(name):
    wanted = manifest("job-1")
    wanted["metadata"]["name"] = name
    with pytest.raises(ManifestRejected, match=r"metadata\.name"):
        manifests.resource(wanted, uid="u", created_at="t")
