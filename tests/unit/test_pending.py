"""Why a driver does not run yet, by what kubelets and schedulers really write."""

from __future__ import annotations

import pytest

from archer.translate.pending import MAX_WORDS_LENGTH, waits_for

IMAGE = "registry.local/spark:9"
DETAIL = "failed to resolve reference: registry.local/spark:9: not found"


@pytest.mark.parametrize(
    ("reason", "message", "words"),
    [
        pytest.param(
            "ErrImagePull", DETAIL, f"the image {IMAGE} cannot be pulled: {DETAIL}", id="a pull that failed"
        ),
        pytest.param(
            "ImagePullBackOff",
            f'Back-off pulling image "{IMAGE}": ErrImagePull: {DETAIL}',
            f"the image {IMAGE} cannot be pulled: {DETAIL}",
            id="the same failure between two tries",
        ),
        pytest.param(
            "ImagePullBackOff",
            f'Back-off pulling image "{IMAGE}"',
            f"the image {IMAGE} cannot be pulled",
            id="between two tries of an older kubelet",
        ),
        pytest.param(
            "Unschedulable",
            "0/3 nodes are available:\n3 Insufficient memory.",
            "the scheduler has not placed the driver yet: 0/3 nodes are available: 3 Insufficient memory.",
            id="no node has room",
        ),
        pytest.param(
            "Scheduling",
            "default/job-1-driver is queued and waiting for allocation",
            "the scheduler has not placed the driver yet: "
            "default/job-1-driver is queued and waiting for allocation",
            id="YuniKorn's queue",
        ),
        pytest.param(
            "SchedulingGated", "", "the scheduler has not placed the driver yet", id="without a message"
        ),
        pytest.param("WaitingForSlot", "", "waits for a free slot of the cluster", id="a local cluster"),
        pytest.param(
            "CreateContainerConfigError",
            'secret "x" not found',
            'the driver does not start: CreateContainerConfigError: secret "x" not found',
            id="a secret that is not there",
        ),
        pytest.param("ContainerCreating", "", None, id="nothing is wrong"),
        pytest.param("", "", None, id="nobody has said anything"),
    ],
)
def test_words(reason, message, words):
    assert waits_for(reason=reason, message=message, image=IMAGE).words == words


def test_only_an_image_that_fails_has_a_deadline():
    failing = waits_for(reason="ErrImagePull", message=DETAIL, image=IMAGE)
    assert failing.image_failure == f"ErrImagePull: {DETAIL}"
    assert not failing.is_hopeless
    assert waits_for(reason="InvalidImageName", message="", image="A B").is_hopeless
    assert waits_for(reason="Unschedulable", message="", image=IMAGE).image_failure is None


def test_words_are_bounded():
    found = waits_for(reason="ErrImagePull", message="x" * 5000, image=IMAGE)
    assert len(found.words or "") == MAX_WORDS_LENGTH
