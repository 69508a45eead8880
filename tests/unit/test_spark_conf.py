"""Which sparkConf keys callers may set: those of open families, and no others."""

from __future__ import annotations

import pytest

from archer.domain.tenancy.conf_values import value_fault
from archer.domain.tenancy.spark_conf import NEVER_OPEN, REQUEST_FIELD_OF, family, key_fault


@pytest.mark.parametrize(
    "key",
    [
        "spark.sql.shuffle.partitions",
        "spark.sql.adaptive.enabled",
        "spark.sql.session.timeZone",
        "spark.shuffle.compress",
        "spark.speculation",
        "spark.task.maxFailures",
        "spark.user.anything.of-mine_1",
    ],
)
def test_open_keys(key):
    assert key_fault(key) is None


@pytest.mark.parametrize(
    "key",
    [
        "spark.master",
        "spark.submit.deployMode",
        "spark.driver.extraJavaOptions",
        "spark.executor.extraClassPath",
        "spark.driver.extraLibraryPath",
        "spark.jars.repositories",
        "spark.jars.ivySettings",
        "spark.plugins",
        "spark.extraListeners",
        "spark.sql.extensions",
        "spark.sql.queryExecutionListeners",
        "spark.sql.catalog.mine",
        "spark.hadoop.fs.s3a.endpoint",
        "spark.kubernetes.driver.podTemplateFile",
        "spark.kubernetes.authenticate.driver.serviceAccountName",
        "spark.kubernetes.container.image",
        "spark.eventLog.dir",
        "spark.redaction.regex",
        "spark.ui.proxyBase",
        "spark.shuffle.manager",
        "spark.shuffle.sort.io.plugin.class",
        "spark.shuffle.service.enabled",
        "spark.a.key.of.a.later.spark",
    ],
)
def test_keys_that_the_platform_keeps(key):
    fault = key_fault(key)
    assert fault is not None
    assert fault[0] == "not_open"


@pytest.mark.parametrize("key", sorted(REQUEST_FIELD_OF))
def test_keys_that_are_a_field_of_the_request_name_it(key):
    assert key_fault(key) == ("has_own_field", f"is set by the field {REQUEST_FIELD_OF[key]}")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "spark",
        "spark.",
        "Spark.sql.ansi.enabled",
        "spark.sql.ansi.enabled=1",
        "spark.sql. x",
        "hive.x",
        "spark.sql.\n",
    ],
)
def test_keys_of_a_wrong_form(key):
    fault = key_fault(key)
    assert fault is not None
    assert fault[0] == "key_form"


@pytest.mark.parametrize(
    ("value", "is_fine"),
    [("", True), ("a b=c,ü", True), ("a\tb", True), ("a\nb", False), ("a\x00", False), ("\x7f", False)],
)
def test_values_hold_no_control_characters(value, is_fine):
    assert (value_fault("spark.user.x", value) is None) is is_fine


@pytest.mark.parametrize(
    "text",
    [
        *sorted(set(NEVER_OPEN) - set(REQUEST_FIELD_OF)),
        "spark.",
        "spark.sql.",
        "spark.driver.",
        "spark.executor.",
        "spark.hadoop.",
        "spark.hadoop.fs.s3a.",
        "spark.hadoop.fs.s3a.readahead.",
        "spark.hadoop.fs.s3a.aws.credentials.provider",
        "spark.hadoop.fs.s3a.access.key",
        "spark.hadoop.fs.s3a.endpoint",
        "spark.hadoop.fs.s3a.endpoint.region",
        "spark.hadoop.fs.s3a.impl",
        "spark.hadoop.fs.AbstractFileSystem.s3a.impl",
        "spark.hadoop.fs.s3a.secret.key",
        "spark.hadoop.mapreduce.outputcommitter.class",
        "spark.eventLog.dir",
        "spark.executorEnv.LD_PRELOAD",
        "spark.sql.catalog.mine",
        "spark.sql.catalogImplementation",
        "spark.sql.hive.metastore.jars",
        "spark.sql.hive.",
        "spark.sql.streaming.",
        "spark.sql.streaming.checkpointFileManagerClass",
        "spark.shuffle.manager",
        "spark.dynamicAllocation.shuffleTracking.enabled",
        "spark.pyspark.python",
        "spark.metrics.conf.x.sink.csv.class",
    ],
)
def test_what_nobody_can_open(text: str):
    with pytest.raises(ValueError, match="cannot be opened"):
        family(text)


@pytest.mark.parametrize(
    "text",
    [
        "spark.sql.legacy.timeParserPolicy",
        "spark.sql.hive.convertMetastoreParquet",
        "spark.sql.legacy.",
        "spark.cleaner.",
        "spark.hadoop.fs.s3a.threads.max",
    ],
)
def test_what_a_policy_can_open(text: str):
    assert family(text) == text
    assert key_fault(text + "x" if text.endswith(".") else text, [text]) is None


@pytest.mark.parametrize("key", ["spark.own.thing.class", "spark.own.className", "spark.own.plugin.x"])
def test_a_family_that_is_opened_opens_no_key_in_it_that_loads_a_class(key: str):
    fault = key_fault(key, ["spark.own."])
    assert fault is not None
    assert fault[0] == "not_open"
    assert key_fault("spark.own.thing", ["spark.own."]) is None
