"""The options of `moka submit`: spark-submit's names first, then Moka's own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from archer.cli.target import Format, Output

OURS = "Moka's own"
AFTER = "What happens then"


class Type(StrEnum):
    """What kind of program runs."""

    PYTHON = "python"
    JAVA = "java"
    SCALA = "scala"
    R = "r"
    SQL = "sql"


class Arch(StrEnum):
    """The processors it may run on."""

    AUTO = "auto"
    ARM64 = "arm64"
    AMD64 = "amd64"


Text = str | None
Many = list[str] | None
Count = int | None
LIST = "Parted by commas, and may be repeated."
SIZE = "JVM heap, such as 4g; a plain number means MiB."
SET_FOR_YOU = "Accepted and left out: the platform sets it."


@dataclass
class Flags:
    """What `moka submit` takes."""

    app: Annotated[
        Text, typer.Argument(metavar="APP", help="The program: a local path, or a location such as s3a://…")
    ] = None
    args: Annotated[
        Many, typer.Argument(metavar="ARGS", help="Handed to the program as they are, options included.")
    ] = None

    main_class: Annotated[Text, typer.Option("--class", help="Main class of a Java or Scala program.")] = None
    name: Annotated[Text, typer.Option("--name", help="What people call the job.")] = None
    conf: Annotated[Many, typer.Option("--conf", "-c", metavar="KEY=VALUE", help="May be repeated.")] = None
    properties_file: Annotated[
        Path | None, typer.Option("--properties-file", help="Spark properties; --conf wins over it.")
    ] = None
    jars: Annotated[Many, typer.Option("--jars", metavar="LIST", help=LIST)] = None
    py_files: Annotated[Many, typer.Option("--py-files", metavar="LIST", help=LIST)] = None
    files: Annotated[Many, typer.Option("--files", metavar="LIST", help=LIST)] = None
    archives: Annotated[Many, typer.Option("--archives", metavar="LIST", help=LIST)] = None
    packages: Annotated[
        Many, typer.Option("--packages", metavar="LIST", help="Maven coordinates. " + LIST)
    ] = None
    driver_memory: Annotated[Text, typer.Option("--driver-memory", metavar="SIZE", help=SIZE)] = None
    driver_cores: Annotated[Count, typer.Option("--driver-cores")] = None
    executor_memory: Annotated[Text, typer.Option("--executor-memory", metavar="SIZE", help=SIZE)] = None
    executor_cores: Annotated[Count, typer.Option("--executor-cores")] = None
    num_executors: Annotated[Count, typer.Option("--num-executors")] = None
    queue: Annotated[Text, typer.Option("--queue", help="Full path, such as root.etl.tier1.")] = None
    master: Annotated[Text, typer.Option("--master", help=SET_FOR_YOU)] = None
    deploy_mode: Annotated[Text, typer.Option("--deploy-mode", help=SET_FOR_YOU)] = None

    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", help="A request in JSON or YAML, - reads it; options win.", rich_help_panel=OURS
        ),
    ] = None
    sql: Annotated[Text, typer.Option("--sql", help="Run these statements.", rich_help_panel=OURS)] = None
    type: Annotated[
        Type | None, typer.Option("--type", help="Else the suffix of APP says it.", rich_help_panel=OURS)
    ] = None
    tenant: Annotated[Text, typer.Option("--tenant", rich_help_panel=OURS)] = None
    arch: Annotated[Arch | None, typer.Option("--arch", rich_help_panel=OURS)] = None
    spark_version: Annotated[Text, typer.Option("--spark-version", rich_help_panel=OURS)] = None
    env: Annotated[Many, typer.Option("--env", metavar="NAME=VALUE", rich_help_panel=OURS)] = None
    label: Annotated[Many, typer.Option("--label", metavar="KEY=VALUE", rich_help_panel=OURS)] = None
    priority: Annotated[
        Count, typer.Option("--priority", help="0 to 100; higher goes first.", rich_help_panel=OURS)
    ] = None
    max_attempts: Annotated[
        Count, typer.Option("--max-attempts", help="The first one included.", rich_help_panel=OURS)
    ] = None
    timeout: Annotated[
        Text,
        typer.Option("--timeout", help="From acceptance to the end: 90s, 30m, 2h.", rich_help_panel=OURS),
    ] = None
    correlation_id: Annotated[
        Text, typer.Option("--correlation-id", help="Your own name for this work.", rich_help_panel=OURS)
    ] = None
    idempotency_key: Annotated[
        Text,
        typer.Option(
            "--idempotency-key", help="The same key never makes a second job.", rich_help_panel=OURS
        ),
    ] = None

    wait: Annotated[
        bool,
        typer.Option("--wait", help="Until it has ended; the exit code tells how.", rich_help_panel=AFTER),
    ] = False
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait, and write the driver's log.", rich_help_panel=AFTER)
    ] = False
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show the manifest that would be made, and nothing else.", rich_help_panel=AFTER
        ),
    ] = False
    output: Output = Format.TABLE
