"""Which clusters the embedded Moka runs with."""

from __future__ import annotations

import subprocess
import sys

import pytest

from archer.dev.stack import Options, inventory
from archer.errors import SettingsError

FILE = """\
clusters:
  - {name: moka, adapter: kubernetes, context: kind-moka}
queues:
  - {path: root.default}
"""


def test_without_a_file_there_is_one_local_cluster(tmp_path):
    (cluster,) = inventory(Options(tmp_path)).clusters
    assert (cluster.name, cluster.adapter, cluster.root) == ("local", "local", tmp_path / "cluster")


def test_a_clusters_file_takes_its_place(tmp_path):
    file = tmp_path / "clusters.yaml"
    file.write_text(FILE)
    (cluster,) = inventory(Options(tmp_path, clusters=file)).clusters
    assert (cluster.name, cluster.adapter, cluster.context) == ("moka", "kubernetes", "kind-moka")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.yaml"):
        inventory(Options(tmp_path, clusters=tmp_path / "nowhere.yaml"))


def test_the_demo_has_its_own_cluster():
    command = [sys.executable, "-m", "archer.dev", "--demo", "--clusters", "x.yaml"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "the demo runs on a local cluster" in ended.stderr
