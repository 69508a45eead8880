"""Short-lived commands: run to their end, their output shown only when they fail."""

import os
import subprocess
from pathlib import Path

from tests.stack.host.processes import StackError


def run(
    *argv: str | Path,
    environment: dict[str, str] | None = None,
    stdin: str | None = None,
    cwd: Path | None = None,
) -> str:
    """Run a command and return what it printed.

    Raises: StackError with the end of its output when it fails.
    """
    words = [str(word) for word in argv]
    done = subprocess.run(
        words,
        env={**os.environ, **(environment or {})},
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )
    if done.returncode != 0:
        raise StackError(
            f"{' '.join(words)[:200]}: exit {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}"
        )
    return done.stdout


def succeeds(*argv: str | Path) -> bool:
    return subprocess.run([str(word) for word in argv], capture_output=True, check=False).returncode == 0


def polite(*argv: str | Path) -> list[str]:
    """The same command at the lowest priority: a build must not starve what else runs here."""
    return ["nice", "-n", "15", *(str(word) for word in argv)]


def announce(text: str) -> None:
    """Tell the person at the terminal what is going on; a cold build is long."""
    print(text, flush=True)
