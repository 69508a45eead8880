"""One process of Archer: ``archer {api,dispatcher,watcher,janitor,migrate}``, or ``archer policy check``."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

import structlog
import uvloop

from archer.errors import ArcherError, SettingsError
from archer.processes import ROLES, follow_file, open_clusters, require_a_login
from archer.settings import Settings, load_inventory, load_settings
from archer.site.policy_file import admission_text, check_policy, load_policy
from archer.store.engine import Database
from archer.store.migrations import migrate
from archer.telemetry import configure_logs

log = structlog.get_logger(__name__)

USAGE: Final = 2


def main() -> None:
    """Run one process until a signal ends it."""
    arguments = _parser().parse_args()
    role = arguments.role
    try:
        if role == "policy":
            sys.stdout.write(_look_at_policy(arguments))
            return
        settings = load_settings()
        configure_logs(settings.log_format)
        log.info("starting", role=role, settings=settings.model_dump(mode="json"))
        if role == "migrate":
            migrate(settings.dsn())
            return
        if role == "api":
            require_a_login(settings)
        uvloop.run(_run(role, settings))
    except ArcherError as error:
        sys.stderr.write(f"archer: {error}\n")
        raise SystemExit(USAGE if isinstance(error, SettingsError) else 1) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="archer", description="One process of Archer, or a look at its files."
    )
    roles = parser.add_subparsers(dest="role", required=True, metavar="role")
    for role in (*ROLES, "migrate"):
        roles.add_parser(role, help=f"run the {role}" if role in ROLES else "bring the database up to date")
    actions = roles.add_parser("policy", help="look at a policy file").add_subparsers(
        dest="action", required=True
    )
    check = actions.add_parser("check", help="say whether Archer would take it; exit 2 when not")
    fence = actions.add_parser("admission", help="print what keeps it in a cluster's API server, as YAML")
    for action in (check, fence):
        action.add_argument("file", type=Path, help="the policy file")
        action.add_argument(
            "--clusters", type=Path, required=action is fence, help="the clusters file that it goes with"
        )
    fence.add_argument("--cluster", required=True, help="name of the cluster that it is for")
    fence.add_argument(
        "--submitter",
        action="append",
        required=True,
        help="who creates applications there, such as system:serviceaccount:moka:archer; repeat for more",
    )
    fence.add_argument(
        "--operator", action="append", default=[], help="who alone may write their status; repeat for more"
    )
    return parser


def _look_at_policy(arguments: argparse.Namespace) -> str:
    if arguments.action == "check":
        return check_policy(arguments.file, arguments.clusters)
    return admission_text(
        arguments.file,
        arguments.clusters,
        cluster=arguments.cluster,
        submitters=arguments.submitter,
        operators=arguments.operator,
    )


async def _run(role: str, settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    path, policy_path = settings.clusters_file, settings.policy_file
    file = open_clusters(
        load_inventory(path), path=path, policy=load_policy(policy_path), policy_path=policy_path
    )
    database = Database(settings.dsn(), application=f"archer-{role}")
    following = asyncio.create_task(follow_file(settings, database, file, stop=stop))
    try:
        await ROLES[role](settings, database, file.sites, stop=stop)
    finally:
        stop.set()
        await asyncio.gather(following, return_exceptions=True)
        await file.close()
        await database.close()


if __name__ == "__main__":
    main()
