"""Jars from Maven Central that the pyspark distribution lacks, each pinned by its hash.

Fetched by Ivy, the client that ``spark-submit --packages`` uses: pyspark brings it.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.stack.build.cache import fingerprint, folder
from tests.stack.build.spark import java_home, pyspark_home
from tests.stack.host.commands import announce, run
from tests.stack.host.processes import StackError


@dataclass(frozen=True)
class Artifact:
    group: str
    name: str
    version: str
    sha256: str
    kind: str = "jar"
    classifier: str = ""

    @property
    def file(self) -> str:
        suffix = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{suffix}.{self.kind}"

    def as_dependency(self) -> str:
        classifier = f' m:classifier="{self.classifier}"' if self.classifier else ""
        artifact = f'<artifact name="{self.name}" type="{self.kind}" ext="{self.kind}"{classifier}/>'
        place = f'org="{self.group}" name="{self.name}" rev="{self.version}"'
        return f'<dependency {place} transitive="false" conf="default->*">{artifact}</dependency>'


#: The pair that Spark 3.5's own Hadoop 3.3.4 was released with; other versions fail at class loading.
S3A = (
    Artifact(
        "org.apache.hadoop",
        "hadoop-aws",
        "3.3.4",
        "53f9ae03c681a30a50aa17524bd9790ab596b28481858e54efd989a826ed3a4a",
    ),
    Artifact(
        "com.amazonaws",
        "aws-java-sdk-bundle",
        "1.12.262",
        "873fe7cf495126619997bec21c44de5d992544aea7e632fdc77adb1a0915bae5",
    ),
)
_MODULE = """\
<ivy-module version="2.0" xmlns:m="http://ant.apache.org/ivy/maven">
  <info organisation="moka" module="stack"/>
  <configurations><conf name="default"/></configurations>
  <dependencies>{dependencies}</dependencies>
</ivy-module>
"""


def s3a() -> Path:
    """The folder with the jars of S3A."""
    return fetched("jars-s3a", S3A)


def fetched(name: str, artifacts: tuple[Artifact, ...]) -> Path:
    """A cached folder with the files of these artifacts, as they are pinned."""
    return folder(name, fingerprint(repr(artifacts)), lambda target: _fetch(artifacts, target))


def _fetch(artifacts: tuple[Artifact, ...], target: Path) -> None:
    announce(f"downloading {', '.join(artifact.file for artifact in artifacts)}")
    module = target.with_suffix(".xml")
    module.write_text(
        _MODULE.format(dependencies="".join(artifact.as_dependency() for artifact in artifacts))
    )
    client = next((pyspark_home() / "jars").glob("ivy-*.jar"))
    cache = target.with_suffix(".ivy")  # of this call only: the one in the home folder is somebody else's
    pattern = f"{target}/[artifact]-[revision](-[classifier]).[ext]"
    options = ["-ivy", module, "-cache", cache, "-retrieve", pattern]
    run(java_home() / "bin" / "java", "-jar", client, *options)
    module.unlink()
    shutil.rmtree(cache)
    for artifact in artifacts:
        _check(target / artifact.file, artifact.sha256)


def _check(file: Path, sha256: str) -> None:
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != sha256:
        raise StackError(f"{file.name}: sha256 is {found}, pinned is {sha256}")
