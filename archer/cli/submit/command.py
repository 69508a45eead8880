"""`moka submit`: hand a job to Archer exactly once, however often the line breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import typer

from archer.cli.exits import CommandError, TryAgain
from archer.cli.options import taking
from archer.cli.submit.flags import Flags
from archer.cli.target import Format, connect

if TYPE_CHECKING:
    from archer.cli.http.connection import Archer

SUBMIT_SECONDS: Final = 30.0  # of pauses; a restart of Archer takes less

Body = dict[str, Any]


@taking(Flags)
def submit(context: typer.Context, flags: Flags) -> None:
    """Submit a Spark job, with spark-submit's options. Standard output is the job's id.

    Options come before APP; what comes after it is the program's own.
    """
    from archer.cli.show.output import say
    from archer.cli.submit.body import request_body

    if flags.follow and flags.output is not Format.TABLE:
        raise CommandError("--follow writes the log to standard output: use --wait with --output")
    body = request_body(flags, say)
    with connect(context) as archer:
        if flags.dry_run:
            return _render(archer, body, flags.output)
        job = _accept(archer, body, flags.idempotency_key or str(uuid4()))
        raise typer.Exit(_afterwards(archer, job, flags))


def _accept(archer: Archer, body: Body, key: str) -> Body:
    """Post until there is an answer. The key is the same each time, so there is one job at most."""
    from archer.cli.http.connection import is_loopback
    from archer.cli.http.patience import patiently
    from archer.cli.show.output import say

    def tell(error: TryAgain) -> None:
        say(f"{error.message}; trying again for {SUBMIT_SECONDS:.0f} s, with the same key: {key}")

    if str(body.get("main_application_file", "")).startswith("file://") and not is_loopback(archer.url):
        say(f"{body['main_application_file']} is on this machine; a driver elsewhere may not find it.")
    status, job = patiently(lambda: archer.post("/v1/jobs", body, key=key), seconds=SUBMIT_SECONDS, tell=tell)
    if status != 201:
        say(f"Submitted before: this key belongs to {job['id']}, which is {job['state']}.")
    return job


def _afterwards(archer: Archer, job: Body, flags: Flags) -> int:
    from archer.cli.following import wait
    from archer.cli.logs import LogFollower, Place
    from archer.cli.show.output import say, show, write
    from archer.cli.show.tables import job_card

    page = (job.get("links") or {}).get("ui")
    if page:
        say(f"Page: {page}")
    if flags.follow:
        return LogFollower(archer, job, Place()).run()
    if flags.output is Format.TABLE:
        write(f"{job['id']}\n")
    code = 0
    if flags.wait:
        code, job = wait(archer, job)
    elif flags.output is Format.TABLE:
        say(f"Follow it: moka logs -f {job['id']}")
    if flags.output is not Format.TABLE:
        show(job, flags.output, table=job_card)
    return code


def _render(archer: Archer, body: Body, output: Format) -> None:
    """Show what would be made: the manifest, or with --output wide where each field came from."""
    from archer.cli.show.output import say, show, write, yaml_text

    _, rendered = archer.post("/v1/jobs:render", body)
    if rendered["manifest"] is None:
        placement = yaml_text(rendered.get("placement") or {}).splitlines()
        raise CommandError("no cluster would take this job now, so there is no manifest", details=placement)
    if output in (Format.TABLE, Format.NAME):
        write(yaml_text(rendered["manifest"]))
    else:
        show(rendered, output, table=_provenance)
    say("Nothing was submitted: this is what Archer would make of it.")


def _provenance(rendered: Any, _wide: bool) -> Any:
    from archer.cli.show.tables import provenance_table

    return provenance_table(rendered)
