"""The S3 server and, on top of it, Spark's history server."""

from tests.stack import s3
from tests.stack.build import jars
from tests.stack.build.binaries import binary
from tests.stack.build.spark import java_home, pyspark_home
from tests.stack.host.processes import start, wait
from tests.stack.layout import BRIDGE_ADDRESS, HISTORY_ADDRESS, RUNTIME, S3_BUCKET, S3_ENDPOINT
from tests.stack.parts.answers import http_ok, port_open

#: Spark looks for this key before it writes an event log, and does not make it.
EVENTS_KEY = "events/"


def start_s3() -> None:
    objects = RUNTIME / "s3"
    objects.mkdir(parents=True, exist_ok=True)
    host, port = S3_ENDPOINT.removeprefix("http://").split(":")
    account = s3.credentials()
    environment = {"ROOT_ACCESS_KEY": account.access_key, "ROOT_SECRET_KEY": account.secret_key}
    flags = ["--port", f"{host}:{port}", "--region", s3.REGION, "--quiet"]
    process = start("s3", [binary("versitygw"), *flags, "posix", objects], environment)
    wait("the S3 server", lambda: port_open(host, int(port)), seconds=30, process=process)
    s3.ensure_bucket()
    s3.put(EVENTS_KEY, b"")


def start_history() -> None:
    settings = {
        "spark.history.fs.logDirectory": f"s3a://{S3_BUCKET}/{EVENTS_KEY}",
        "spark.history.fs.update.interval": "2s",
        "spark.history.ui.port": HISTORY_ADDRESS.rpartition(":")[2],
        "spark.hadoop.fs.s3a.endpoint": S3_ENDPOINT,
        "spark.hadoop.fs.s3a.endpoint.region": s3.REGION,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        "spark.hadoop.fs.s3a.directory.marker.retention": "keep",
    }
    account = s3.credentials()
    environment = {
        "AWS_ACCESS_KEY_ID": account.access_key,
        "AWS_SECRET_ACCESS_KEY": account.secret_key,
        "SPARK_LOCAL_IP": BRIDGE_ADDRESS,  # what it binds to; else every address of the machine
    }
    classpath = f"{pyspark_home() / 'jars'}/*:{jars.s3a()}/*"
    options = ["-Xmx512m", "-cp", classpath, *(f"-D{name}={value}" for name, value in settings.items())]
    command = [java_home() / "bin" / "java", *options, "org.apache.spark.deploy.history.HistoryServer"]
    process = start("history", command, environment)
    address = f"{HISTORY_ADDRESS}/api/v1/applications"
    wait("the history server", lambda: http_ok(address), seconds=90, process=process)
