"""Jars from Maven Central that the pyspark distribution lacks, each pinned by its hash."""

import hashlib
import urllib.request
from pathlib import Path

from tests.stack.build.cache import fingerprint, folder
from tests.stack.host.commands import announce
from tests.stack.host.processes import StackError

CENTRAL = "https://repo1.maven.org/maven2"
#: The pair that Spark 3.5's own Hadoop 3.3.4 was released with; other versions fail at class loading.
S3A = {
    "org/apache/hadoop/hadoop-aws/3.3.4/hadoop-aws-3.3.4.jar": (
        "53f9ae03c681a30a50aa17524bd9790ab596b28481858e54efd989a826ed3a4a"
    ),
    "com/amazonaws/aws-java-sdk-bundle/1.12.262/aws-java-sdk-bundle-1.12.262.jar": (
        "873fe7cf495126619997bec21c44de5d992544aea7e632fdc77adb1a0915bae5"
    ),
}


def s3a() -> Path:
    """The folder with the jars of S3A."""
    return fetched("jars-s3a", S3A)


def fetched(name: str, pins: dict[str, str]) -> Path:
    """A cached folder with these files; *pins* maps a path on Maven Central to the file's sha256."""

    def fetch_all(target: Path) -> None:
        for path, sha256 in pins.items():
            _fetch(path, sha256, target / path.rpartition("/")[2])

    return folder(name, fingerprint(repr(pins)), fetch_all)


def _fetch(path: str, sha256: str, target: Path) -> None:
    announce(f"downloading {target.name}")
    digest = hashlib.sha256()
    with urllib.request.urlopen(f"{CENTRAL}/{path}", timeout=120) as answer, target.open("wb") as output:
        while chunk := answer.read(1 << 20):
            digest.update(chunk)
            output.write(chunk)
    if digest.hexdigest() != sha256:
        raise StackError(f"{target.name}: sha256 is {digest.hexdigest()}, pinned is {sha256}")
