"""Files of a machine: only a local cluster may be asked to read them."""

from __future__ import annotations

import pytest

from archer.domain.cluster import ClusterFacts, ClusterState
from archer.domain.placement import choose, wish_of
from tests.builders import profile, request

HERE, IN_IMAGE, FAR = "file:///data/x.jar", "local:///opt/x.jar", "s3a://jars/x.jar"
DEPENDENCIES = ("jars", "files", "py_files", "archives")


def facts(name: str, adapter: str) -> ClusterFacts:
    return ClusterFacts(profile(name, adapter=adapter), ClusterState.ACTIVE, 0)


@pytest.mark.parametrize("field", DEPENDENCIES)
def test_one_file_of_a_machine_is_enough(field):
    assert request(deps={field: [FAR, IN_IMAGE, HERE]}).names_local_files
    assert not request(deps={field: [FAR, IN_IMAGE]}).names_local_files


def test_the_program_counts_too():
    assert request(main_application_file=HERE).names_local_files
    assert not request(main_application_file=IN_IMAGE).names_local_files


@pytest.mark.parametrize(
    "fields", [{"main_application_file": HERE}, *({"deps": {field: [HERE]}} for field in DEPENDENCIES)]
)
def test_files_of_a_machine_go_to_local_clusters_only(fields):
    wish = wish_of(request(**fields), "root.default")
    decision = choose(wish, [facts("remote", "kubernetes"), facts("here", "local")])
    assert decision.cluster == "here"
    (reject,) = decision.rejects
    assert (reject.cluster, reject.rule) == ("remote", "files")
    assert reject.message == "the job names files of a machine, and it is no local cluster"


def test_without_a_local_cluster_they_go_nowhere():
    decision = choose(
        wish_of(request(main_application_file=HERE), "root.default"), [facts("remote", "kubernetes")]
    )
    assert (decision.cluster, [reject.rule for reject in decision.rejects]) == (None, ["files"])
