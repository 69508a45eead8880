"""The `moka` command: which commands there are, and how every one of them ends.

Command modules import what they need when they run, so that `moka --help` answers at once.
"""

from __future__ import annotations

import copy
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from archer import __version__
from archer.cli import clusters, exits, jobs
from archer.cli.doctor.command import doctor
from archer.cli.submit.command import submit
from archer.cli.target import DEFAULT_URL, Target
from archer.cli.token import token

EVERYWHERE: Final = ("url", "token")
EPILOG: Final = "Exit codes:\n\n" + "\n\n".join(f"{code}  {text}" for code, text in exits.MEANINGS.items())


class Commands(TyperGroup):
    """The group of commands: takes --url and --token on either side, and shows expected faults in words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ours = [parameter for parameter in self.params if parameter.name in EVERYWHERE]
        for command in self.commands.values():
            # a second call of the constructor (tests build the group anew) finds fresh commands
            command.params.extend(_below(parameter) for parameter in ours)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; the exit code follows from the class of the fault."""
        try:
            return super().invoke(ctx)
        except exits.CommandError as error:
            from archer.cli.show.output import say

            for line in error.lines():
                say(line)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            from archer.cli.show.output import say

            say("Interrupted. A job that Archer has accepted goes on.")
            raise typer.Exit(exits.INTERRUPTED) from error
        except BrokenPipeError as error:
            # else Python complains once more when it closes standard output
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(exits.PIPE_CLOSED) from error


def _below(parameter: Any) -> Any:
    """The same option after the command's name, where it wins over the one before."""
    option = copy.copy(parameter)
    option.expose_value, option.envvar, option.default = False, None, None

    def remember(context: typer.Context, taken: Any, value: str | None) -> None:
        if value is not None:
            setattr(context.obj, taken.name, value)
            context.obj.chosen |= taken.name == "url"

    option.callback = remember
    return option


app = typer.Typer(
    cls=Commands,
    name="moka",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)


@app.callback()
def moka(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option(envvar="MOKA_URL", help=f"Archer's address; {DEFAULT_URL}.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="MOKA_TOKEN", help="Who you are; better in the environment.")
    ] = None,
) -> None:
    """Submit batch Spark jobs to Archer and follow them.

    Start with `moka dev` in one terminal and `moka submit --follow FILE.py` in another.
    """
    context.obj = Target(url or DEFAULT_URL, token or None, chosen=bool(url))


app.command(rich_help_panel="Jobs", context_settings={"allow_interspersed_args": False})(submit)
app.command(rich_help_panel="Jobs")(jobs.get)
app.command("list", rich_help_panel="Jobs")(jobs.list_)
app.command(rich_help_panel="Jobs")(jobs.logs)
app.command(rich_help_panel="Jobs")(jobs.events)
app.command(rich_help_panel="Jobs")(jobs.wait)
app.command(rich_help_panel="Jobs")(jobs.cancel)

app.command(rich_help_panel="Clusters")(clusters.clusters)
app.command(rich_help_panel="Clusters")(clusters.cordon)
app.command(rich_help_panel="Clusters")(clusters.drain)
app.command(rich_help_panel="Clusters")(clusters.activate)


@app.command(rich_help_panel="Here")
def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where Archer listens.")] = 8080,
    ui_port: Annotated[int, typer.Option(min=1, max=65535, help="Where Moka UI listens.")] = 8090,
    data: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path(".moka"),
) -> None:
    """Start everything on this machine: Postgres, Archer, Moka UI and a local cluster."""
    sys.stdout.flush()
    options = ["--port", str(port), "--ui-port", str(ui_port), "--data", str(data)]
    os.execv(sys.executable, [sys.executable, "-m", "archer.dev", *options])  # noqa: S606


@app.command(rich_help_panel="Here")
def version(context: typer.Context) -> None:
    """Show the version of this command line and of Archer."""
    from archer.cli.show.output import say, write
    from archer.cli.target import connect

    write(f"moka {__version__}\n")
    try:
        with connect(context) as archer:
            write(f"archer {archer.get('/version', seconds=2).get('version', 'unknown')}\n")
    except exits.TryAgain as error:
        say(error.message)


app.command(rich_help_panel="Here")(doctor)
app.command(rich_help_panel="Here")(token)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # a state's symbol must not end the command on a terminal that knows ASCII alone
        stream.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue]
    app(prog_name="moka")


if __name__ == "__main__":
    main()
