"""Container images without a registry: built here by buildah, kept as archives that containerd imports."""

import importlib.metadata
import os
import shutil
import tempfile
from pathlib import Path

from tests.stack.build import jars
from tests.stack.build.cache import fingerprint, folder
from tests.stack.build.spark import pyspark_home
from tests.stack.host.commands import announce, polite, run
from tests.stack.layout import CACHE, MANIFESTS, PAUSE_IMAGE, REPOSITORY, SPARK_IMAGE

SUITE = "bookworm"
BASE_PACKAGES = "openjdk-17-jre-headless,python3,tini,procps,ca-certificates"
SPARK_SOURCE = REPOSITORY / "images" / "spark"
#: Archer's own driver for SQL jobs; the image must hold it as /opt/moka/sql.py.
SQL_DRIVER = REPOSITORY / "archer" / "drivers" / "sql.py"
_PAUSE_DOCKERFILE = 'FROM scratch\nCOPY pause /pause\nUSER 65535:65535\nENTRYPOINT ["/pause"]\n'


def archives() -> dict[str, Path]:
    """Image name -> archive to import, built when not cached."""
    return {PAUSE_IMAGE: pause(), SPARK_IMAGE: spark()}


def pause() -> Path:
    source = MANIFESTS / "pause.c"

    def build(target: Path) -> None:
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            context = Path(scratch)
            run("gcc", "-Os", "-s", "-static", "-o", context / "pause", source)
            (context / "Dockerfile").write_text(_PAUSE_DOCKERFILE)
            _bake(context, PAUSE_IMAGE, target / "image.tar")

    return folder("image-pause", fingerprint(source, _PAUSE_DOCKERFILE), build) / "image.tar"


def spark() -> Path:
    driver = SQL_DRIVER if SQL_DRIVER.exists() else ""
    version = importlib.metadata.version("pyspark")
    key = fingerprint(version, SPARK_SOURCE, repr(jars.S3A), SUITE, BASE_PACKAGES, driver)

    def build(target: Path) -> None:
        base = f"localhost/moka-base:{_base_key()}"
        _ensure_base(base)
        announce("building the Spark image")
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            context = Path(scratch)
            fill_context(context)
            _bake(context, SPARK_IMAGE, target / "image.tar", "--build-arg", f"BASE={base}")

    archive = folder("image-spark", key, build) / "image.tar"
    _remove_older(archive)
    return archive


def _remove_older(archive: Path) -> None:
    """One archive takes a gigabyte, and every edit of the SQL driver makes another."""
    for other in CACHE.glob("image-spark-*"):
        if other != archive.parent and other.stat().st_mtime < archive.parent.stat().st_mtime:
            shutil.rmtree(other)


def fill_context(context: Path) -> None:
    """Assemble what the Spark image is built of, beside its Dockerfile, in an empty folder."""
    home = pyspark_home()
    for part in ("bin", "sbin", "jars", "python"):
        shutil.copytree(home / part, context / "spark" / part, copy_function=_link)
    shutil.copytree(jars.s3a(), context / "jars", copy_function=_link)
    for file in SPARK_SOURCE.iterdir():
        shutil.copy2(file, context / file.name)
    (context / "opt").mkdir()
    if SQL_DRIVER.exists():
        shutil.copy2(SQL_DRIVER, context / "opt" / "sql.py")


def _link(source: str, target: str) -> None:
    """A second name instead of a copy of 600 MB, where both lie on one file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _base_key() -> str:
    return fingerprint(SUITE, BASE_PACKAGES)


def _ensure_base(image: str) -> None:
    """A Debian with Java and Python, made by debootstrap and kept in buildah's own store."""
    if image in run(*_buildah("images", "--format", "{{.Name}}:{{.Tag}}")).split():
        return
    announce("building the base image")
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        root = Path(scratch) / "root"
        run(*polite("debootstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", SUITE, root))
        for waste in (
            "var/cache/apt",
            "var/lib/apt/lists",
            "usr/share/doc",
            "usr/share/man",
            "usr/share/locale",
        ):
            shutil.rmtree(root / waste, ignore_errors=True)
        (Path(scratch) / "Dockerfile").write_text("FROM scratch\nCOPY root/ /\n")
        run(*_buildah("bud", "--isolation", "chroot", "--tag", image, scratch))


def _bake(context: Path, image: str, archive: Path, *arguments: str) -> None:
    run(*_buildah("bud", "--isolation", "chroot", "--layers", *arguments, "--tag", image, context))
    run(*_buildah("push", image, f"docker-archive:{archive}:{image}"))


def _buildah(*arguments: str | Path) -> list[str]:
    """A buildah with a store of its own, which leaves the one of the machine's user alone."""
    store = ["--root", CACHE / "buildah", "--runroot", CACHE / "buildah-run", "--storage-driver", "overlay"]
    return polite("buildah", *store, *arguments)
