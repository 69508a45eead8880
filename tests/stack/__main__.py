"""``python -m tests.stack VERB``: what the Makefile calls."""

import argparse
import sys
from pathlib import Path

from tests.stack import lifecycle
from tests.stack.build import images
from tests.stack.build.binaries import COMMANDS, binary
from tests.stack.host import processes, residue
from tests.stack.host.commands import announce
from tests.stack.host.processes import StackError
from tests.stack.parts.order import PARTS, part


def main() -> int:
    arguments = _parser().parse_args()
    try:
        return _do(arguments.verb, getattr(arguments, "name", None))
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.stack", description=lifecycle.__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("build", help="install and build everything, start nothing")
    verbs.add_parser("up", help="start what does not run yet, wait until it is ready")
    verbs.add_parser("down", help="end everything and undo what it did to the machine")
    verbs.add_parser("status", help="list the processes; exit 1 unless all of them run")
    verbs.add_parser(
        "residue", help="compare the machine with what it was before `up`; exit 1 when it differs"
    )
    tool = verbs.add_parser("tool", help="print the path of a pinned program, built when need be")
    tool.add_argument("name", choices=COMMANDS)
    context = verbs.add_parser("context", help="assemble what the Spark image is built of, in a new folder")
    context.add_argument("name", metavar="FOLDER")
    start = verbs.add_parser("start", help="start one part, such as one that `up` leaves out")
    start.add_argument("name", choices=[p.name for p in PARTS])
    for verb, what in (
        ("stop", "end one process"),
        ("restart", "start one process again, as it was started"),
    ):
        verbs.add_parser(verb, help=what).add_argument("name", choices=sorted(processes.recorded()))
    return parser


def _do(verb: str, name: str | None) -> int:
    if verb == "start":
        part(name or "").start()
    elif verb == "context":
        Path(name or "").mkdir(parents=True)
        images.fill_context(Path(name or ""))
    elif verb == "tool":
        announce(str(binary(name or "")))
    elif verb == "stop":
        processes.end(name or "")
    elif verb == "restart":
        processes.restart(name or "")
    elif verb == "residue":
        return _print(residue.difference(), bad="the machine is not as it was", good="nothing is left")
    elif verb == "status":
        _print(lifecycle.status(), bad="", good="nothing runs")
        return 0 if lifecycle.is_up() else 1
    else:
        {"build": lifecycle.build, "up": lifecycle.up, "down": lifecycle.down}[verb]()
    return 0


def _print(lines: list[str], *, bad: str, good: str) -> int:
    for line in lines or [good]:
        announce(line)
    if lines and bad:
        announce(bad)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
