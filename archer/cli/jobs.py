"""The commands that look at jobs, wait for them and cancel them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from archer.cli import exits
from archer.cli.filters import Filters
from archer.cli.options import taking
from archer.cli.target import Format, Output, connect

JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id, as submit and list show it.")]


def get(context: typer.Context, job_id: JobId, output: Output = Format.TABLE) -> None:
    """Show one job, its attempts and why it ended."""
    from archer.cli.http.connection import job_path
    from archer.cli.show.output import show

    with connect(context) as archer:
        job = archer.get(job_path(job_id))
    show(job, output, table=_card)


@taking(Filters)
def list_(context: typer.Context, filters: Filters) -> None:
    """List jobs, newest first; filters narrow the list."""
    from archer.cli.show.output import say, show

    with connect(context) as archer:
        query = filters.query()
        page = archer.get("/v1/jobs", **query)
        while filters.everything and page.get("next_cursor"):
            more = archer.get("/v1/jobs", **query, cursor=page["next_cursor"])
            page = {**more, "items": [*page["items"], *more["items"]]}
    show(page, filters.output, table=_jobs)
    if page.get("next_cursor"):
        say(f"These are the first {len(page['items'])}; --all shows every one, --limit more of them.")
    elif not page["items"] and filters.output in (Format.TABLE, Format.WIDE):
        say("No job matches.")


def events(context: typer.Context, job_id: JobId, output: Output = Format.TABLE) -> None:
    """Show what happened to a job, oldest first."""
    from archer.cli.http.connection import job_path
    from archer.cli.show.output import show
    from archer.cli.show.tables import events_table

    path = job_path(job_id, "/events")
    with connect(context) as archer:
        page = archer.get(path)
        while page.get("next_cursor"):
            more = archer.get(path, cursor=page["next_cursor"])
            page = {**more, "items": [*page["items"], *more["items"]]}
    show(page, output, table=events_table)


def logs(
    context: typer.Context,
    job_id: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    role: Annotated[str, typer.Option(help="`driver`, or an executor such as `executor-1`.")] = "driver",
    attempt: Annotated[int | None, typer.Option(min=1, help="Which attempt; the last when absent.")] = None,
    tail: Annotated[int | None, typer.Option(min=0, help="Only the last lines, so many.")] = None,
) -> None:
    """Write a log to standard output; with -f the exit code tells how the job ended."""
    from archer.cli import logs as reading
    from archer.cli.http.connection import job_path
    from archer.cli.show.output import write

    place = reading.Place(role, attempt)
    with connect(context) as archer:
        job = archer.get(job_path(job_id)) if follow else {}
        try:
            if tail is not None:
                write(reading.tail(archer, job_id, place, tail))
            elif not follow:
                for text in reading.pages(archer, job_id, place):
                    write(text)
        except exits.CommandError as error:
            if not follow or error.code not in reading.NOT_YET:
                raise
        if follow:
            follower = reading.LogFollower(archer, job, place, one_attempt=attempt is not None)
            raise typer.Exit(follower.run())


def wait(context: typer.Context, job_id: JobId, output: Output = Format.TABLE) -> None:
    """Wait until a job has ended; the exit code tells how, standard output its final state."""
    from archer.cli.following import wait
    from archer.cli.http.connection import job_path

    with connect(context) as archer:
        code, job = wait(archer, archer.get(job_path(job_id)))
    _show_ended(job, output)
    raise typer.Exit(code)


def cancel(
    context: typer.Context,
    job_id: JobId,
    until_ended: Annotated[bool, typer.Option("--wait", help="Return when the job has ended.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Cancel a job. With --wait the exit code is 0 when it ended cancelled, 1 when it ended otherwise."""
    from archer.cli.following import Follower
    from archer.cli.http.connection import job_path
    from archer.cli.show.output import say
    from archer.cli.show.words import is_final, sentence

    with connect(context) as archer:
        _, job = archer.post(job_path(job_id, "/cancel"))
        if until_ended:
            job = Follower(archer, job).until(is_final)
        else:
            say(sentence(job))
    _show_ended(job, output)
    if until_ended and job["state"] != "cancelled":
        raise typer.Exit(exits.JOB_FAILED)


def _show_ended(job: dict[str, Any], output: Format) -> None:
    from archer.cli.show.output import show, write

    if output is Format.TABLE:
        write(f"{job['state']}\n")
    else:
        show(job, output, table=_card)


def _card(job: Any, wide: bool) -> Any:
    from archer.cli.show.tables import job_card

    return job_card(job, wide)


def _jobs(page: Any, wide: bool) -> Any:
    from archer.cli.show.tables import jobs_table

    return jobs_table(page, wide)
