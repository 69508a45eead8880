"""The policy file changes while Archer runs: it is taken with the clusters file, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from archer.clusters.port import Cluster
from archer.domain.tenancy.policy import Policy
from archer.settings import load_inventory
from archer.site import files as module
from archer.site.files import SiteFiles
from archer.site.policy_file import load_policy, parse_policy
from tests.loops.test_site import Opened

POLICY = """
queues: [{path: root.etl, tier: 1}]
tenants: [{name: ads, namespace: spark-ads, queues: [root.etl]}]
"""


@pytest.fixture
async def ruled(tmp_path: Path) -> AsyncIterator[tuple[SiteFiles, Path]]:
    """A site of one cluster with a policy file."""
    path, policy_path = tmp_path / "clusters.yaml", tmp_path / "policy.yaml"
    path.write_text("clusters: [{name: a, adapter: kubernetes}]\n")
    policy_path.write_text(POLICY)
    files = SiteFiles(
        load_inventory(path),
        configure=lambda entry: (entry.name, entry.all_namespaces()),
        open_cluster=lambda config: cast("Cluster", Opened(config)),
        path=path,
        policy=load_policy(policy_path),
        policy_path=policy_path,
    )
    yield files, policy_path
    await files.close()


async def test_a_changed_policy_file_is_taken_with_its_queues_and_namespaces(ruled: tuple[SiteFiles, Path]):
    files, policy_path = ruled
    assert files.sites.current.configs["a"] == ("a", ("default", "spark-ads"))
    policy_path.write_text(POLICY.replace("spark-ads", "ads").replace("tier: 1", "tier: 2"))
    await files.look()
    site = files.sites.current
    assert site.configs["a"] == ("a", ("ads", "default"))
    assert site.queues == {"root.etl": (2, "")}
    assert site.policy is not None
    assert site.policy.tenant_of["ads"].namespace == "ads"


@pytest.mark.parametrize(
    "wrong", ["tenants: [", POLICY.replace("root.etl]", "root.other]"), POLICY + "tenants: []\n"]
)
async def test_a_wrong_policy_file_keeps_the_last_good_one(ruled: tuple[SiteFiles, Path], wrong: str):
    files, policy_path = ruled
    before = files.sites.current
    policy_path.write_text(wrong)
    with capture_logs() as logs:
        await files.look()
        await files.look()
    assert files.sites.current is before
    assert "policy.yaml" in files.sites.problem
    assert [entry["log_level"] for entry in logs] == ["warning"]  # once, not at each look
    policy_path.write_text(POLICY)
    await files.look()
    assert files.sites.problem == ""


async def test_a_policy_file_that_went_away_keeps_the_last_good_one(ruled: tuple[SiteFiles, Path]):
    files, policy_path = ruled
    before = files.sites.current
    policy_path.unlink()
    await files.look()
    assert files.sites.current is before
    assert "No such file" in files.sites.problem


async def test_files_that_did_not_change_are_not_parsed_again(
    ruled: tuple[SiteFiles, Path], monkeypatch: pytest.MonkeyPatch
):
    files, policy_path = ruled
    parsed: list[bytes] = []

    def counting(content: bytes, path: Path) -> Policy:
        parsed.append(content)
        return parse_policy(content, path)

    monkeypatch.setattr(module, "parse_policy", counting)
    for _ in range(3):
        await files.look()
    assert len(parsed) == 1
    policy_path.write_text(POLICY.replace("tier: 1", "tier: 2"))
    await files.look()
    assert len(parsed) == 2
    assert files.sites.current.queues == {"root.etl": (2, "")}
